import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { FRAME, H2_ERROR } from '../../../src/proxy/codec/http2/protocol.ts';
import { frame } from '../codec/http2/frames.ts';
import { route, startProxy, until } from '../fixture.ts';
import { answering, rawUpstream } from '../upstream-servers.ts';
import { HOSTILE_CASES } from './hostile-cases.ts';
import { connectRawH2, head, request } from './raw-h2.ts';

/** How much the heap may grow meanwhile, in bytes: that of test and client included. */
const GROWTH = 64 * 1024 * 1024;

async function silent() {
  const upstream = await rawUpstream(() => {});
  return { upstream, proxy: await startProxy({ routes: [route(upstream)] }) };
}

describe('a client that', () => {
  it.each(HOSTILE_CASES)('$name is sent away', async ({ piece, pieces, error, reason, requests = 0 }) => {
    const { upstream, proxy } = await silent();
    const client = await connectRawH2(proxy.port);
    const before = process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
    for (let n = 0; n < pieces && client.of(FRAME.goaway).length === 0 && !client.socket.destroyed; n += 1) {
      client.send(piece(n));
      if (n % 10 === 0) await turn();
    }
    expect(await client.goaway()).toMatchObject({ error, reason });
    const after = process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
    expect(after - before).toBeLessThan(GROWTH);
    await until(() => proxy.serving.connections === 0);
    await until(() => upstream.connections.every(({ socket }) => socket.destroyed));
    expect(upstream.connections.length).toBeLessThanOrEqual(requests);
    expect(proxy.events).toEqual([]);
  });

  it('blows up a header list by references to one large field gets 431, and nothing is held', async () => {
    const { upstream, proxy } = await silent();
    const client = await connectRawH2(proxy.port);
    // A field of 4000 bytes for the table (RFC 7541 6.2.1), then 10 000 references of one byte to it.
    const name = Buffer.concat([Buffer.from([0x40, 1]), Buffer.from('x')]);
    const value = Buffer.concat([Buffer.from([0x7f, 0xa1, 0x1e]), Buffer.alloc(4_000, 'a')]);
    const bomb = Buffer.concat([request(), name, value, Buffer.alloc(10_000, 0x80 | 62)]);
    for (const stream of [1, 3, 5]) client.send(frame(FRAME.headers, 0x5, stream, bomb));
    await until(() => client.of(FRAME.headers).length === 3);
    const statuses = client.of(FRAME.headers).map((came) => client.fields(came)[':status']);
    expect(statuses).toEqual(['431', '431', '431']);
    expect(upstream.received).toBe('');
    // The table is still the same on both sides.
    client.send(frame(FRAME.headers, 0x5, 7, Buffer.concat([request(), Buffer.from([0x80 | 62])])));
    await until(() => upstream.received.includes(`\r\nx: ${'a'.repeat(4_000)}\r\n`));
  });

  it('asks without ever reading is not read any more, and is cut off in the end', async () => {
    const large = `X-Large: ${'a'.repeat(8_000)}`;
    const upstream = await rawUpstream(answering(`HTTP/1.1 200 OK\r\n${large}\r\nContent-Length: 0\r\n\r\n`));
    const proxy = await startProxy({ routes: [route(upstream)], limits: { bodyIdleMs: 1_000 } });
    const client = await connectRawH2(proxy.port);
    client.socket.pause();
    let asked = 0;
    for (; client.socket.writableLength < 1_000_000 && !client.socket.destroyed; asked += 1) {
      const path = `/${'x'.repeat(2_000)}`;
      if (!client.socket.write(head(2 * asked + 1, { ':path': path }))) await turn();
    }
    await until(() => proxy.serving.connections === 0);
    expect(proxy.serving.requests).toBeLessThan(asked);
  });

  it('sends bytes that a slow upstream does not take may send so many and no more', async () => {
    const upstream = await rawUpstream(({ socket }) => socket.pause());
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectRawH2(proxy.port);
    client.send(head(1, { ':method': 'POST' }, false));
    // The window of the stream, and then one byte more than it.
    const allowed = () =>
      65_535 +
      client.of(FRAME.windowUpdate, 1).reduce((sum, { payload }) => sum + payload.readUInt32BE(0), 0);
    let sent = 0;
    for (let quiet = 0; quiet < 20; quiet += 1) {
      while (sent + 16_384 <= allowed()) {
        client.send(frame(FRAME.data, 0, 1, Buffer.alloc(16_384)));
        sent += 16_384;
        quiet = 0;
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    // What it was allowed beyond that lies in the buffers of the kernel.
    expect(allowed()).toBeLessThan(32 * 1024 * 1024);
    client.send(frame(FRAME.data, 0, 1, Buffer.alloc(allowed() - sent)));
    client.send(frame(FRAME.data, 0, 1, Buffer.alloc(1)));
    await until(() => client.of(FRAME.rstStream, 1).length === 1);
    expect(client.of(FRAME.rstStream, 1)[0]?.payload.readUInt32BE(0)).toBe(H2_ERROR.flowControlError);
    expect(client.of(FRAME.goaway)).toEqual([]);
  });
});
