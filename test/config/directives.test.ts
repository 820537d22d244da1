import { describe, expect, it } from 'vitest';
import type { GlobalConfig, IssuerConfig } from '../../src/config/config.ts';
import { directives, sections } from '../../src/config/grammar/directives.ts';
import { codesOf, parse, valid } from './parse-text.ts';

const CLOUDFLARE = 'cloudflare token=0123456789';

/** `value` of the lines of a `global` section, or the code of the one problem that they are. */
const GLOBAL: readonly (readonly [string, Partial<GlobalConfig> | string])[] = [
  ['http off', { http: [] }],
  ['http :8080', { http: [{ kind: 'tcp', host: null, port: 8080 }] }],
  ['http *:8080', { http: [{ kind: 'tcp', host: null, port: 8080 }] }],
  [
    'http LocalHost:0 127.0.0.1:0',
    {
      http: [
        { kind: 'tcp', host: 'localhost', port: 0 },
        { kind: 'tcp', host: '127.0.0.1', port: 0 },
      ],
    },
  ],
  ['http', 'missing-argument'],
  ['http 80', 'invalid-address'],
  ['http localhost', 'invalid-address'],
  ['http :65536', 'invalid-address'],
  ['http ::1:80', 'invalid-address'],
  ['http ::1', 'invalid-address'],
  ['http [1.2.3.4]:80', 'invalid-address'],
  ['http a/b:80', 'invalid-address'],
  ['http off :80', 'extra-argument'],
  ['http :80 :80', 'duplicate-address'],
  ['http :443', 'duplicate-address'],
  ['http :81\nhttp :82', 'duplicate-directive'],
  [
    'https [2001:DB8::1]:443 unix:run.sock fd:3',
    {
      https: [
        { kind: 'tcp', host: '2001:db8::1', port: 443 },
        { kind: 'unix', path: '/etc/rigil/run.sock' },
        { kind: 'fd', fd: 3 },
      ],
    },
  ],
  ['https off', 'invalid-address'],
  ['https fd:0', 'invalid-address'],
  ['https fd:x', 'invalid-address'],
  ['https unix:', 'invalid-path'],
  [`https unix:/${'a'.repeat(107)}`, 'invalid-path'],
  ['admin off', { admin: null }],
  ['admin unix:/run/rigil.sock', { admin: { kind: 'unix', path: '/run/rigil.sock' } }],
  ['admin :1 :2', 'invalid-cidr'],
  ['admin :1', 'admin-for-nobody'],
  ['admin 192.0.2.1:1', 'admin-for-nobody'],
  ['admin [::1]:1', { adminPeers: [] }],
  [
    'admin :1 10.0.0.0/8 ::1',
    { admin: { kind: 'tcp', host: null, port: 1 }, adminPeers: ['10.0.0.0/8', '::1/128'] },
  ],
  ['admin :80 ::1', 'duplicate-address'],
  ['store file /var/lib/rigil', { store: { kind: 'file', dir: '/var/lib/rigil' } }],
  ['store file state', { store: { kind: 'file', dir: '/etc/rigil/state' } }],
  ['store file "/var/lib/my rigil"', { store: { kind: 'file', dir: '/var/lib/my rigil' } }],
  ['store redis redis://localhost:6379', { store: redis('redis://localhost:6379') }],
  ['store redis redis://:p@ss/w#rd@h', { store: redis('redis://:p@ss/w#rd@h') }],
  ['store redis redis+sentinel://a,b:1/m/2', { store: redis('redis+sentinel://a,b:1/m/2') }],
  ['store redis rediss+cluster://[::1]:1,b', { store: redis('rediss+cluster://[::1]:1,b') }],
  [
    'store redis redis://h seal=env:KEYS ca=ca.pem sentinel-password=s',
    {
      store: {
        ...redis('redis://h'),
        seal: { kind: 'env', name: 'KEYS' },
        ca: '/etc/rigil/ca.pem',
        sentinelPassword: 's',
      },
    },
  ],
  [
    'store redis redis://h seal=file:keys',
    { store: { ...redis('redis://h'), seal: { kind: 'file', path: '/etc/rigil/keys' } } },
  ],
  ['store redis rediss://u:p@h/1 prefix=tls', { store: { ...redis('rediss://u:p@h/1'), prefix: 'tls' } }],
  ['store', 'missing-argument'],
  ['store disk /var', 'invalid-keyword'],
  ['store file', 'missing-argument'],
  ['store file ~/rigil', 'invalid-path'],
  ['store file ""', 'invalid-path'],
  ['store file /a /b', 'extra-argument'],
  ['store redis localhost', 'invalid-url'],
  ['store redis redis://h/x', 'invalid-url'],
  ['store redis redis://h?db=1', 'invalid-url'],
  ['store redis redis://a,b', 'invalid-url'],
  ['store redis redis+sentinel://a', 'invalid-url'],
  ['store redis redis+cluster://a/1', 'invalid-url'],
  ['store redis redis://h:0', 'invalid-url'],
  ['store redis redis://h prefix=', 'invalid-text'],
  ['store redis redis://h seal=c2VjcmV0', 'invalid-text'],
  ['store redis redis://h seal=env:1x', 'invalid-text'],
  ['store redis redis://h seal=file:~/keys', 'invalid-path'],
  ['store redis redis://h sentinel-password=', 'invalid-text'],
  ['store redis redis://h perfix=x', 'unknown-option'],
  ['store redis redis://h prefix=a prefix=b', 'duplicate-option'],
  ['store redis redis://h a', 'invalid-option'],
  ['workers auto', { workers: 'auto' }],
  ['workers 4', { workers: 4 }],
  ['workers 0', 'invalid-number'],
  ['workers 1.5', 'invalid-number'],
  ['workers', 'missing-argument'],

  ['max-connections auto', { maxConnections: 'auto' }],
  ['max-connections 50000', { maxConnections: 50_000 }],
  ['max-connections 0', 'invalid-number'],
  ['max-connections 10000001', 'invalid-number'],
  ['max-connections 1k', 'invalid-number'],
  ['max-connections off', 'invalid-number'],
  ['max-connections', 'missing-argument'],
  ['max-connections 1 2', 'extra-argument'],

  ['max-connections-per-address auto', { maxConnectionsPerAddress: 'auto' }],
  ['max-connections-per-address OFF', { maxConnectionsPerAddress: 'off' }],
  ['max-connections-per-address 100', { maxConnectionsPerAddress: 100 }],
  ['max-connections-per-address 0', 'invalid-number'],
  ['max-connections-per-address none', 'invalid-number'],
  ['max-connections-per-address', 'missing-argument'],
  ['max-connections-per-address off 1', 'extra-argument'],
  ['log debug', { log: { level: 'debug', format: 'auto' } }],
  ['log WARN json', { log: { level: 'warn', format: 'json' } }],
  ['log loud', 'invalid-keyword'],
  ['log info xml', 'invalid-keyword'],
  ['log', 'missing-argument'],
  ['access-log off', { accessLog: null }],
  ['access-log stdout', { accessLog: { target: { kind: 'stdout' }, format: 'json' } }],
  [
    'access-log a.log common',
    { accessLog: { target: { kind: 'file', path: '/etc/rigil/a.log' }, format: 'common' } },
  ],
  ['access-log a.log xml', 'invalid-keyword'],
  ['access-log', 'missing-argument'],
  [
    'trusted-proxies 10.0.0.0/8 192.0.2.1 FD00::/8 ::1',
    { trustedProxies: ['10.0.0.0/8', '192.0.2.1/32', 'fd00::/8', '::1/128'] },
  ],
  ['trusted-proxies 10.0.0.0/33', 'invalid-cidr'],
  ['trusted-proxies 10.0.0.0/', 'invalid-cidr'],
  ['trusted-proxies 10.0.0/8', 'invalid-cidr'],
  ['trusted-proxies localhost', 'invalid-cidr'],
  ['trusted-proxies ::1%lo', 'invalid-cidr'],
  ['trusted-proxies', 'missing-argument'],
  [
    'wildcard-domains example.net .Example.org *.x.example.com',
    { wildcardDomains: ['example.net', 'example.org', 'x.example.com'] },
  ],
  ['wildcard-domains a.*.b', 'invalid-name'],
  ['wildcard-domains 1.2.3.4', 'invalid-name'],
  ['wildcard-domains a.com.', 'invalid-name'],
  ['issuers letsencrypt', {}],
  ['issuers letsencript', 'unknown-issuer'],
  ['issuers internal internal', 'repeated-argument'],
  ['issuers ?', 'invalid-text'],
  ['config-source tcp://Config.internal:8500', { configSource: { host: 'config.internal', port: 8500 } }],
  ['config-source tcp://[::1]:1', { configSource: { host: '::1', port: 1 } }],
  ['config-source http://h:1', 'invalid-url'],
  ['config-source tcp://h', 'invalid-url'],
  ['config-source tcp://h:0', 'invalid-url'],
  ['centauri-metrics on', { centauriMetrics: true }],
  ['centauri-metrics OFF', { centauriMetrics: false }],
  ['centauri-metrics', 'missing-argument'],
  ['centauri-metrics yes', 'invalid-keyword'],
  ['tailscale', { tailscale: { socket: '/var/run/tailscale/tailscaled.sock', http: 'redirect' } }],
  ['tailscale ts.sock', { tailscale: { socket: '/etc/rigil/ts.sock', http: 'redirect' } }],
  ['tailscale-http serve\ntailscale /run/ts.sock', { tailscale: { socket: '/run/ts.sock', http: 'serve' } }],
  ['tailscale off', { tailscale: null }],
  [`tailscale /${'a'.repeat(107)}`, 'invalid-path'],
  ['tailscale /a /b', 'extra-argument'],
  ['tailscale\ntailscale-http proxy', 'invalid-keyword'],
  ['tailscale-http serve', 'directive-without-effect'],
  ['tailscale off\ntailscale-http serve', 'directive-without-effect'],
];

