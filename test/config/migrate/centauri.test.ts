import { describe, expect, it } from 'vitest';
import { type CentauriInput, type Migration, migrateCentauri } from '../../../src/config/migrate/centauri.ts';
import { parse } from '../parse-text.ts';

const ROUTES = 'route example.com\n  upstream app:8080\n';
const DNS = { DNS_PROVIDER: 'cloudflare', CLOUDFLARE_DNS_API_TOKEN: 'secret-token' };

function migrate(env: Record<string, string> = {}, more: Partial<CentauriInput> = {}): Migration {
  return migrateCentauri({ env, routes: { file: 'centauri.conf', text: ROUTES }, isOwnEnv: true, ...more });
}

/** The lines that mean something, without indentation. */
function linesOf({ text }: Migration): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

describe('every variable of Centauri', () => {
  it('has its defaults where none is set', () => {
    const made = migrate();
    expect(linesOf(made)).toEqual([
      'global',
      'http :8080',
      'https :8443',
      'admin 127.0.0.1:9180',
      'log info text',
      'issuers internal',
      'issuer letsencrypt',
      'route example.com',
      'upstream app:8080',
    ]);
    expect(made).toMatchObject({ byHand: [], keep: [], certificates: 'certs.json' });
  });

  it.each<[Record<string, string>, string | RegExp]>([
    [{ HTTP_PORT: '80' }, 'http :80'],
    [{ HTTPS_PORT: '443' }, 'https :443'],
    [{ TRUSTED_DOWNSTREAMS: '10.0.0.0/8, ,fd00::/8' }, 'trusted-proxies 10.0.0.0/8 fd00::/8'],
    [{ WILDCARD_DOMAINS: '.example.com example.net' }, 'wildcard-domains example.com example.net'],
    [{ LOG_LEVEL: 'WARN', LOG_FORMAT: 'json' }, 'log warn json'],
    [{ CERTIFICATE_PROVIDERS: 'selfsigned lego', ...DNS }, 'issuers internal'],
    [{ CERTIFICATE_PROVIDERS: 'lego selfsigned', ...DNS }, 'issuers letsencrypt'],
    [{ ...DNS }, 'issuers letsencrypt'],
    [{ ACME_DIRECTORY: 'https://acme.example/dir', ...DNS }, 'issuer acme'],
    [{ ACME_DIRECTORY: 'https://acme.example/dir' }, 'directory https://acme.example/dir'],
    [{ ACME_EMAIL: 'admin@example.com' }, 'email admin@example.com'],
    [{ ACME_PROFILE: 'shortlived' }, 'profile shortlived'],
    [{ OCSP_STAPLING: 'T' }, 'must-staple'],
    [{ ACME_EXTERNAL_KID: 'kid', ACME_EXTERNAL_HMAC: 'c2VjcmV0' }, `eab kid \${ACME_EXTERNAL_HMAC}`],
    [{ ACME_RESOLVERS: '9.9.9.9:53,1.1.1.1' }, 'resolvers 9.9.9.9:53 1.1.1.1'],
    [{ ACME_DISABLE_PROPAGATION_CHECK: 'true', ...DNS }, 'propagation skip delay=10s'],
    [
      { ACME_DISABLE_PROPAGATION_CHECK: '1', ACME_PROPAGATION_DELAY: '1m30s', ...DNS },
      'propagation skip delay=1m30s',
    ],
    [{ ACME_OVERALL_REQUEST_LIMIT: '5' }, 'request-rate 5/s'],
    [{ ACME_OBTAIN_INTERVAL: '1.5h' }, 'obtain-interval 1h30m'],
    [{ ACME_OVERALL_TIMEOUT: '5m' }, 'timeout 5m'],
    [{ LEGO_CA_CERTIFICATES: '/etc/ca.pem' }, 'ca-root /etc/ca.pem'],
    [DNS, `challenge dns-01 cloudflare token=\${CLOUDFLARE_DNS_API_TOKEN}`],
    [
      { DNS_PROVIDER: 'rfc2136', RFC2136_NAMESERVER: 'ns.example:53', RFC2136_TSIG_SECRET: 'x' },
      `challenge dns-01 rfc2136 server=ns.example:53 secret=\${RFC2136_TSIG_SECRET}`,
    ],
    [{ DNS_PROVIDER: 'exec', EXEC_PATH: '/opt/my hook' }, 'challenge dns-01 exec "path=/opt/my hook"'],
    [
      { DNS_PROVIDER: 'httpreq', HTTPREQ_ENDPOINT: 'https://dns.example' },
      'challenge dns-01 httpreq endpoint=https://dns.example',
    ],
    [{ DNS_PROVIDER: 'hetzner' }, 'challenge dns-01 exec dialect=acme.sh api=dns_hetzner'],
    [{ DNS_PROVIDER: 'somethingnew' }, 'challenge dns-01 exec path=/usr/local/bin/dns-hook'],
    [{ METRICS_PORT: '9100' }, 'admin :9100 0.0.0.0/0 ::/0'],
    [{ METRICS_PORT: '9100' }, 'centauri-metrics on'],
    [{ CONFIG_SOURCE: 'network', CONFIG_NETWORK_ADDRESS: 'conf:8500' }, 'config-source tcp://conf:8500'],
  ])('%j', (env, line) => {
    expect(linesOf(migrate(env))).toContain(line);
  });

  it.each<[Record<string, string>, string]>([
    [{ HTTP_PORT: 'eighty' }, 'HTTP_PORT'],
    [{ FRONTEND: 'Tailscale' }, 'FRONTEND'],
    [{ FRONTEND: 'quic' }, 'FRONTEND'],
    [{ TAILSCALE_KEY: 'tskey-1' }, 'TAILSCALE_KEY'],
    [{ FRONTEND: 'tailscale', TAILSCALE_KEY: 'tskey-1' }, 'TAILSCALE_KEY'],
    [{ FRONTEND: 'tailscale', TAILSCALE_DIR: '/data/tailscale' }, 'TAILSCALE_DIR'],
    [{ FRONTEND: 'tailscale', TAILSCALE_MODE: 'HTTP' }, 'TAILSCALE_MODE'],
    [{ METRICS_PORT: '9100' }, 'METRICS_PORT'],
    [{ CERTIFICATE_STORE_TYPE: 'redis', REDIS_PASSWORD: 'hush' }, 'CERTIFICATE_STORE_TYPE'],
    [{ USER_DATA: '/elsewhere/user.pem' }, 'USER_DATA'],
    [{ CERTIFICATE_PROVIDERS: 'lego zerossl' }, 'CERTIFICATE_PROVIDERS'],
    [{ LOG_FORMAT: 'JSON' }, 'LOG_FORMAT'],
    [{ LOG_LEVEL: 'chatty' }, 'LOG_LEVEL'],
    [{ OCSP_STAPLING: 'yes' }, 'OCSP_STAPLING'],
    [{ ACME_EXTERNAL_KID: 'kid' }, 'ACME_EXTERNAL_KID'],
    [{ ACME_DIRECTORY: 'http://acme.example/dir' }, 'ACME_DIRECTORY'],
    [{ ACME_RESOLVERS: 'dns.example:53' }, 'ACME_RESOLVERS'],
    [{ ACME_PROPAGATION_DELAY: '1m', ...DNS }, 'ACME_PROPAGATION_DELAY'],
    [{ ACME_OVERALL_TIMEOUT: '0' }, 'ACME_OVERALL_TIMEOUT'],
    [{ ACME_OBTAIN_INTERVAL: 'soon' }, 'ACME_OBTAIN_INTERVAL'],
    [{ ACME_OVERALL_REQUEST_LIMIT: '-1' }, 'ACME_OVERALL_REQUEST_LIMIT'],
    [{ LEGO_CA_CERTIFICATES: '/a.pem:/b.pem' }, 'LEGO_CA_CERTIFICATES'],
    [{ CONFIG_SOURCE: 'network' }, 'CONFIG_NETWORK_ADDRESS'],
    [{ VALIDATE: 'true' }, 'VALIDATE'],
    [{ DNS_PROVIDER: 'ovh' }, 'DNS_PROVIDER'],
    [{ HETZNER_API_KEY: 'hush' }, 'HETZNER_API_KEY'],
  ])('that needs an eye is named: %j', (env, variable) => {
    const made = migrate(env);
    expect(made.byHand.map((note) => note.variable)).toContain(variable);
    expect(made.text).toContain(`#   ${variable}: `);
    expect(parse(made.text, { mode: 'check' }).config).not.toBeNull();
  });
});

