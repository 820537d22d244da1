import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RouteConfig } from '../../src/config/config.ts';
import { ROUTE_DEFAULTS } from '../../src/config/defaults.ts';
import { loadConfig } from '../../src/config/load.ts';
import { masked } from '../../src/config/mask.ts';
import { showConfig } from '../../src/config/show.ts';
import { defaultLimits } from '../../src/proxy/protocol.ts';
import { loadX509, signingKeys } from '../../src/x509/web-crypto.ts';
import { testCertificate } from '../proxy/certificate.ts';
import { codesOf, parse, valid } from './parse-text.ts';

const app = { scheme: 'http', host: 'app', port: 8080 };
const secure = { scheme: 'https', host: 'app', port: 443 };
const tls = {
  serverName: null,
  insecure: false,
  ca: null,
  certificate: null,
  key: null,
  material: null,
};

/** What the last line of a route makes of it, or the codes of the problems. */
const LINES: readonly (readonly [string, Partial<RouteConfig> | string])[] = [
  ['upstream app:8080 weight=3', { upstreams: [{ ...app, weight: 3 }] as never }],
  ['upstream unix:/a weight=2', { upstreams: [{ scheme: 'unix', path: '/a', weight: 2 }] }],
  ['upstream unix:/a b', { upstreams: [{ scheme: 'unix', path: '/a b' }] }],
  ['upstream app weight=0', 'invalid-number'],
  ['upstream app weight=1001', 'invalid-number'],
  ['upstream app weight=1.5', 'invalid-number'],
  ['upstream app weight=', 'invalid-number'],
  ['upstream app weight=1 weight=2', 'duplicate-option'],
  ['upstream app weight=1 b', 'invalid-option'],
  ['upstream app ca=/r.pem', 'unknown-option'],
  ['upstream app insecure', 'unknown-option'],
  ['upstream unix:/a servername=b', 'unknown-option'],
  ['upstream https://app', { upstreams: [secure] as never }],
  [
    'upstream https://app ca=r.pem',
    { upstreams: [{ ...secure, tls: { ...tls, ca: '/etc/rigil/r.pem' } }] as never },
  ],
  [
    'upstream https://10.0.0.7 servername=App.Internal WEIGHT=2',
    {
      upstreams: [
        { ...secure, host: '10.0.0.7', weight: 2, tls: { ...tls, serverName: 'app.internal' } },
      ] as never,
    },
  ],
  [
    'upstream https://app cert=/c.pem key=/k.pem',
    { upstreams: [{ ...secure, tls: { ...tls, certificate: '/c.pem', key: '/k.pem' } }] as never },
  ],
  ['upstream https://app insecure', 'unverified-upstream'],
  ['upstream https://app insecure ca=/r.pem', 'option-conflict'],
  ['upstream https://app insecure insecure', 'unverified-upstream duplicate-option'],
  ['upstream https://app cert=/c.pem', 'missing-option'],
  ['upstream https://app key=/k.pem', 'missing-option'],
  ['upstream https://app servername=10.0.0.7', 'invalid-name'],
  ['upstream https://app servername=', 'invalid-name'],
  ['upstream https://app ca=', 'invalid-path'],
  ['upstream https://app ca=~/r.pem', 'invalid-path'],
  ['upstream https://app cs=/r.pem', 'unknown-option'],
  ['upstream https://app b', 'invalid-upstream'],
  ['timeout connect=1s', { timeouts: { connectMs: 1_000, responseMs: 60_000, idleMs: 4_000 } }],
  ['timeout response=10m idle=55s', { timeouts: { connectMs: 5_000, responseMs: 600_000, idleMs: 55_000 } }],
  ['timeout', 'missing-argument'],
  ['timeout 5s', 'invalid-option'],
  ['timeout connect=0', 'invalid-duration'],
  ['timeout connect=5', 'invalid-duration'],
  ['timeout response=25h', 'invalid-duration'],
  ['timeout read=5s', 'unknown-option'],
  ['timeout idle=1s\ntimeout connect=1s', 'duplicate-directive'],
  ['balance Round-Robin', { balance: 'round-robin' }],
  ['balance sticky', { balance: 'sticky' }],
  ['balance', 'missing-argument'],
  ['balance stick', 'invalid-keyword'],
  [
    'health-check /healthz',
    {
      healthCheck: {
        path: '/healthz',
        intervalMs: 10_000,
        timeoutMs: 2_000,
        status: { first: 200, last: 399 },
      },
    },
  ],
  [
    'health-check /?a=b status=204 interval=1s timeout=500ms',
    { healthCheck: { path: '/?a=b', intervalMs: 1_000, timeoutMs: 500, status: { first: 204, last: 204 } } },
  ],
  ['health-check', 'missing-argument'],
  ['health-check healthz', 'invalid-path'],
  ['health-check /é', 'invalid-path'],
  ['health-check / status=100', 'invalid-status'],
  ['health-check / status=399-200', 'invalid-status'],
  ['health-check / status=200-', 'invalid-status'],
  ['health-check / interval=10ms', 'invalid-duration'],
  ['health-check / every=1s', 'unknown-option'],
];