const ISSUER: readonly (readonly [string, Partial<IssuerConfig> | string])[] = [
  ['type acme', { type: 'acme' }],
  ['type internal', { type: 'internal', directory: null, challenges: [] }],
  ['type x', 'invalid-keyword'],
  ['type internal\nemail a@example.com', 'wrong-issuer-type'],
  ['directory https://ca.test/dir', { directory: 'https://ca.test/dir' }],
  ['directory http://127.0.0.1:14000/dir', { directory: 'http://127.0.0.1:14000/dir' }],
  ['directory http://ca.test/dir', 'invalid-url'],
  ['directory https://u:p@ca.test/dir', 'invalid-url'],
  ['directory https://ca.test/#dir', 'invalid-url'],
  ['directory ca.test', 'invalid-url'],
  ['directory', 'missing-argument'],
  ['email Admin+tls@Example.com', { email: 'Admin+tls@Example.com' }],
  ['email example.com', 'invalid-email'],
  ['email mailto:a@example.com', 'invalid-email'],
  ['email a@b@c', 'invalid-email'],
  ['email a@', 'invalid-email'],
  ['email a b@example.com', 'invalid-email extra-argument'],
  ['eab kid AbC-_9', { eab: { keyId: 'kid', hmac: 'AbC-_9' } }],
  ['eab kid AbC+/w==', { eab: { keyId: 'kid', hmac: 'AbC-_w' } }],
  ['eab kid', 'missing-argument'],
  ['eab kid a!b', 'invalid-text'],
  ['eab kid AbCdE', 'invalid-text'],
  ['profile shortlived', { profile: 'shortlived' }],
  ['profile', 'missing-argument'],
  ['preferred-chain ISRG Root X1', { preferredChain: 'ISRG Root X1' }],
  ['preferred-chain "ISRG Root X1"', { preferredChain: 'ISRG Root X1' }],
  ['must-staple', { mustStaple: true }],
  ['must-staple yes', 'extra-argument'],
  ['challenge tls-alpn-01', { challenges: [{ type: 'tls-alpn-01' }] }],
  [
    'challenge HTTP-01\nchallenge dns-persist-01',
    { challenges: [{ type: 'http-01' }, { type: 'dns-persist-01' }] },
  ],
  [
    `challenge dns-01 ${CLOUDFLARE}`,
    { challenges: [{ type: 'dns-01', provider: 'cloudflare', options: { token: '0123456789' } }] },
  ],
  [
    'challenge dns-01 exec path=/bin/hook env.A="b c"',
    { challenges: [{ type: 'dns-01', provider: 'exec', options: { path: '/bin/hook', 'env.A': 'b c' } }] },
  ],
  ['challenge dns-02', 'invalid-keyword'],
  ['challenge', 'missing-argument'],
  ['challenge http-01 x', 'extra-argument'],
  ['challenge dns-01', 'missing-argument'],
  ['challenge dns-01 cloudfare', 'invalid-keyword'],
  ['challenge dns-01 cloudflare', 'missing-option'],
  [`challenge dns-01 ${CLOUDFLARE} tll=60`, 'unknown-option'],
  [`challenge dns-01 ${CLOUDFLARE} ttl=x`, 'invalid-option'],
  [`challenge dns-01 ${CLOUDFLARE} token=b`, 'duplicate-option'],
  [`challenge dns-01 ${CLOUDFLARE} x`, 'invalid-option'],
  ['challenge dns-01 exec', 'invalid-option'],
  ['key-type RSA4096', { keyType: 'rsa4096' }],
  ['key-type ed25519', 'invalid-keyword'],
  ['ca-root root.pem', { caRoot: '/etc/rigil/root.pem' }],
  ['ca-root', 'missing-argument'],
  [
    'resolvers 9.9.9.9 9.9.9.10:5353 [2620:FE::fe]:54 ::1',
    { resolvers: ['9.9.9.9:53', '9.9.9.10:5353', '[2620:fe::fe]:54', '[::1]:53'] },
  ],
  ['resolvers dns.example.com', 'invalid-address'],
  ['resolvers 9.9.9.9,1.1.1.1', 'invalid-address'],
  ['propagation skip delay=30s', { propagation: { mode: 'skip', delayMs: 30_000, timeoutMs: 120_000 } }],
  ['propagation check timeout=5m', { propagation: { mode: 'check', delayMs: 10_000, timeoutMs: 300_000 } }],
  ['propagation never', 'invalid-keyword'],
  ['propagation check timeout=0', 'invalid-duration'],
  ['propagation check delay=10', 'invalid-duration'],
  ['request-rate 5/s', { requestRate: 5 }],
  ['request-rate 30/m', { requestRate: 0.5 }],
  ['request-rate 5', 'invalid-rate'],
  ['request-rate 0/s', 'invalid-rate'],
  ['obtain-interval 1h30m', { obtainIntervalMs: 5_400_000 }],
  ['obtain-interval 500ms', { obtainIntervalMs: 500 }],
  ['obtain-interval 0', { obtainIntervalMs: 0 }],
  ['obtain-interval 1x', 'invalid-duration'],
  ['obtain-interval 25h', 'invalid-duration'],
  ['timeout 1.5m', { timeoutMs: 90_000 }],
  ['timeout 0', 'invalid-duration'],
  ['ocsp :9181', 'wrong-issuer-type'],
  ['type internal\nocsp :9181', { ocsp: { kind: 'tcp', host: null, port: 9181 } }],
  ['type internal\nocsp :443', 'duplicate-address'],
  [
    'type tailscale',
    { type: 'tailscale', scope: 'tailnet', socket: '/var/run/tailscale/tailscaled.sock', challenges: [] },
  ],
  ['type tailscale\nsocket /run/ts.sock\ntimeout 2m', { socket: '/run/ts.sock', timeoutMs: 120_000 }],
  ['type tailscale\nemail a@example.com', 'wrong-issuer-type'],
  ['type tailscale\nkey-type p384', 'wrong-issuer-type'],
  ['socket /run/ts.sock', 'wrong-issuer-type'],
  ['type tailscale\nsocket', 'missing-argument'],
];