describe('a tailnet', () => {
  const TAILNET = ['global', 'http 127.0.0.1:80', 'https 127.0.0.1:443', 'tailscale'];

  it('with plain HTTP, which Centauri has by default, gets it without any order at a CA', () => {
    const made = migrate({ FRONTEND: 'Tailscale', HTTP_PORT: '8080', ...DNS });
    expect(linesOf(made).slice(0, 5)).toEqual([...TAILNET, 'tailscale-http serve']);
    expect(linesOf(made)).toContain('issuers internal');
    expect(made.byHand.map(({ variable }) => variable)).toEqual(['FRONTEND']);
  });

  it('with HTTPS gets certificates as everywhere', () => {
    const made = migrate({ FRONTEND: 'tailscale', TAILSCALE_MODE: 'https', ...DNS });
    expect(linesOf(made).slice(0, 4)).toEqual(TAILNET);
    expect(linesOf(made)).not.toContain('tailscale-http serve');
    expect(linesOf(made)).toContain('issuers letsencrypt');
  });

  it('never has its key in the new file', () => {
    const { text } = migrate({
      FRONTEND: 'tailscale',
      TAILSCALE_KEY: 'tskey-secret',
      TAILSCALE_HOSTNAME: 'box',
    });
    expect(text).not.toContain('tskey-secret');
    expect(text).toContain('--hostname=box');
  });
});