describe('a route', () => {
  it.each(LINES)('%s', (line, expected) => {
    const upstream = line.startsWith('upstream') ? '' : 'upstream other\n';
    const text = `route a.example.com\n${upstream}${line}`;
    if (typeof expected === 'string') expect(codesOf(text)).toEqual(expected.split(' '));
    else {
      expect(valid(text).routes[0]).toMatchObject(expected);
      expect(codesOf(text)).toEqual([]);
    }
  });

  it('keeps the limits of the proxy where it says nothing', () => {
    const { upstreamConnectMs, upstreamResponseMs, upstreamIdleMs } = defaultLimits;
    expect(ROUTE_DEFAULTS.timeouts).toEqual({
      connectMs: upstreamConnectMs,
      responseMs: upstreamResponseMs,
      idleMs: upstreamIdleMs,
    });
    expect(valid('route a.com\nupstream b').routes[0]).toMatchObject({
      balance: 'random',
      healthCheck: null,
      timeouts: ROUTE_DEFAULTS.timeouts,
    });
  });

  it('says of a misplaced option where it belongs', () => {
    const { diagnostics } = parse('route a.com\n  upstream app ca=/r.pem');
    expect(diagnostics).toMatchObject([
      {
        line: 2,
        column: 16,
        message: 'ca is for https:// upstreams only',
        hint: 'write https:// in front of the host',
      },
    ]);
  });
});

describe('the files of an upstream', () => {
  let folder = '';
  let cert = '';
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rigil-'));
    const made = await testCertificate();
    cert = made.cert.trim();
    writeFileSync(join(folder, 'good.pem'), `a comment\n${cert}\n${cert}\n`);
    writeFileSync(join(folder, 'key.pem'), made.key);
    writeFileSync(join(folder, 'other.pem'), generateKeyPairSync('ed25519', PEM).privateKey);
    writeFileSync(join(folder, 'no.pem'), 'nothing of that kind');
    writeFileSync(
      join(folder, 'broken.pem'),
      `${cert}\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`,
    );
    writeFileSync(
      join(folder, 'locked.pem'),
      '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n',
    );
    const weak = await weakCertificate();
    writeFileSync(join(folder, 'weak.pem'), weak.cert);
    writeFileSync(join(folder, 'weak.key'), weak.key);
    execFileSync('mkfifo', [join(folder, 'pipe.pem')]);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const load = (options: string, mode: 'daemon' | 'check' = 'daemon') =>
    loadConfig({
      text: `route a.com\n  upstream https://app ${options}`,
      name: 'rigil.conf',
      baseDir: folder,
      env: { HOME: '/home/rigil' },
      mode,
    });

  it('are read with the configuration, and shown to nobody', async () => {
    const { config, diagnostics } = await load('ca=good.pem cert=good.pem key=key.pem servername=x.test');
    expect(diagnostics).toEqual([]);
    if (config === null) throw new Error('not valid');
    const material = config.routes[0]?.upstreams[0]?.tls?.material;
    expect(material?.ca?.trim()).toBe(cert);
    expect(material?.key).toContain('PRIVATE KEY');
    const shown = `${showConfig(config)}${JSON.stringify(masked(config))}`;
    expect(shown).not.toContain('BEGIN');
    expect(shown).toContain(
      `upstream https://app:443 ca=${folder}/good.pem servername=x.test cert=${folder}/good.pem key=${folder}/key.pem`,
    );
  });

  it('are told apart by what is in them, not by their names', async () => {
    const id = async (options: string) =>
      (await load(options)).config?.routes[0]?.upstreams[0]?.tls?.material?.id;
    writeFileSync(join(folder, 'same.pem'), cert);
    expect(await id('ca=same.pem')).toBe(await id('ca=good.pem'));
    expect(await id('ca=same.pem')).not.toBe(await id('ca=same.pem servername=x.test'));
    expect(await id('insecure')).not.toBe(await id('servername=x.test'));
  });

  it.each([
    ['ca=none.pem', 'unreadable-file', 'does not exist'],
    ['ca=.', 'unreadable-file', 'is no regular file'],
    ['ca=pipe.pem', 'unreadable-file', 'is no regular file'],
    ['ca=no.pem', 'unusable-file', 'holds no certificate in PEM'],
    ['ca=key.pem', 'unusable-file', 'holds no certificate in PEM'],
    ['ca=broken.pem', 'unusable-file', 'number 2 cannot be read'],
    ['cert=good.pem key=none.pem', 'unreadable-file', 'does not exist'],
    ['cert=good.pem key=no.pem', 'unusable-file', 'holds no private key'],
    ['cert=good.pem key=other.pem', 'unusable-file', 'the key of another certificate'],
    ['cert=weak.pem key=weak.key', 'unusable-file', 'OpenSSL does not take what is in the files'],
    ['cert=good.pem key=locked.pem', 'unusable-file', 'locked with a password'],
  ])('%s is %s', async (options, code, message) => {
    const { config, diagnostics } = await load(options);
    expect(config).toBeNull();
    expect(diagnostics).toMatchObject([{ code, line: 2, severity: 'error' }]);
    expect(diagnostics[0]?.message).toContain(message);
    expect(diagnostics[0]?.column).toBeGreaterThan(20);
  });

  it('may be absent where a configuration is only checked', async () => {
    const { config, diagnostics } = await load('ca=none.pem', 'check');
    expect(config).not.toBeNull();
    expect(diagnostics).toMatchObject([{ code: 'unreadable-file', severity: 'warning' }]);
    expect((await load('ca=no.pem', 'check')).config).toBeNull();
  });
});

const PEM = {
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
} as const;

/** One with a key that OpenSSL finds too small. */
async function weakCertificate(): Promise<{ readonly cert: string; readonly key: string }> {
  const x509 = await loadX509();
  const key = generateKeyPairSync('rsa', { modulusLength: 1_024, ...PEM }).privateKey;
  const { algorithm, ...keys } = signingKeys(key);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: 'CN=weak',
    keys,
    signingAlgorithm: algorithm,
  });
  return { cert: certificate.toString('pem'), key };
}
