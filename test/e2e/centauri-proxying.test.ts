import { readFileSync } from 'node:fs';
import { request as plainRequest } from 'node:http';
import { connect as connectH2 } from 'node:http2';
import { request } from 'node:https';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Daemon, startDaemon } from './daemon.ts';
import { startUpstream, type Upstream } from './upstream.ts';

// Whole programs on a machine that may be busy with others.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

/** Names of the fields that are not of the connection alone. */
function endToEnd(headers: object): string[] {
  return Object.keys(headers)
    .filter((name) => name !== 'connection')
    .sort();
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  readonly trailers: Readonly<Record<string, string | undefined>>;
  /** It ended as it should. */
  readonly complete: boolean;
}

/** How Centauri 2.8 carries requests and answers, over the whole program, without a fallback. */
describe('what Centauri does with a request', () => {
  let daemon: Daemon;
  let app: Upstream;
  let second: Upstream;
  let pages: Upstream;

  beforeAll(async () => {
    app = await startUpstream('first', ({ url, headers, rawHeaders }, response) => {
      switch (url) {
        case '/stream':
          response.writeHead(200, { 'content-type': 'text/event-stream' });
          response.write('data: one\n\n');
          return;
        case '/trailers':
          response.writeHead(200, { trailer: 'x-sum' });
          response.write('body');
          response.addTrailers({ 'x-sum': '42' });
          response.end();
          return;
        case '/broken':
          response.writeHead(200, { 'content-length': '100' });
          response.write('half of it');
          setTimeout(() => response.destroy(), 50);
          return;
        case '/hints':
          response.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' });
          response.end('after hints');
          return;
        case '/missing':
          response.writeHead(404).end('not here');
          return;
        case '/refused':
          response.writeHead(403).end('not you');
          return;
        default:
          response.end(JSON.stringify({ who: 'first', url, headers, rawHeaders }));
      }
    });
    second = await startUpstream('second', (_request, response) => {
      response.end(JSON.stringify({ who: 'second' }));
    });
    pages = await startUpstream('pages', ({ url, headers }, response) => {
      if (url === '/moved') response.writeHead(302, { location: '/arrived?x=1' }).end();
      else response.end(JSON.stringify({ url, headers }));
    });
    daemon = await startDaemon(`
route app.localhost
  upstream ${app.address}
  header delete Date
  header delete Content-Type
  on_error 404 ${pages.address}/moved
  on_error 403 ${pages.address}
route other.localhost
  upstream ${app.address}
route both.localhost
  upstream ${app.address}
  upstream ${second.address}
`);
  });
  afterAll(async () => {
    for (const each of [daemon, app, second, pages]) await each?.[Symbol.asyncDispose]();
  });

  const ca = () => readFileSync(daemon.root);

  function ask(
    path: string,
    {
      host = 'app.localhost',
      headers = {},
      name = host,
    }: Record<string, unknown> & {
      host?: string;
      name?: string;
      headers?: Record<string, string>;
    } = {},
  ): Promise<Answer> {
    return new Promise((done, failed) => {
      const call = request({
        host: '127.0.0.1',
        port: daemon.ports.https,
        servername: name,
        ca: ca(),
        path,
        headers: { host, ...headers },
        agent: false,
      });
      call.on('response', (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (text) => {
          body += text;
        });
        response.on('error', () => {});
        response.on('close', () =>
          done({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body,
            trailers: response.trailers,
            complete: response.complete,
          }),
        );
      });
      call.on('error', failed);
      call.end();
    });
  }

  async function handshake(options: ConnectionOptions): Promise<TLSSocket> {
    const socket = connectTls({ host: '127.0.0.1', port: daemon.ports.https, ca: ca(), ...options });
    await new Promise<void>((done, failed) => {
      socket.once('secureConnect', done);
      socket.once('error', failed);
    });
    return socket;
  }

  describe('the request for the upstream', () => {
    it('has the Host of the client, with its port, and the path and query letter for letter', async () => {
      const { body } = await ask('/a%2Fb/../c?x=1;y&z=%zz', { headers: { host: 'App.localhost:1234' } });
      expect(JSON.parse(body)).toMatchObject({
        url: '/a%2Fb/../c?x=1;y&z=%zz',
        headers: {
          host: 'App.localhost:1234',
          'x-forwarded-host': 'App.localhost:1234',
          'x-forwarded-proto': 'https',
          'x-forwarded-for': '127.0.0.1',
        },
      });
    });

    it('has no User-Agent and no Accept-Encoding that the client did not send', async () => {
      const { headers } = JSON.parse((await ask('/')).body);
      expect(endToEnd(headers)).toEqual(['host', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto']);
    });

    it('goes to each of several upstreams at random', async () => {
      const seen = new Set<string>();
      // All forty to one of two: once in 2^39 times.
      for (let count = 0; count < 40; count += 1) {
        seen.add(JSON.parse((await ask('/', { host: 'both.localhost' })).body).who);
      }
      expect([...seen].sort()).toEqual(['first', 'second']);
    });
  });

  describe('the answer', () => {
    it('streams: the first event is there while the second is not yet made', async () => {
      const socket = await handshake({ servername: 'app.localhost' });
      socket.write('GET /stream HTTP/1.1\r\nHost: app.localhost\r\n\r\n');
      let text = '';
      for await (const chunk of socket) {
        text += chunk;
        if (text.includes('data: one')) break;
      }
      expect(text).toContain('data: one');
      socket.destroy();
    });

    it('has the trailers of the upstream', async () => {
      expect(await ask('/trailers', { headers: { te: 'trailers' } })).toMatchObject({
        body: 'body',
        trailers: { 'x-sum': '42' },
      });
    });

    it('comes after the interim ones', async () => {
      const session = connectH2(`https://127.0.0.1:${daemon.ports.https}`, {
        servername: 'app.localhost',
        ca: ca(),
      });
      const stream = session.request({ ':path': '/hints', ':authority': 'app.localhost' });
      const hints = new Promise((done) => stream.once('headers', (headers) => done(headers)));
      stream.end();
      expect(await hints).toMatchObject({ ':status': 103, link: '</style.css>; rel=preload; as=style' });
      session.destroy();
    });

    it('is broken off where the upstream breaks off', async () => {
      expect(await ask('/broken')).toMatchObject({ status: 200, complete: false });
    });

    it('stays without Date and Content-Type where they are deleted, unlike with Centauri', async () => {
      const { headers } = await ask('/');
      expect([headers['date'], headers['content-type']]).toEqual([undefined, undefined]);
    });
  });

  describe('the page of on_error', () => {
    it('is found through redirects, and learns of the client no more than X-Forwarded-*', async () => {
      const { status, body } = await ask('/missing', {
        headers: { cookie: 'a=1', authorization: 'Basic eDp5', 'x-own': '1', accept: 'text/html' },
      });
      const { url, headers } = JSON.parse(body);
      expect([status, url]).toEqual([404, '/arrived?x=1']);
      expect(endToEnd(headers)).toEqual(['host', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto']);
      expect(headers).toMatchObject({ host: pages.address, 'x-forwarded-host': 'app.localhost' });
    });

    it('is asked for with the path of the request where it names none', async () => {
      const { status, body } = await ask('/refused');
      expect([status, JSON.parse(body).url]).toEqual([403, '/refused']);
    });
  });

  describe('hosts and names', () => {
    it('know no case', async () => {
      expect(await ask('/', { host: 'APP.Localhost', name: 'app.localhost' })).toMatchObject({ status: 200 });
      (await handshake({ servername: 'APP.localhost' })).destroy();
    });

    it('of a connection that a browser shares are told apart by each request', async () => {
      const session = connectH2(`https://127.0.0.1:${daemon.ports.https}`, {
        servername: 'app.localhost',
        ca: ca(),
      });
      const status = (authority: string) =>
        new Promise((done) => {
          const stream = session.request({ ':path': '/', ':authority': authority });
          stream.once('response', (headers) => done(headers[':status']));
          stream.resume();
          stream.end();
        });
      // Centauri answers 502 for a host that it does not know.
      expect(await Promise.all(['other.localhost', 'stranger.example'].map(status))).toEqual([200, 421]);
      session.destroy();
    });

    it.each([['an unknown name', 'stranger.example'] as const, ['no name', ''] as const])(
      'get the alert unrecognized_name where there is no fallback: %s',
      async (_case, servername) => {
        await expect(handshake({ servername })).rejects.toMatchObject({
          code: 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME',
        });
      },
    );
  });

  describe('plain HTTP', () => {
    const plain = (host: string, path: string): Promise<{ status: number; location: string | undefined }> =>
      new Promise((done, failed) => {
        const call = plainRequest({ host: '127.0.0.1', port: daemon.ports.http, path, headers: { host } });
        call.on('response', (response) => {
          response.resume();
          done({ status: response.statusCode ?? 0, location: response.headers.location });
        });
        call.on('error', failed);
        call.end();
      });

    it('is led to HTTPS, whatever host it is for', async () => {
      expect(await plain('stranger.example', '/a%2Fb?c')).toEqual({
        status: 308,
        location: 'https://stranger.example/a%2Fb?c',
      });
    });

    it('with a host that is none gets 400', async () => {
      expect(await plain('not a host', '/')).toMatchObject({ status: 400 });
    });
  });

  describe('TLS', () => {
    it.each([
      'ECDHE-ECDSA-AES128-GCM-SHA256',
      'ECDHE-ECDSA-AES256-GCM-SHA384',
      'ECDHE-ECDSA-CHACHA20-POLY1305',
    ])('1.2 with %s', async (ciphers) => {
      const socket = await handshake({ servername: 'app.localhost', maxVersion: 'TLSv1.2', ciphers });
      expect(socket.getCipher().name).toBe(ciphers);
      socket.destroy();
    });

    it.each<[string, ConnectionOptions]>([
      ['1.1', { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }],
      ['1.2 without forward secrecy', { maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256' }],
      ['1.2 with CBC', { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA256' }],
    ])('is refused: %s', async (_case, options) => {
      await expect(handshake({ servername: 'app.localhost', ...options })).rejects.toThrow();
    });

    it.each(['h2', 'http/1.1'])('agrees on %s by ALPN', async (protocol) => {
      const socket = await handshake({ servername: 'app.localhost', ALPNProtocols: [protocol] });
      expect(socket.alpnProtocol).toBe(protocol);
      socket.destroy();
    });
  });
});

describe('redirect-to-primary of a fallback', () => {
  it('leads every unknown host to the primary name', async () => {
    await using upstream = await startUpstream('app');
    await using daemon = await startDaemon(
      `route main.localhost www.main.localhost\n  upstream ${upstream.address}\n  fallback\n  redirect-to-primary\n`,
    );
    const location = await new Promise((done, failed) => {
      const call = request({
        host: '127.0.0.1',
        port: daemon.ports.https,
        path: '/p?q',
        headers: { host: 'stranger.example' },
        rejectUnauthorized: false,
      });
      call.on('response', (response) => {
        response.resume();
        done([response.statusCode, response.headers.location]);
      });
      call.on('error', failed);
      call.end();
    });
    expect(location).toEqual([308, 'https://main.localhost/p?q']);
  });
});