const ROUTE = 'route a.example.com\n  upstream app:8080';

describe('global', () => {
  it.each(GLOBAL)('%s', (lines, expected) => {
    const text = `global\n${lines}\n${ROUTE}`;
    if (typeof expected === 'string') expect(codesOf(text)).toEqual(expected.split(' '));
    else {
      expect(valid(text).global).toMatchObject(expected);
      expect(codesOf(text)).toEqual([]);
    }
  });
});

describe('issuer', () => {
  it.each(ISSUER)('%s', (lines, expected) => {
    const text = `issuer ca\n${lines}\n${ROUTE}\nprovider ca`;
    if (typeof expected === 'string') expect(codesOf(text)).toEqual(expected.split(' '));
    else {
      expect(valid(text).issuers.find(({ name }) => name === 'ca')).toMatchObject(expected);
      expect(codesOf(text)).toEqual([]);
    }
  });
});

describe('the table of directives', () => {
  const tested = (table: readonly (readonly [string, unknown])[]) =>
    new Set(table.flatMap(([lines]) => lines.split('\n').map((line) => line.split(' ')[0])));

  it('has a test for each setting; route directives are tested with the files of Centauri, or by balancing.test.ts', () => {
    const names = (section: string) =>
      directives.filter((each) => each.section === section).map(({ name }) => name);
    expect(names('global').filter((name) => !tested(GLOBAL).has(name))).toEqual([]);
    expect(names('issuer').filter((name) => !tested(ISSUER).has(name))).toEqual([]);
    expect(names('route')).toEqual([
      'upstream',
      'timeout',
      'balance',
      'health-check',
      'on_error',
      'provider',
      'header',
      'fallback',
      'redirect-to-primary',
      'subject',
    ]);
  });

  it.each(directives)('says all that a manual needs about $section $name', (directive) => {
    expect(directive.name).toBe(directive.name.toLowerCase());
    expect(directive.summary).toMatch(/^[A-Z].*[^.]$/);
    expect(directive.documentation).toMatch(/^$|\.$/);
    expect(directive.synopses.length).toBeGreaterThan(0);
    expect(directive.examples.length).toBeGreaterThan(0);
  });

  it.each(
    directives.flatMap(({ section, name, examples }) => examples.map((line) => ({ section, name, line }))),
  )('has a valid example: $line', ({ section, name, line }) => {
    const opening = { global: 'global', issuer: 'issuer ca', route: ROUTE }[section];
    const others = {
      ocsp: 'type internal',
      socket: 'type tailscale',
      'tailscale-http': 'tailscale',
      issuers: 'issuer zerossl\nissuer letsencrypt',
      'redirect-to-primary': 'route b.example.com c.example.com\nupstream app',
    } as Record<string, string>;
    const before = name === 'issuers' ? `${others[name]}\n${opening}` : `${opening}\n${others[name] ?? ''}`;
    const text = `${before}\n${line}\n${section === 'route' ? '' : ROUTE}`;
    const { diagnostics } = parse(text, {
      env: { HOME: '/', REDIS_PASSWORD: 'p', ZEROSSL_HMAC: 'AbCd', CLOUDFLARE_TOKEN: 't' },
    });
    expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  });

  it('has every directive once in its section', () => {
    const names = directives.map(({ section, name }) => `${section} ${name}`);
    expect(new Set(names).size).toBe(names.length);
    expect(sections.map(({ name }) => name)).toEqual(['global', 'issuer', 'route']);
  });
});

function redis(url: string) {
  return { kind: 'redis', url, prefix: 'rigil', seal: null, ca: null, sentinelPassword: null } as const;
}
