import { readFileSync, statSync } from 'node:fs';
import { get } from 'node:https';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { has } from '../peers.ts';
import { type Daemon, eventually, runProgram, startDaemon } from './daemon.ts';
import { startUpstream, type Upstream } from './upstream.ts';
import { echoed, openWebSocket } from './web-socket.ts';

describe.skipIf(!has('curl'))('rigil serve', () => {
  let daemon: Daemon;
  let one: Upstream;
  let two: Upstream;
  let sendSecond = () => {};

  beforeAll(async () => {
    one = await startUpstream('one');
    two = await startUpstream('two', (request, response) => {
      if (request.url === '/events') {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write('data: first\n\n');
        sendSecond = () => response.end('data: second\n\n');
        return;
      }
      response.end(
        JSON.stringify({ host: request.headers.host, headers: request.headers, url: request.url }),
      );
    });
    daemon = await startDaemon(`
route one.localhost www.one.localhost
  upstream ${one.address}
  redirect-to-primary
  header add X-Served-By rigil

route two.localhost *.two.localhost
  upstream ${two.address}
`);
  });
  afterAll(async () => {
    await daemon?.[Symbol.asyncDispose]();
    await one?.[Symbol.asyncDispose]();
    await two?.[Symbol.asyncDispose]();
  });

  const curl = (...args: string[]) =>
    runProgram('curl', ['-sS', '--max-time', '20', '--cacert', daemon.root, ...resolves(daemon), ...args]);

  it('answers over HTTP/1.1 and HTTP/2 with a certificate of the local CA', async () => {
    const url = `https://one.localhost:${daemon.ports.https}/path?query`;
    const first = await curl('--http1.1', '-w', '%{http_version}', url);
    const second = await curl('--http2', '-w', '%{http_version}', url);
    expect(first.stdout).toBe('one /path?query\n1.1');
    expect(second.stdout).toBe('one /path?query\n2');
  });

  it('routes by name, also by wildcard, and keeps the Host header', async () => {
    const result = await curl(`https://api.two.localhost:${daemon.ports.https}/x`);
    expect(JSON.parse(result.stdout)).toMatchObject({
      host: `api.two.localhost:${daemon.ports.https}`,
      url: '/x',
    });
  });

  it('tells the upstream who asked, and believes no such header from a stranger', async () => {
    const result = await curl(
      '-H',
      'X-Forwarded-For: 203.0.113.9',
      '-H',
      'X-Real-IP: 203.0.113.9',
      `https://two.localhost:${daemon.ports.https}/`,
    );
    const { headers } = JSON.parse(result.stdout);
    expect(headers['x-forwarded-for']).toBe('127.0.0.1');
    expect(headers['x-forwarded-proto']).toBe('https');
    expect(headers['x-real-ip']).toBeUndefined();
  });

  it('redirects plain HTTP with path and query untouched', async () => {
    const result = await curl(
      '-o',
      '/dev/null',
      '-w',
      '%{http_code} %{redirect_url}',
      `http://one.localhost:${daemon.ports.http}/a%2Fb?c=%3B;d`,
    );
    expect(result.stdout).toBe(`308 https://one.localhost:${daemon.ports.https}/a%2Fb?c=%3B;d`);
  });

  it('redirects to the primary name, with header rules left out', async () => {
    const result = await curl(
      '-D',
      '-',
      '-o',
      '/dev/null',
      `https://www.one.localhost:${daemon.ports.https}/p?q`,
    );
    expect(result.stdout).toContain('308');
    expect(result.stdout.toLowerCase()).toContain(
      `location: https://one.localhost:${daemon.ports.https}/p?q`,
    );
    expect(result.stdout.toLowerCase()).not.toContain('x-served-by');
  });

  it('applies header rules to proxied answers', async () => {
    const result = await curl('-D', '-', '-o', '/dev/null', `https://one.localhost:${daemon.ports.https}/`);
    expect(result.stdout.toLowerCase()).toContain('x-served-by: rigil');
  });

  it('refuses an unknown name with the alert unrecognized_name', async () => {
    const error = await new Promise<Error>((done) =>
      connectTls({
        host: '127.0.0.1',
        port: daemon.ports.https,
        servername: 'unknown.localhost',
        rejectUnauthorized: false,
      }).on('error', done),
    );
    expect(String(error)).toMatch(/unrecognized name/i);
  });

  it('answers 421 for a host that no route has', async () => {
    const result = await curl(
      '-o',
      '/dev/null',
      '-w',
      '%{http_code}',
      '-H',
      'Host: stranger.example',
      `https://one.localhost:${daemon.ports.https}/`,
    );
    expect(result.stdout).toBe('421');
  });

  it('speaks TLS 1.3 with X25519MLKEM768', async () => {
    const group = await new Promise<unknown>((done, failed) => {
      const socket = connectTls(
        {
          host: '127.0.0.1',
          port: daemon.ports.https,
          servername: 'one.localhost',
          ca: readFileSync(daemon.root),
          ecdhCurve: 'X25519MLKEM768',
        },
        () => {
          done({ protocol: socket.getProtocol(), authorized: socket.authorized });
          socket.end();
        },
      );
      socket.on('error', failed);
    });
    expect(group).toEqual({ protocol: 'TLSv1.3', authorized: true });
  });

  it('tunnels WebSockets', async () => {
    const socket = await openWebSocket(daemon, 'one.localhost');
    expect(await echoed(socket, 'over the tunnel')).toBe('over the tunnel');
    socket.close();
  });

  it('passes server-sent events on one by one', async () => {
    const seen: string[] = [];
    await new Promise<void>((done, failed) => {
      const options = {
        host: '127.0.0.1',
        port: daemon.ports.https,
        servername: 'two.localhost',
        ca: readFileSync(daemon.root),
        headers: { host: 'two.localhost' },
        path: '/events',
      };
      get(options, (response) => {
        response.on('data', (data) => {
          seen.push(String(data));
          // The second event is sent only now: whoever waits for it to pass the first one on waits for ever.
          if (seen.length === 1) sendSecond();
        });
        response.on('end', done);
      }).on('error', failed);
    });
    expect(seen).toEqual(['data: first\n\n', 'data: second\n\n']);
  });

  it('shows itself on the admin endpoint', async () => {
    const status = await daemon.status();
    expect(status.workers).toHaveLength(2);
    expect(
      status.certificates
        .map((certificate) => [certificate.id, certificate.issuer, certificate.status])
        .sort(),
    ).toEqual([
      ['one.localhost', 'internal', 'valid'],
      ['two.localhost', 'internal', 'valid'],
    ]);
    const metrics = await daemon.metrics();
    expect(metrics).toMatch(/^rigil_handshakes_waited_total 0$/m);
    expect(metrics).toMatch(/^rigil_requests_waited_total 0$/m);
    expect(metrics).toMatch(/rigil_response_total\{route="one\.localhost",status="200"\} [1-9]/);
  });

  it.each(['--http1.1', '--http2'])('forgets a client that has left (%s)', async (version) => {
    await curl(version, `https://one.localhost:${daemon.ports.https}/`);
    await eventually('no connection', async () => {
      const { workers } = await daemon.status();
      return workers.every(({ connections }) => connections === 0) || undefined;
    });
  });

  it('keeps keys to itself', () => {
    expect(statSync(daemon.store).mode & 0o777).toBe(0o700);
    const key = statSync(`${daemon.store}/certs/internal/one.localhost/current/privkey.pem`);
    expect(key.mode & 0o777).toBe(0o600);
    const log = daemon
      .events()
      .map((line) => JSON.stringify(line))
      .join('\n');
    expect(log).not.toContain('PRIVATE KEY');
  });

  it('lets others use what is in the store', async () => {
    const chain = `${daemon.store}/certs/internal/one.localhost/current/fullchain.pem`;
    const result = await runProgram('openssl', [
      'verify',
      '-CAfile',
      daemon.root,
      '-untrusted',
      chain,
      chain,
    ]);
    expect(result.stdout).toContain('OK');
  });
});

/** Makes curl find every name of the tests on this machine. */
function resolves(daemon: Daemon): string[] {
  return ['--resolve', `*:${daemon.ports.https}:127.0.0.1`, '--resolve', `*:${daemon.ports.http}:127.0.0.1`];
}
