import { type ChildProcess, spawn } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { makeRoot, readRoot } from '../../src/internal-ca/authority.ts';
import { makeLeaf } from '../../src/internal-ca/leaf.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { DAY } from '../certs/make.ts';
import { selfSigned } from '../certs/real-certificate.ts';
import { eventually, freePorts, RIGIL, rigil, textOf } from './daemon.ts';
import { startUpstream, type Upstream } from './upstream.ts';

// Whole programs on a machine that may be busy with others.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

/** An entry of certs.json, and the leaf in it. */
interface Entry {
  readonly provider: string;
  readonly names: readonly string[];
  readonly certificate: string;
  readonly privateKey: string;
}

let folder: string;
let upstream: Upstream;
const children: ChildProcess[] = [];
/** What the CA was asked for. */
const asked: string[] = [];
const ca = createServer((request, response) => {
  asked.push(`${request.method} ${request.url}`);
  response.writeHead(503).end();
});

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rigil-move-'));
  upstream = await startUpstream('app');
  await new Promise<void>((done) => ca.listen(0, '127.0.0.1', done));
});
afterAll(async () => {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const gone = new Promise((done) => child.once('exit', done));
    child.kill('SIGTERM');
    await gone;
  }
  await upstream[Symbol.asyncDispose]();
  ca.close();
  ca.closeAllConnections();
  rmSync(folder, { recursive: true, force: true });
});

/** The keys in the forms that Centauri has written over the years: PKCS#8, SEC 1, PKCS#1. */
async function entries(): Promise<readonly Entry[]> {
  const [site, wild, old, own, gone] = await Promise.all([
    issued(['www.example.com', 'example.com']),
    issued(['*.apps.example.com']),
    issued(['legacy.example.com'], 'rsa2048'),
    selfSigned(['internal.example.com'], Date.now() - DAY),
    issued(['gone.example.com']),
  ]);
  const sec1 = createPrivateKey(wild.key).export({ type: 'sec1', format: 'pem' }).toString();
  const pkcs1 = createPrivateKey(old.key).export({ type: 'pkcs1', format: 'pem' }).toString();
  const entry = (provider: string, names: string[], chain: string, privateKey: string): Entry => ({
    provider,
    names,
    certificate: chain,
    privateKey,
  });
  return [
    entry('lego', ['www.example.com', 'example.com'], site.chain, site.key),
    entry('lego', ['*.apps.example.com'], wild.chain, sec1),
    entry('', ['legacy.example.com'], old.chain, pkcs1),
    entry('selfsigned', ['internal.example.com'], own.chain, own.key),
    entry('lego', ['gone.example.com'], gone.chain, gone.key),
  ];
}

/** As a CA made it yesterday, for seven days. */
async function issued(names: readonly string[], keyType: 'p256' | 'rsa2048' = 'p256') {
  const now = Date.now() - DAY;
  const root = await readRoot(await makeRoot(now, systemRandom));
  return makeLeaf(root, { names, keyType, now, random: systemRandom });
}

const fingerprint = (pem: string) => new X509Certificate(pem).fingerprint256;

/** The fingerprint of the certificate that is shown for a name. */
function shown(port: number, servername: string): Promise<string> {
  return new Promise((done, failed) => {
    const socket = connect({ host: '127.0.0.1', port, servername, rejectUnauthorized: false }, () => {
      done(socket.getPeerX509Certificate()?.fingerprint256 ?? '');
      socket.destroy();
    });
    socket.once('error', failed);
  });
}

