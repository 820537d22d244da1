import { once } from 'node:events';
import http2 from 'node:http2';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { route, startProxy, until } from './fixture.ts';
import { connectH2 } from './h2-client.ts';
import { type Http2Upstream, http2Upstream, type OnStream } from './http2-upstream-server.ts';
import { connectTls } from './raw-client.ts';

const UPGRADE =
  'GET /chat HTTP/1.1\r\nHost: example.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

function webSocketUpstream(onStream: OnStream): Promise<Http2Upstream> {
  return http2Upstream(onStream, { settings: { enableConnectProtocol: true } });
}

/** Sends short messages of WebSocket back (RFC 6455 5.2). */
const echo: OnStream = (stream) => {
  stream.respond({ ':status': 200, 'x-own': '1' });
  stream.on('data', (frame: Buffer) => {
    const length = (frame[1] ?? 0) & 0x7f;
    const mask = frame.subarray(2, 6);
    const payload = frame.subarray(6, 6 + length).map((byte, index) => byte ^ (mask[index % 4] ?? 0));
    stream.write(Buffer.concat([Buffer.from([frame[0] ?? 0, length]), payload]));
    if (((frame[0] ?? 0) & 0x0f) === 8) stream.end();
  });
};

describe('WebSocket to an upstream that takes it over HTTP/2', () => {
  it('carries messages of a client of HTTP/1.1 both ways, beside other requests', async () => {
    const seen: http2.IncomingHttpHeaders[] = [];
    const upstream = await webSocketUpstream((stream, headers, rawHeaders) => {
      seen.push(headers);
      if (headers[':protocol'] === 'websocket') echo(stream, headers, rawHeaders);
      else stream.respond({ ':status': 204 }, { endStream: true });
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const socket = new WebSocket(`wss://127.0.0.1:${proxy.port}/chat?a`, {
      rejectUnauthorized: false,
      headers: { host: 'example.test' },
      perMessageDeflate: false,
    });
    await once(socket, 'open');
    for (const text of ['one', 'two']) {
      socket.send(text);
      expect(String((await once(socket, 'message'))[0])).toBe(text);
    }
    const client = await connectTls(proxy.port);
    expect((await client.send('GET / HTTP/1.1\r\nHost: example.test\r\n\r\n').response()).status).toBe(204);
    socket.close(4000);
    expect((await once(socket, 'close'))[0]).toBe(4000);
    expect(seen[0]).toMatchObject({
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':scheme': 'http',
      ':path': '/chat?a',
      ':authority': 'example.test',
      'sec-websocket-version': '13',
      'x-forwarded-for': '127.0.0.1',
    });
    expect(Object.keys(seen[0] ?? {})).not.toContain('sec-websocket-key');
    expect(upstream.sessions).toHaveLength(1);
    expect(proxy.counters.values().upstreamErrors).toEqual({});
  });

  it('proves to a client of HTTP/1.1 that it was understood', async () => {
    const upstream = await webSocketUpstream(echo);
    const proxy = await startProxy({ routes: [route(upstream)] });
    const response = await (await connectTls(proxy.port)).send(UPGRADE).response();
    expect(response.status).toBe(101);
    expect(response.field('upgrade')).toBe('websocket');
    expect(response.field('connection')).toBe('Upgrade');
    // RFC 6455 1.3.
    expect(response.field('sec-websocket-accept')).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
    expect(response.field('x-own')).toBe('1');
  });

  it('carries bytes of a client of HTTP/2, and its end', async () => {
    let ended = false;
    const upstream = await webSocketUpstream((stream) => {
      stream.respond({ ':status': 200 });
      stream.on('end', () => {
        ended = true;
        stream.end('last words');
      });
      stream.on('data', (chunk: Buffer) => stream.write(chunk));
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const session = await connectH2(proxy.port);
    const stream = session.request({
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':path': '/',
      ':authority': 'example.test',
      'sec-websocket-version': '13',
    });
    const [head] = await once(stream, 'response');
    expect(head).toMatchObject({ ':status': 200 });
    let received = '';
    stream.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
    });
    stream.write('bytes');
    await until(() => received === 'bytes');
    stream.end();
    await until(() => ended && received === 'byteslast words');
  });

  it('passes a refusal on', async () => {
    const upstream = await webSocketUpstream((stream) => {
      stream.respond({ ':status': 403, 'content-length': 2 });
      stream.end('no');
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    const response = await client.send(UPGRADE).response();
    expect([response.status, response.body]).toEqual([403, 'no']);
  });

  it('ends with the client', async () => {
    const codes: number[] = [];
    const upstream = await webSocketUpstream((stream, headers, rawHeaders) => {
      stream.on('close', () => codes.push(stream.rstCode));
      stream.on('end', () => stream.end());
      echo(stream, headers, rawHeaders);
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    expect((await client.send(UPGRADE).response()).status).toBe(101);
    client.socket.destroy();
    await until(() => codes.length === 1);
    expect(codes).toEqual([http2.constants.NGHTTP2_NO_ERROR]);
  });
});

describe('WebSocket to an upstream that does not take it', () => {
  it('is 502, and the log says why; the upstream has not failed', async () => {
    let asked = 0;
    const upstream = await http2Upstream((stream) => {
      asked += 1;
      stream.respond({ ':status': 200 });
      stream.end('ok');
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    expect((await client.send(UPGRADE).response()).status).toBe(502);
    expect(asked).toBe(0);
    expect(proxy.counters.values().upstreamErrors).toEqual({ 'route="example.test",kind="unsupported"': 1 });
    expect(JSON.stringify(proxy.events)).toContain('RFC 8441');
  });

  it('is an ordinary request when anything else is asked for', async () => {
    const upstream = await webSocketUpstream((stream, headers) => {
      stream.respond({ ':status': 200 });
      stream.end(`${headers[':method']} ${headers.upgrade}`);
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    const response = await client.send(UPGRADE.replace('websocket', 'x-other')).response();
    expect([response.status, response.body]).toEqual([200, 'GET undefined']);
  });
});
