import { createServer } from 'node:http';
import { createSecureServer as createSecureServer2, createServer as createServer2 } from 'node:http2';
import { createServer as createHttps } from 'node:https';
import net from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { httpProbe } from '../../src/health/probe.ts';
import { Dialer } from '../../src/proxy/upstream/dialer.ts';
import type { Upstream, UpstreamTls } from '../../src/routing/route.ts';
import { testCertificate } from '../proxy/certificate.ts';
import { listen } from '../proxy/fixture.ts';

const never = new AbortController().signal;

function ask(upstream: Upstream, signal = never): Promise<number> {
  const question = {
    upstream,
    host: 'www.example.test',
    path: '/healthz?deep=1',
    userAgent: 'rigil (health check)',
  };
  return httpProbe(new Dialer())(question, signal);
}

/** What was asked, as the server saw it. */
async function serving<Server extends net.Server>(server: Server) {
  const seen: unknown[] = [];
  server.on('request', (request, response) => {
    const { method, url, headers, httpVersion } = request;
    seen.push([httpVersion, method, url, headers.host ?? headers[':authority'], headers['user-agent']]);
    response.statusCode = 204;
    response.end();
  });
  const port = await listen(server);
  onTestFinished(() => void server.close());
  return { seen, port };
}

const question = (version: string) => [
  [version, 'GET', '/healthz?deep=1', 'www.example.test', 'rigil (health check)'],
];

async function trusted(): Promise<UpstreamTls> {
  return { id: 'test', serverName: null, verify: true, ca: (await testCertificate()).cert, identity: null };
}

describe('a health check', () => {
  it('asks with GET for the path, by the name of the route', async () => {
    const { seen, port } = await serving(createServer());
    expect(await ask({ scheme: 'http', host: '127.0.0.1', port })).toBe(204);
    expect(seen).toEqual(question('1.1'));
  });

  it('speaks HTTP/2 where requests do', async () => {
    const plain = await serving(createServer2());
    expect(await ask({ scheme: 'h2c', host: '127.0.0.1', port: plain.port })).toBe(204);
    expect(plain.seen).toEqual(question('2.0'));
    const secure = await serving(createSecureServer2(await testCertificate()));
    expect(await ask({ scheme: 'https', host: 'localhost', port: secure.port, tls: await trusted() })).toBe(
      204,
    );
    expect(secure.seen).toEqual(question('2.0'));
  });

  it('verifies as requests do', async () => {
    const { seen, port } = await serving(createHttps(await testCertificate()));
    const upstream = { scheme: 'https', host: 'localhost', port } as const;
    await expect(ask(upstream)).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    expect(await ask({ ...upstream, tls: await trusted() })).toBe(204);
    const misnamed = { ...(await trusted()), id: 'other', serverName: 'other.test' };
    await expect(ask({ ...upstream, tls: misnamed })).rejects.toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
    expect(seen).toEqual(question('1.1'));
  });

  it('follows no redirect, and reads no body', async () => {
    const server = createServer((_, response) => {
      response.writeHead(302, { location: '/elsewhere' });
      response.write('a body without end');
    });
    const port = await listen(server);
    onTestFinished(() => void server.close());
    expect(await ask({ scheme: 'http', host: '127.0.0.1', port })).toBe(302);
    await new Promise((resolve) => server.close(resolve));
  });

  it.each<[string, (socket: net.Socket) => void]>([
    ['hangs up', (socket) => socket.destroy()],
    ['speaks something else', (socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n')],
  ])('fails when the upstream %s', async (_, answer) => {
    const server = net.createServer(answer);
    const port = await listen(server);
    onTestFinished(() => void server.close());
    for (const scheme of ['http', 'h2c', 'https'] as const) {
      await expect(ask({ scheme, host: '127.0.0.1', port })).rejects.toThrow();
    }
  });

  it('fails when nobody listens, and when it takes too long', async () => {
    await expect(ask({ scheme: 'unix', path: '/nonexistent' })).rejects.toMatchObject({ code: 'ENOENT' });
    const server = net.createServer((socket) => socket.on('error', () => {}));
    const port = await listen(server);
    onTestFinished(() => void server.close());
    for (const scheme of ['http', 'h2c', 'https'] as const) {
      const reason = new Error('no answer within 50 ms');
      const late = new AbortController();
      setTimeout(() => late.abort(reason), 50);
      await expect(ask({ scheme, host: '127.0.0.1', port }, late.signal)).rejects.toThrow(reason.message);
    }
  });
});
