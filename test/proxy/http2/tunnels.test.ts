import { once } from 'node:events';
import type { ClientHttp2Stream } from 'node:http2';
import { describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { FRAME, H2_ERROR } from '../../../src/proxy/codec/http2/protocol.ts';
import { frame } from '../codec/http2/frames.ts';
import { route, startProxy, until } from '../fixture.ts';
import { connectH2, h2Response } from '../h2-client.ts';
import { answering, httpUpstream, rawUpstream } from '../upstream-servers.ts';
import { connectRawH2, head } from './raw-h2.ts';

const CONNECT = {
  ':method': 'CONNECT',
  ':protocol': 'websocket',
  ':scheme': 'https',
  ':path': '/chat?room=1',
  ':authority': 'example.test',
};
const OPEN = { ...CONNECT, 'sec-websocket-version': '13', 'sec-websocket-protocol': 'talk', cookie: 'a=1' };
const SWITCHED = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';

/** A frame of a client (RFC 6455 5.2), masked with zeros. */
const masked = (opcode: number, text: string) =>
  Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);

async function read(stream: ClientHttp2Stream, length: number): Promise<Buffer> {
  let bytes = Buffer.alloc(0);
  while (bytes.length < length) {
    const [chunk] = await once(stream, 'data');
    bytes = Buffer.concat([bytes, chunk]);
  }
  return bytes;
}

describe('a WebSocket over HTTP/2', () => {
  it('is one over HTTP/1.1 to the upstream, both ways', async () => {
    const server = await httpUpstream(() => {});
    const sockets = new WebSocketServer({ server: server.server, handleProtocols: () => 'talk' });
    let asked = '';
    sockets.on('connection', (socket, { headers, url }) => {
      asked = `${url} ${headers.host} ${headers.cookie} ${headers['x-forwarded-proto']}`;
      socket.on('message', (data, binary) => socket.send(data, { binary }));
    });
    const proxy = await startProxy({ routes: [route(server)] });
    const stream = (await connectH2(proxy.port)).request(OPEN, { endStream: false });
    // Sent before the answer: it is kept until then.
    stream.write(masked(1, 'early'));
    const [headers] = await once(stream, 'response');
    expect(headers).toMatchObject({ ':status': 200, 'sec-websocket-protocol': 'talk' });
    for (const name of ['sec-websocket-accept', 'upgrade', 'connection'])
      expect(headers).not.toHaveProperty(name);
    expect(asked).toBe('/chat?room=1 example.test a=1 https');
    expect((await read(stream, 7)).toString('latin1')).toBe('\x81\x05early');
    stream.write(masked(1, 'hello'));
    expect((await read(stream, 7)).toString('latin1')).toBe('\x81\x05hello');
    stream.write(masked(8, ''));
    expect((await read(stream, 2)).toString('hex')).toBe('8800');
    stream.end();
    await once(stream, 'close');
    expect(stream.rstCode).toBe(0);
    expect(proxy.counters.values().responses).toEqual({ 'route="example.test",status="101"': 1 });
  });

  it('carries large messages in flat windows', async () => {
    const server = await httpUpstream(() => {});
    const sockets = new WebSocketServer({ server: server.server });
    sockets.on('connection', (socket) => {
      socket.on('message', (data) => socket.send(String((data as Buffer).length)));
    });
    const proxy = await startProxy({ routes: [route(server)] });
    const stream = (await connectH2(proxy.port)).request(OPEN, { endStream: false });
    const size = 3_000_000;
    const start = Buffer.alloc(14);
    start.writeUInt16BE(0x82ff);
    start.writeBigUInt64BE(BigInt(size), 2);
    stream.write(start);
    stream.write(Buffer.alloc(size));
    expect((await read(stream, 9)).toString('latin1', 2)).toBe(String(size));
  });

  it('sends a key of its own, and none of the client', async () => {
    const upstream = await rawUpstream(({ socket }) => socket.write(`${SWITCHED}\r\n`));
    const proxy = await startProxy({ routes: [route(upstream)] });
    const session = await connectH2(proxy.port);
    for (let n = 0; n < 2; n += 1) {
      const stream = session.request({ ...OPEN, 'sec-websocket-key': 'its own' }, { endStream: false });
      await once(stream, 'response');
      stream.close();
    }
    const keys = [...upstream.received.matchAll(/\r\nsec-websocket-key: (\S+)\r\n/gi)].map(([, key]) => key);
    expect(keys).toHaveLength(2);
    expect(new Set(keys).size).toBe(2);
    for (const key of keys) expect(Buffer.from(key ?? '', 'base64')).toHaveLength(16);
    expect(upstream.received).toContain('GET /chat?room=1 HTTP/1.1\r\nHost: example.test\r\n');
    expect(upstream.received).toContain('\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n');
  });

  it.each([
    ['a refusal is passed on', 'HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno', 403, 'no'],
    ['no tunnel is no success', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', 502, ''],
  ])('%s', async (_, answer, status, body) => {
    const upstream = await rawUpstream(answering(answer));
    const proxy = await startProxy({ routes: [route(upstream)] });
    const stream = (await connectH2(proxy.port)).request(OPEN, { endStream: false });
    expect(await h2Response(stream)).toMatchObject({ status, body });
  });

  it('ends at both ends when either side leaves', async () => {
    const upstream = await rawUpstream(({ socket }) => socket.write(`${SWITCHED}\r\n`));
    const proxy = await startProxy({ routes: [route(upstream)] });
    const session = await connectH2(proxy.port);
    const left = session.request(OPEN, { endStream: false });
    await once(left, 'response');
    left.close(H2_ERROR.cancel);
    await until(() => upstream.connections[0]?.socket.destroyed === true);
    const cut = session.request(OPEN, { endStream: false });
    cut.on('error', () => {});
    await once(cut, 'response');
    upstream.connections[1]?.socket.resetAndDestroy();
    await until(() => cut.destroyed);
    expect(cut.rstCode).toBe(H2_ERROR.internalError);
  });

  it('goes on in one direction after the other has ended', async () => {
    const upstream = await rawUpstream(
      ({ socket, received }) => {
        if (received.endsWith('\r\n\r\n')) socket.write(`${SWITCHED}\r\n`);
        if (received.endsWith('last')) socket.end('answer');
      },
      { allowHalfOpen: true },
    );
    const proxy = await startProxy({ routes: [route(upstream)] });
    const stream = (await connectH2(proxy.port)).request(OPEN, { endStream: false });
    await once(stream, 'response');
    stream.end('last');
    expect((await read(stream, 6)).toString()).toBe('answer');
    await once(stream, 'close');
    expect(stream.rstCode).toBe(0);
  });

  it('with another protocol is not there', async () => {
    const upstream = await rawUpstream(() => {});
    const proxy = await startProxy({ routes: [route(upstream)] });
    const session = await connectH2(proxy.port);
    const stream = session.request({ ...CONNECT, ':protocol': 'connect-udp' }, { endStream: false });
    expect((await h2Response(stream)).status).toBe(501);
    expect(upstream.received).toBe('');
  });

  it('to a host that nobody knows is misdirected', async () => {
    const proxy = await startProxy({ routes: [route({ scheme: 'unix', path: '/nonexistent' })] });
    const client = await connectRawH2(proxy.port);
    client.send(head(1, { ...CONNECT, ':authority': 'other.test' }, false), frame(FRAME.data, 0, 1, 'x'));
    await until(() => client.of(FRAME.headers, 1).length === 1);
    expect(client.of(FRAME.headers, 1).map((came) => client.fields(came)[':status'])).toEqual(['421']);
  });
});