it('a move from Centauri ends with its certificates in service, and nothing ordered', async () => {
  const [http = 0, https = 0, metrics = 0] = await freePorts(3);
  const directory = `http://127.0.0.1:${(ca.address() as AddressInfo).port}/directory`;
  const stored = await entries();
  writeFileSync(
    join(folder, 'centauri.env'),
    [
      `HTTP_PORT=${http}`,
      `HTTPS_PORT=${https}`,
      `METRICS_PORT=${metrics}`,
      'DNS_PROVIDER=cloudflare',
      'CF_DNS_API_TOKEN="hush-hush"',
      `ACME_DIRECTORY=${directory}`,
      'ACME_EMAIL=admin@example.com',
      'WILDCARD_DOMAINS=apps.example.com',
      'TRUSTED_DOWNSTREAMS=10.0.0.0/8',
      `CERTIFICATE_STORE=${join(folder, 'certs.json')}`,
      `USER_DATA=${join(folder, 'user.pem')}`,
      'LOG_FORMAT=json',
      '',
    ].join('\n'),
  );
  writeFileSync(
    join(folder, 'centauri.conf'),
    `# The sites.
route www.example.com example.com
    upstream ${upstream.address}
    redirect-to-primary
    header delete Server
    header add Strict-Transport-Security max-age=15768000

route one.apps.example.com
    upstream ${upstream.address}
    on_error 502 127.0.0.1:1/away

route legacy.example.com
    upstream ${upstream.address}

route internal.example.com
    upstream ${upstream.address}
    provider selfsigned
`,
  );
  const zero = '0001-01-01T00:00:00Z';
  writeFileSync(
    join(folder, 'certs.json'),
    JSON.stringify(
      stored.map(({ provider, names: [subject, ...altNames], certificate, privateKey }) => ({
        ...{ provider, issuer: '', privateKey, certificate, subject },
        ...{ altNames: altNames.length === 0 ? null : altNames, ocspResponse: null, nextOcspUpdate: zero },
        ...{ notAfter: new X509Certificate(certificate).validToDate, ariNextUpdate: zero },
        ...{ ariRenewalTime: zero, ariExplanation: '' },
      })),
    ),
    { mode: 0o600 },
  );
  const account = createPrivateKey(stored[0]?.privateKey ?? '').export({ type: 'sec1', format: 'pem' });
  writeFileSync(
    join(folder, 'user.pem'),
    JSON.stringify({
      email: 'admin@example.com',
      registration: { body: { status: 'valid' }, uri: `${directory}/acct/7` },
      key: account,
    }),
  );
  chmodSync(join(folder, 'user.pem'), 0o600);

  const env = { STATE_DIRECTORY: join(folder, 'state'), CF_DNS_API_TOKEN: 'hush-hush' };
  const run = async (...args: string[]) => {
    const finished = await rigil(args, { cwd: folder, env });
    expect(finished.code, `${args.join(' ')}\n${finished.stderr}${finished.stdout}`).toBe(0);
    return finished;
  };
  await run(
    ...['config', 'migrate', '--from', 'centauri', '--env-file', 'centauri.env'],
    ...['--config', 'centauri.conf', '--output', 'rigil.conf'],
  );
  expect(textOf(join(folder, 'rigil.conf'))).not.toContain('hush-hush');
  await run('config', 'check', '-c', 'rigil.conf');
  const taken = await run(
    'certs',
    'import',
    'certs.json',
    '--from',
    'centauri',
    '-c',
    'rigil.conf',
    '--json',
  );
  const report = JSON.parse(taken.stdout);
  expect(report.imported.map(({ id }: { id: string }) => id).sort()).toEqual([
    '*.apps.example.com',
    'internal.example.com',
    'legacy.example.com',
    'www.example.com',
  ]);
  expect(report.accounts).toHaveLength(1);

  const child = spawn(process.execPath, [RIGIL, 'serve', '-c', 'rigil.conf'], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let output = '';
  child.stdout.on('data', (data) => {
    output += data;
  });
  child.stderr.on('data', (data) => {
    output += data;
  });
  const admin = (path: string) => fetch(`http://127.0.0.1:${metrics}${path}`).catch(() => null);
  await eventually(
    'a healthy daemon',
    async () => ((await admin('/healthz'))?.ok === true ? true : undefined),
    () => output,
  );

  const [site, wild, old, own] = stored.map(({ certificate }) => fingerprint(certificate));
  expect(await shown(https, 'www.example.com')).toBe(site);
  expect(await shown(https, 'example.com')).toBe(site);
  expect(await shown(https, 'one.apps.example.com')).toBe(wild);
  expect(await shown(https, 'legacy.example.com')).toBe(old);
  expect(await shown(https, 'internal.example.com')).toBe(own);
  expect(output).not.toMatch(/certificate\.(obtain|renew)\.started/);
  // Looking into the directory for its advice is all that the CA may have been asked for.
  expect(asked.filter((line) => line !== 'GET /directory')).toEqual([]);
  expect(output).not.toContain('hush-hush');
});
