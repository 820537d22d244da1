import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import { createSecureContext, createServer, type TlsOptions } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeOf, type RigilError } from '../../src/errors.ts';
import { isBad } from '../../src/ocsp/report.ts';
import { type Clock, systemClock } from '../../src/platform/clock.ts';
import { has, peer } from '../peers.ts';
import { type AnswerOptions, TestAuthority, type TestCertificate } from '../responder.ts';
import { freePort, listening, look, requestFor, tcpServer } from './look.ts';

describe.skipIf(!has('openssl'))('inspect, of a server', () => {
  let authority: TestAuthority;
  let impostor: TestAuthority;
  let leaf: TestCertificate;
  let revoked: TestCertificate;

  beforeAll(async () => {
    [authority, impostor] = await Promise.all([TestAuthority.create(), TestAuthority.create()]);
    leaf = await authority.issue({
      extensions: [
        'authorityInfoAccess=OCSP;URI:http://ocsp.test',
        'tlsfeature=status_request',
        'subjectAltName=DNS:leaf.test',
      ],
    });
    revoked = await authority.issue();
    await authority.revoke(revoked);
  });
  afterAll(async () => {
    await Promise.all([authority?.remove(), impostor?.remove()]);
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('shows the staple, with %s', async (version) => {
    await using server = await tlsServer(leaf, await staple(leaf), {
      minVersion: version,
      maxVersion: version,
    });
    const report = await look(server.target);
    expect(report).toMatchObject({
      target: server.target,
      source: 'server',
      certificate: {
        subject: 'CN=leaf.test',
        names: ['leaf.test'],
        serial: leaf.serial,
        issuer: 'O=Tests, CN=Test CA',
        mustStaple: true,
        responderUrl: 'http://ocsp.test/',
      },
      chain: { certificates: [{ subject: 'O=Tests, CN=Test CA' }], trusted: false },
      staple: {
        present: true,
        status: 'good',
        verified: true,
        responder: 'O=Tests, CN=Test CA',
        problems: [],
      },
      query: null,
    });
    expect(isBad(report)).toBe(false);
    for (const time of ['thisUpdate', 'nextUpdate', 'producedAt'] as const) {
      expect(report.staple[time]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    }
  });

  it('trusts the CA that it is given, for the names of the certificate', async () => {
    await using server = await tlsServer(leaf, null);
    const byName = await look(server.target, { ca: authority.ca.certFile, servername: 'leaf.test' });
    expect(byName.chain).toMatchObject({ trusted: true, distrust: null });
    const byAddress = await look(server.target, { ca: authority.ca.certFile });
    expect(byAddress.chain).toMatchObject({ trusted: false, distrust: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  });

  it('asks for the name that it is given', async () => {
    const names: string[] = [];
    await using server = await tlsServer(leaf, null, {
      SNICallback: (name, done) => {
        names.push(name);
        done(null, createSecureContext({ cert: revoked.pem, key: revoked.key }));
      },
    });
    const report = await look(server.target, { servername: 'Other.test' });
    expect(names).toEqual(['other.test']);
    expect(report.certificate.serial).toBe(revoked.serial);
  });

  it.each<[string, string, () => Promise<[TestCertificate, Buffer | null]>]>([
    ['a revoked certificate', 'certificate-revoked', async () => [revoked, await staple(revoked)]],
    ['a missing staple that is compulsory', 'staple-missing', async () => [leaf, null]],
    ['a staple for another certificate', 'other-certificate', async () => [leaf, await staple(revoked)]],
    [
      'a staple of another CA',
      'signature-invalid',
      async () => [leaf, await staple(leaf, { signer: impostor.ca })],
    ],
    ['a staple that is none', 'answer-unreadable', async () => [leaf, Buffer.from('staple')]],
  ])('calls %s bad', async (_, code, made) => {
    const [certificate, der] = await made();
    await using server = await tlsServer(certificate, der);
    const report = await look(server.target);
    expect(report.staple.problems.map((problem) => problem.code)).toContain(code);
    expect(isBad(report)).toBe(true);
  });

  it('calls an expired staple bad', async () => {
    await using server = await tlsServer(leaf, await staple(leaf));
    const report = await look(server.target, {}, { clock: later(8 * 24 * 3_600_000) });
    expect(report.staple).toMatchObject({
      status: 'good',
      verified: false,
      problems: [{ code: 'expired' }],
    });
    expect(isBad(report)).toBe(true);
  });

  it('does not mind a missing staple that is not compulsory', async () => {
    await using server = await tlsServer(revoked, null);
    const report = await look(server.target);
    expect(report.staple).toMatchObject({ present: false, status: null, problems: [] });
    expect(isBad(report)).toBe(false);
  });

  it('finds the issuer in --ca, or cannot verify', async () => {
    const chain = { cert: leaf.pem };
    await using server = await tlsServer(leaf, await staple(leaf), chain);
    expect((await look(server.target, { ca: authority.ca.certFile })).staple).toMatchObject({
      verified: true,
    });
    const report = await look(server.target);
    expect(report.staple).toMatchObject({ verified: false, problems: [{ code: 'issuer-missing' }] });
    expect(isBad(report)).toBe(true);
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'reads a server that wants a client certificate, with %s',
    async (version) => {
      await using server = await tlsServer(leaf, await staple(leaf), {
        requestCert: true,
        rejectUnauthorized: true,
        maxVersion: version,
      });
      expect((await look(server.target)).staple).toMatchObject({ present: true, verified: true });
    },
  );

  it('makes a full handshake each time', async () => {
    let asked = 0;
    await using server = await tlsServer(leaf, await staple(leaf), {}, () => {
      asked += 1;
    });
    await look(server.target);
    expect((await look(server.target)).staple.present).toBe(true);
    expect(asked).toBe(2);
  });

  it('reads what openssl s_server staples', async () => {
    await writeFile(join(authority.dir, 'staple.der'), await staple(leaf));
    const child = spawn(
      peer('openssl'),
      ['s_server', '-accept', '127.0.0.1:0', '-cert', leaf.certFile, '-key', leaf.keyFile].concat([
        '-cert_chain',
        authority.ca.certFile,
        '-status_file',
        join(authority.dir, 'staple.der'),
      ]),
      { stdio: ['pipe', 'pipe', 'pipe'] },
    );
    try {
      const port = await lineOf(child.stdout, /ACCEPT 127\.0\.0\.1:(\d+)/);
      const report = await look(`127.0.0.1:${port}`);
      expect(report.staple).toMatchObject({ present: true, status: 'good', verified: true });
    } finally {
      child.kill('SIGKILL');
    }
  });

  it.skipIf(!has('nginx'))('reads what nginx staples', async () => {
    const der = await staple(leaf, { flags: ['-ndays', '1'] });
    await writeFile(join(authority.dir, 'staple.der'), der);
    await writeFile(join(authority.dir, 'chain.pem'), leaf.pem + authority.ca.pem);
    const port = await freePort();
    await writeFile(join(authority.dir, 'nginx.conf'), nginxConfig(authority.dir, leaf, port));
    const child = spawn(
      peer('nginx'),
      ['-p', authority.dir, '-c', join(authority.dir, 'nginx.conf'), '-g', 'daemon off;'],
      { stdio: 'ignore' },
    );
    try {
      await reachable(port);
      const report = await look(`127.0.0.1:${port}`, { servername: 'leaf.test' });
      expect(report.staple).toMatchObject({ present: true, status: 'good', verified: true, problems: [] });
    } finally {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
    }
  });

  describe('that cannot be reached', () => {
    it('says that nobody listens', async () => {
      const error = await look(`127.0.0.1:${await freePort()}`).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({
        code: 'target-unreachable',
        message: expect.stringContaining('refuses'),
      });
    });

    it.each<[string, RegExp, (socket: Socket) => unknown]>([
      ['plain HTTP', /does not speak TLS/, (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')],
      ['an end', /closed the connection|cut the connection/, (socket) => socket.end()],
      ['a reset', /cut the connection/, (socket) => socket.resetAndDestroy()],
    ])('says what a server that answers with %s does', async (_, message, answer) => {
      await using server = await tcpServer((socket) => {
        socket.on('error', () => {});
        socket.once('data', () => answer(socket));
      });
      const error = await look(server.target).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'target-unreachable', message: expect.stringMatching(message) });
      expect((error as RigilError).hint).not.toBeNull();
    });

    it('says that a server does not know the name', async () => {
      await using server = await tlsServer(leaf, null, {
        SNICallback: (_name, done) => done(new Error('unknown'), undefined),
      });
      const error = await look(server.target, { servername: 'unknown.test' }).catch(
        (thrown: unknown) => thrown,
      );
      expect(codeOf(error)).toBe('target-unreachable');
    });

    it('does not wait for a server that says nothing', async () => {
      const connected = Promise.withResolvers<void>();
      await using server = await tcpServer((socket) => {
        socket.on('error', () => {});
        connected.resolve();
      });
      const waits: number[] = [];
      const clock: Clock = {
        ...systemClock,
        sleep: (ms) => {
          waits.push(ms);
          return connected.promise;
        },
      };
      const error = await look(server.target, {}, { clock }).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({
        code: 'target-unreachable',
        message: expect.stringContaining('within 10 s'),
      });
      expect(waits).toEqual([10_000]);
    });
  });

  function staple(certificate: TestCertificate, options: AnswerOptions = {}): Promise<Buffer> {
    return authority.answer(requestFor(authority, certificate), options);
  }

  /** A TLS server that staples `der`. */
  async function tlsServer(
    { pem, key }: TestCertificate,
    der: Buffer | null,
    options: TlsOptions = {},
    onRequest = () => {},
  ) {
    const server = createServer({ cert: pem + authority.ca.pem, key, ...options }, (socket) => {
      socket.on('error', () => {});
    });
    server.on('tlsClientError', () => {});
    server.on(
      'OCSPRequest',
      (_certificate: Buffer, _issuer: Buffer, done: (error: null, der: Buffer | null) => void) => {
        onRequest();
        done(null, der);
      },
    );
    return listening(server);
  }
});

async function reachable(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const connected = await new Promise<boolean>((resolve) => {
      const socket = createConnection({ host: '127.0.0.1', port });
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('close', () => socket.destroy());
    });
    if (connected) return;
    await systemClock.sleep(25);
  }
  throw new Error(`nobody listens on port ${port}`);
}

async function lineOf(stream: NodeJS.ReadableStream, pattern: RegExp): Promise<string> {
  let text = '';
  for await (const chunk of stream) {
    text += chunk;
    const found = pattern.exec(text)?.[1];
    if (found !== undefined) return found;
  }
  throw new Error(`no ${pattern} in: ${text}`);
}

function nginxConfig(dir: string, { keyFile }: TestCertificate, port: number): string {
  return `
    worker_processes 1;
    pid ${dir}/nginx.pid;
    error_log ${dir}/nginx.log;
    events { worker_connections 16; }
    http {
      access_log off;
      server {
        listen 127.0.0.1:${port} ssl;
        ssl_certificate ${dir}/chain.pem;
        ssl_certificate_key ${keyFile};
        ssl_stapling on;
        ssl_stapling_file ${dir}/staple.der;
      }
    }`;
}

function later(ms: number): Clock {
  return { ...systemClock, now: () => systemClock.now() + ms };
}
