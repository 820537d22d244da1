import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CertificateView } from '../../src/certs/view.ts';
import { has } from '../peers.ts';
import { sendOcsp, serve, TestAuthority, type TestCertificate, type TestServer } from '../responder.ts';
import { type Daemon, eventually, rigil, runProgram, startDaemon } from './daemon.ts';
import { store } from './stored-certificate.ts';
import { startUpstream, type Upstream } from './upstream.ts';

/** The CA of the tests is known by its certificates; nobody answers at its directory. */
const ISSUERS = 'issuers testca internal';
const SECTIONS = `issuer testca
  directory https://localhost:1/directory
issuer internal
  type internal
`;

describe.skipIf(!has('openssl') || !has('curl'))('stapling', { timeout: 60_000 }, () => {
  let authority: TestAuthority;
  let responder: TestServer;
  let upstream: Upstream;
  /** Resolves when the responder may answer. */
  let mayAnswer: Promise<void> = Promise.resolve();
  let isDown = false;

  beforeAll(async () => {
    authority = await TestAuthority.create();
    upstream = await startUpstream('one');
    responder = await serve(async ({ method, url, body }, response) => {
      await mayAnswer;
      if (isDown) return response.writeHead(503).end();
      const request =
        method === 'POST'
          ? body
          : Buffer.from(decodeURIComponent(url.slice(url.lastIndexOf('/') + 1)), 'base64');
      return sendOcsp(response, await authority.answer(request));
    });
  });
  afterAll(async () => {
    await responder?.[Symbol.asyncDispose]();
    await upstream?.[Symbol.asyncDispose]();
    await authority?.remove();
  });

  it('satisfies curl and openssl, in every version of TLS and HTTP, and is seen everywhere', async () => {
    const leaf = await issue('one.test');
    await using daemon = await start('one.test', (folder) => store(folder, 'testca', leaf, authority.ca));
    await eventually('a staple', async () =>
      (await curl(daemon, 'one.test', '--cert-status')).code === 0 ? true : undefined,
    );

    for (const [tls, http] of [
      ['1.2', '--http1.1'],
      ['1.2', '--http2'],
      ['1.3', '--http1.1'],
      ['1.3', '--http2'],
    ] as const) {
      const version = ['--tlsv1.2', '--tls-max', tls, `--tlsv${tls}`, http];
      const { code, stdout, stderr } = await curl(daemon, 'one.test', ...version, '--cert-status');
      expect([code, stdout.trim(), stderr], `${tls} ${http}`).toEqual([0, 'one /', '']);
    }
    for (const version of ['-tls1_2', '-tls1_3']) {
      const { stdout } = await look(daemon, 'one.test', version, '-status');
      expect(stdout).toMatch(/OCSP Response Status: successful[\s\S]*Cert Status: good/);
    }

    const ocsp = { status: 'good', thisUpdate: expect.any(String), nextUpdate: expect.any(String) };
    const served = (await daemon.status()).certificates.find(({ id }) => id === 'one.test');
    expect(served).toMatchObject({ ocsp });
    expect(await offline<{ certificates: CertificateView[] }>(daemon, 'certs', 'list')).toMatchObject({
      certificates: [{ id: 'one.test', ocsp }],
    });
    expect(await offline(daemon, 'certs', 'show', 'one.test')).toMatchObject({ id: 'one.test', ocsp });
    expect(
      await offline(
        daemon,
        'ocsp',
        'inspect',
        `localhost:${daemon.ports.https}`,
        ...[...['--servername', 'one.test', '--ca', authority.ca.certFile]],
      ),
    ).toMatchObject({ staple: { present: true, status: 'good', verified: true, problems: [] } });
    expect(await daemon.metrics()).toMatch(/rigil_ocsp_next_update_seconds\{id="one.test"\} \d+/);
  });

  it('needs nobody after a restart, and outlives a responder that is down', async () => {
    const leaf = await issue('one.test');
    await using first = await start('one.test', (folder) => store(folder, 'testca', leaf, authority.ca));
    await first.event('staple.refreshed');
    const metric = nextUpdateOf(await first.metrics());
    await first.stop();

    const asked = responder.requests.length;
    await using second = await start('one.test', async (folder) => void copy(first, folder));
    expect((await curl(second, 'one.test', '--cert-status')).code).toBe(0);
    expect(second.events().filter(({ event }) => event.startsWith('staple.'))).toEqual([]);
    expect(responder.requests).toHaveLength(asked);
    await second.stop();

    isDown = true;
    await using third = await start('one.test', async (folder) => makeDue(copy(second, folder)));
    const failure = await third.event('staple.failed');
    isDown = false;
    expect(failure).toMatchObject({ level: 'warn', id: 'one.test', code: 'responder-unreachable' });
    expect((await curl(third, 'one.test', '--cert-status')).code).toBe(0);
    expect(nextUpdateOf(await third.metrics())).toBe(metric);

    // Commands know what the daemon was told.
    change(third.store, { status: 'revoked', usableUntil: null });
    const [listed] = (await offline<{ certificates: CertificateView[] }>(third, 'certs', 'list'))
      .certificates;
    expect(listed).toMatchObject({ renewReason: 'its CA has revoked it', ocsp: { status: 'revoked' } });
  });

  it('puts another certificate in the place of one that its CA has revoked', async () => {
    const leaf = await issue('one.test');
    await using first = await start('one.test', (folder) => store(folder, 'testca', leaf, authority.ca));
    await first.event('staple.refreshed');
    await first.stop();

    await authority.revoke(leaf);
    const gate = Promise.withResolvers<void>();
    mayAnswer = gate.promise;
    await using second = await start('one.test', async (folder) => makeDue(copy(first, folder)));
    const session = join(second.folder, 'session.pem');
    await look(second, 'one.test', '-tls1_2', '-sess_out', session);
    expect((await look(second, 'one.test', '-tls1_2', '-sess_in', session)).stdout).toContain('Reused,');
    gate.resolve();
    expect(await second.event('staple.failed')).toMatchObject({ code: 'certificate-revoked' });
    // The CA does not answer, so it is the turn of the next issuer.
    expect(await second.event('certificate.renew.finished')).toMatchObject({ issuer: 'internal' });
    expect(await second.event('certificate.renew.started')).toMatchObject({
      reason: 'its CA has revoked it',
    });
    // A resumed session would go on with the old one.
    const { stdout } = await look(second, 'one.test', '-tls1_2', '-sess_in', session);
    expect(stdout).toContain('New,');
    expect(stdout).toContain('rigil local CA');
  });

  it('shows a must-staple certificate from its first staple on, and the one before it until then', async () => {
    const former = await issue('one.test');
    await using daemon = await start('one.test', (folder) => store(folder, 'testca', former, authority.ca));
    await daemon.event('staple.refreshed');

    const gate = Promise.withResolvers<void>();
    mayAnswer = gate.promise;
    const asked = responder.requests.length;
    const next = await issue('one.test', ['tlsfeature=status_request']);
    await store(daemon.store, 'testca', next, authority.ca);
    await daemon.event('certificate.adopted');
    await eventually('a question about it', () => responder.requests.length > asked || undefined);
    expect((await look(daemon, 'one.test')).stdout).toContain(former.pem.trim());
    gate.resolve();
    await daemon.event('staple.refreshed', ({ time }) => time > (daemon.events().at(0)?.time ?? ''));
    await eventually(
      'the new certificate',
      async () => (await look(daemon, 'one.test')).stdout.includes(next.pem.trim()) || undefined,
    );
    expect((await curl(daemon, 'one.test', '--cert-status')).code).toBe(0);
  });

  it('shows the one before a must-staple certificate without a staple after a restart, too', async () => {
    const former = await issue('one.test');
    await using first = await start('one.test', (folder) => store(folder, 'testca', former, authority.ca));
    await first.event('staple.refreshed');
    await first.stop();

    isDown = true;
    const next = await issue('one.test', ['tlsfeature=status_request']);
    await using second = await start('one.test', async (folder) => {
      copy(first, folder);
      await store(folder, 'testca', next, authority.ca);
    });
    await second.event('staple.failed');
    isDown = false;
    expect((await look(second, 'one.test')).stdout).toContain(former.pem.trim());
    expect((await curl(second, 'one.test', '--cert-status')).code).toBe(0);
  });

  it('shows a must-staple certificate without a staple where there is no other, and says that some refuse it', async () => {
    isDown = true;
    const leaf = await issue('one.test', ['tlsfeature=status_request']);
    await using daemon = await start(
      'one.test',
      (folder) => store(folder, 'testca', leaf, authority.ca),
      false,
    );
    await daemon.event('staple.failed');
    isDown = false;
    expect((await look(daemon, 'one.test')).stdout).toContain(leaf.pem.trim());
    const [certificate] = (await daemon.status()).certificates;
    expect(certificate).toMatchObject({
      status: 'valid',
      lastError: { message: expect.stringMatching(/must-staple and has no staple/) },
    });
  });

  function issue(name: string, extensions: readonly string[] = []): Promise<TestCertificate> {
    return authority.issue({
      name,
      extensions: [
        `subjectAltName=DNS:${name}`,
        `authorityInfoAccess=OCSP;URI:${responder.url}`,
        ...extensions,
      ],
    });
  }

  function start(name: string, prepare: (store: string) => Promise<void>, healthy = true): Promise<Daemon> {
    return startDaemon(`${SECTIONS}route ${name}\n  upstream ${upstream.address}\n`, {
      global: `  ${ISSUERS}`,
      prepare,
      workers: 1,
      healthy,
    });
  }

  function curl(daemon: Daemon, name: string, ...options: readonly string[]) {
    const { https } = daemon.ports;
    return runProgram('curl', [
      ...['-sS', '--max-time', '20', '--cacert', authority.ca.certFile],
      ...['--resolve', `${name}:${https}:127.0.0.1`, ...options, `https://${name}:${https}/`],
    ]);
  }

  function look(daemon: Daemon, name: string, ...options: readonly string[]) {
    const address = `127.0.0.1:${daemon.ports.https}`;
    return runProgram('openssl', ['s_client', '-connect', address, '-servername', name, ...options]);
  }

  async function offline<Result>(daemon: Daemon, ...args: readonly string[]): Promise<Result> {
    const { stdout } = await rigil([...args, '--json', '-c', daemon.configFile]);
    return JSON.parse(stdout) as Result;
  }
});

function nextUpdateOf(metrics: string): string | undefined {
  return /rigil_ocsp_next_update_seconds\{id="one.test"\} (\d+)/.exec(metrics)?.[1];
}

/** The store of a daemon that has ended, for the next one. */
function copy({ store }: Daemon, folder: string): string {
  cpSync(store, folder, { recursive: true, verbatimSymlinks: true });
  return folder;
}

/** Makes it time to ask again. */
function makeDue(folder: string): void {
  change(folder, { refreshAt: new Date(0).toISOString() });
}

/** Changes the answers that are kept in a store. */
function change(folder: string, fields: object): void {
  const answers = join(folder, 'ocsp');
  for (const name of readdirSync(answers)) {
    const document = JSON.parse(readFileSync(join(answers, name), 'utf8'));
    writeFileSync(join(answers, name), JSON.stringify({ ...document, ...fields }));
  }
}