describe('what is made', () => {
  const everything = {
    ...DNS,
    HTTP_PORT: '80',
    HTTPS_PORT: '443',
    METRICS_PORT: '9100',
    TRUSTED_DOWNSTREAMS: '10.0.0.0/8',
    WILDCARD_DOMAINS: 'example.com',
    CERTIFICATE_STORE: '/data/certs.json',
    USER_DATA: '/data/user.pem',
    ACME_EMAIL: 'admin@example.com',
    ACME_EXTERNAL_KID: 'kid "1" # $x',
    ACME_EXTERNAL_HMAC: 'top-secret-hmac',
    ACME_RESOLVERS: '9.9.9.9:53',
    ACME_OVERALL_TIMEOUT: '3m',
    OCSP_STAPLING: 'false',
    LOG_FORMAT: 'json',
  };

  it('is valid, and means what was said', () => {
    const { config, diagnostics } = parse(migrate(everything).text, { mode: 'check' });
    expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(config).toMatchObject({
      global: { https: [{ port: 443 }], trustedProxies: ['10.0.0.0/8'], wildcardDomains: ['example.com'] },
      issuers: [
        { name: 'letsencrypt', scope: 'all', email: 'admin@example.com', timeoutMs: 180_000 },
        { name: 'internal', scope: 'private' },
      ],
      routes: [{ names: ['example.com'] }],
    });
  });

  it('holds no secret', () => {
    const { text, keep, byHand } = migrate(everything);
    expect(`${text}${JSON.stringify(byHand)}`).not.toMatch(/secret-token|top-secret-hmac/);
    expect([...keep].sort()).toEqual(['ACME_EXTERNAL_HMAC', 'CLOUDFLARE_DNS_API_TOKEN']);
    expect(migrate({ CERTIFICATE_STORE_TYPE: 'redis', REDIS_PASSWORD: 'hush-hush' }).text).not.toContain(
      'hush-hush',
    );
    expect(migrate({ UNKNOWN_API_TOKEN: 'hush-hush' }).text).not.toContain('hush-hush');
  });

  it('has no word about variables of Centauri that mean nothing here', () => {
    const idle = [
      'CONFIG',
      'CONFIG_NETWORK_ADDRESS',
      'REDIS_ADDRESS',
      'REDIS_KEY_PREFIX',
      'ACME_DISABLE_PROPAGATION_CHECK',
    ];
    expect(migrate(Object.fromEntries(idle.map((name) => [name, '']))).byHand).toEqual([]);
    expect(migrate({ CONFIG: '/centauri.conf', REDIS_TLS: 'false', FRONTEND: 'TCP' }).byHand).toEqual([]);
  });

  it('keeps the routes letter for letter', () => {
    const text =
      '# ours\nroute a.example b.example\n\tupstream a:1\n\theader add X  v # w\n\non_error 404 e/x\n';
    const made = migrate({}, { routes: { file: 'r.conf', text: `\ufeff${text.replaceAll('\n', '\r\n')}` } });
    expect(made.text.endsWith(text)).toBe(true);
  });

  it('never lets a value become a line of its own', () => {
    const evil = 'x\nissuer evil\n  directory https://evil.example/';
    for (const variable of [
      'ACME_EMAIL',
      'DNS_PROVIDER',
      'CERTIFICATE_STORE',
      'LOG_LEVEL',
      'FRONTEND',
      'USER_DATA',
      'CONFIG_NETWORK_ADDRESS',
      'ACME_PROFILE',
      'WILDCARD_DOMAINS',
      'REDIS_ADDRESS',
      'REDIS_DB',
    ]) {
      const { text } = migrate({
        [variable]: evil,
        CERTIFICATE_STORE_TYPE: 'redis',
        CONFIG_SOURCE: 'network',
      });
      expect(
        text.split('\n').filter((line) => line.startsWith('issuer evil')),
        variable,
      ).toEqual([]);
    }
  });

  it('has no routes where a server sends them', () => {
    const made = migrate(
      { CONFIG_SOURCE: 'network', CONFIG_NETWORK_ADDRESS: '127.0.0.1:8500' },
      { routes: null },
    );
    expect(parse(made.text, { mode: 'check' })).toMatchObject({
      config: { routes: [], global: { configSource: { host: '127.0.0.1', port: 8500 } } },
      diagnostics: [],
    });
  });
});
