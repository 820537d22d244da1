import { execFile } from 'node:child_process';
import http2 from 'node:http2';
import tls from 'node:tls';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { has, peer } from '../peers.ts';
import { route, startProxy, until } from './fixture.ts';
import { connectH2, h2Request, h2Response } from './h2-client.ts';
import { answering, httpUpstream, OK, rawUpstream } from './upstream-servers.ts';

const run = promisify(execFile);

async function setUp(limits = {}) {
  const upstream = await rawUpstream(answering(OK));
  return { upstream, proxy: await startProxy({ routes: [route(upstream)], limits }) };
}

describe('HTTP/2 with clients', () => {
  it('announces its limits', async () => {
    const { proxy } = await setUp();
    const session = await connectH2(proxy.port);
    expect(session.remoteSettings).toMatchObject({
      maxConcurrentStreams: 100,
      initialWindowSize: 65_535,
      enableConnectProtocol: true,
    });
    await until(() => (session.state.remoteWindowSize ?? 0) >= 1_048_576);
  });

  it('answers streams side by side', async () => {
    const upstream = await httpUpstream((request, response) => {
      setTimeout(() => response.end(request.url), request.url === '/0' ? 100 : 1);
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const session = await connectH2(proxy.port);
    const order: string[] = [];
    const responses = [0, 1, 2].map(async (n) => {
      const stream = session.request({ ':authority': 'example.test', ':path': `/${n}` });
      order.push((await h2Response(stream)).body);
    });
    await Promise.all(responses);
    expect(order.at(-1)).toBe('/0');
    expect(new Set(order)).toEqual(new Set(['/0', '/1', '/2']));
  });

  it('refuses what belongs to a connection of HTTP/1', async () => {
    const { upstream, proxy } = await setUp();
    for (const [name, value] of [
      ['connection', 'close'],
      ['transfer-encoding', 'chunked'],
      ['keep-alive', 'x'],
      ['upgrade', 'x'],
      ['te', 'gzip'],
    ] as const) {
      await expect(rawH2Request(proxy.port, name, value)).resolves.toBe('reset');
    }
    expect(upstream.received).toBe('');
    await expect(rawH2Request(proxy.port, 'te', 'trailers')).resolves.toBe('200');
  });

  it('refuses a path that HTTP/1.1 could not carry', async () => {
    const { upstream, proxy } = await setUp();
    for (const path of ['/a b', '/a#b', '/a\r\nX: y', 'a']) {
      await expect(rawH2Request(proxy.port, 'x', 'y', path)).resolves.not.toBe('200');
    }
    expect(upstream.received).toBe('');
    expect(proxy.events).toEqual([]);
  });

  it('knows a body of length 0 for none', async () => {
    const { upstream, proxy } = await setUp();
    const stream = (await connectH2(proxy.port)).request(
      { ':method': 'POST', ':authority': 'example.test', 'content-length': '0' },
      { endStream: false },
    );
    stream.end();
    expect((await h2Response(stream)).status).toBe(200);
    expect(upstream.received).toContain('\r\nContent-Length: 0\r\n');
  });

  it('keeps connections to upstreams, whatever the response', async () => {
    const upstream = await rawUpstream(({ socket }, more) => {
      const status = /\/(\d+)/.exec(more)?.[1];
      socket.write(`HTTP/1.1 ${status} X\r\n${status === '200' ? 'Content-Length: 0\r\n' : ''}\r\n`);
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const session = await connectH2(proxy.port);
    for (const [method, status] of [
      ['HEAD', 200],
      ['GET', 204],
      ['GET', 304],
      ['GET', 200],
    ] as const) {
      const stream = session.request({
        ':method': method,
        ':path': `/${status}`,
        ':authority': 'example.test',
      });
      expect((await h2Response(stream)).status).toBe(status);
    }
    expect(upstream.connections).toHaveLength(1);
  });

  it('refuses CONNECT', async () => {
    const { proxy } = await setUp();
    const stream = (await connectH2(proxy.port)).request({
      ':method': 'CONNECT',
      ':authority': 'example.test:443',
    });
    expect((await h2Response(stream)).status).toBe(405);
  });

  it.each([
    [403, 'no'],
    [403, ''],
    [204, ''],
  ])('ends an upload that nobody wants without an error: %i %j', async (status, body) => {
    const upstream = await rawUpstream(({ socket }) => {
      const length = status === 204 ? '' : `Content-Length: ${body.length}\r\n`;
      socket.write(`HTTP/1.1 ${status} X\r\n${length}\r\n${body}`);
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const stream = (await connectH2(proxy.port)).request(
      { ':method': 'POST', ':authority': 'example.test' },
      { endStream: false },
    );
    stream.write('the beginning');
    expect(await h2Response(stream)).toMatchObject({ status, body });
    await until(() => upstream.connections[0]?.socket.destroyed === true);
  });

  it('resets a stream whose body is not as long as it says', async () => {
    const upstream = await rawUpstream(() => {});
    const proxy = await startProxy({ routes: [route(upstream)] });
    const stream = (await connectH2(proxy.port)).request(
      { ':method': 'POST', ':authority': 'example.test', 'content-length': '10' },
      { endStream: false },
    );
    stream.end('short');
    await expect(h2Response(stream)).rejects.toThrow();
    await until(() => upstream.connections[0]?.socket.destroyed !== false);
  });

  it('closes a connection that is idle for long', async () => {
    const { proxy } = await setUp({ keepAliveMs: 100 });
    const session = await connectH2(proxy.port);
    let goaway = -1;
    session.on('goaway', (code) => {
      goaway = code;
    });
    expect((await h2Response(session.request({ ':authority': 'example.test' }))).status).toBe(200);
    await until(() => session.destroyed);
    expect(goaway).toBe(0);
    await until(() => proxy.serving.connections === 0);
  });

  it('closes a connection on which nothing comes', async () => {
    const { proxy } = await setUp({ headTimeoutMs: 100 });
    const socket = tls.connect({
      port: proxy.port,
      host: '127.0.0.1',
      rejectUnauthorized: false,
      ALPNProtocols: ['h2'],
    });
    onTestFinished(() => void socket.destroy());
    socket.resume();
    await until(() => socket.destroyed);
    await until(() => proxy.serving.connections === 0);
  });

  it('ends the connection of a client that resets streams without end', async () => {
    const upstream = await rawUpstream(() => {});
    const proxy = await startProxy({ routes: [route(upstream)] });
    const session = await connectH2(proxy.port);
    for (let n = 0; n < 2_000 && !session.destroyed; n++) {
      const stream = session.request({ ':authority': 'example.test' });
      stream.on('error', () => {});
      stream.close(http2.constants.NGHTTP2_CANCEL);
      if (n % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => session.destroyed);
    await until(() => proxy.serving.connections === 0);
  });

  it('keeps fields that come twice apart', async () => {
    const upstream = await rawUpstream(
      answering(
        'HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nset-cookie: b\r\nETag: 1\r\nETag: 2\r\nContent-Length: 0\r\n\r\n',
      ),
    );
    const proxy = await startProxy({ routes: [route(upstream)] });
    const { rawHeaders } = await h2Request(proxy.port, {});
    const values = (name: string) => rawHeaders.filter((_, index) => rawHeaders[index - 1] === name);
    expect(values('set-cookie')).toEqual(['a', 'b']);
    expect(values('etag')).toEqual(['1', '2']);
  });

  it('sends crumbs of cookies on as one', async () => {
    const { upstream, proxy } = await setUp();
    expect((await h2Request(proxy.port, { cookie: ['a=1', 'b=2'] })).status).toBe(200);
    expect(upstream.received).toContain('\r\ncookie: a=1; b=2\r\n');
  });
});

describe.skipIf(!has('curl'))('curl', () => {
  it('speaks HTTP/2 and HTTP/1.1', async () => {
    const { proxy } = await setUp();
    for (const version of ['--http2', '--http1.1']) {
      const { stdout } = await run(peer('curl'), [
        ...['-sk', version, '-w', ' %{http_version}', '--resolve', `example.test:${proxy.port}:127.0.0.1`],
        `https://example.test:${proxy.port}/`,
      ]);
      expect(stdout).toBe(version === '--http2' ? 'ok 2' : 'ok 1.1');
    }
  });
});

/** A request with one more field, in frames made by hand: Node's client would not send it. */
async function rawH2Request(port: number, name: string, value: string, path = '/'): Promise<string> {
  const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2'] });
  onTestFinished(() => void socket.destroy());
  const literal = (text: string) => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
  const field = (key: string, text: string) => Buffer.concat([Buffer.from([0]), literal(key), literal(text)]);
  const frame = (type: number, flags: number, stream: number, payload: Buffer) => {
    const head = Buffer.alloc(9);
    head.writeUIntBE(payload.length, 0, 3);
    head.writeUInt8(type, 3);
    head.writeUInt8(flags, 4);
    head.writeUInt32BE(stream, 5);
    return Buffer.concat([head, payload]);
  };
  const block = Buffer.concat([
    field(':method', 'GET'),
    field(':scheme', 'https'),
    field(':path', path),
    field(':authority', 'example.test'),
    field(name, value),
  ]);
  socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  socket.write(Buffer.concat([frame(4, 0, 0, Buffer.alloc(0)), frame(1, 5, 1, block)]));
  let input = Buffer.alloc(0);
  for await (const chunk of socket) {
    input = Buffer.concat([input, chunk as Buffer]);
    while (input.length >= 9 && input.length >= 9 + input.readUIntBE(0, 3)) {
      const type = input.readUInt8(3);
      const payload = input.subarray(9, 9 + input.readUIntBE(0, 3));
      input = input.subarray(9 + payload.length);
      if (type === 3 || type === 7) return 'reset';
      // The first byte of the block is the index of `:status 200` in the static table.
      if (type === 1) return payload[0] === 0x88 ? '200' : 'another status';
    }
  }
  return 'reset';
}
