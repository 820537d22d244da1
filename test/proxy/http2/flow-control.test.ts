import { describe, expect, it } from 'vitest';
import { CLIENT_PREFACE, FRAME, SETTING } from '../../../src/proxy/codec/http2/protocol.ts';
import { frame, OPENING } from '../codec/http2/frames.ts';
import { route, startProxy, until } from '../fixture.ts';
import { answering, httpUpstream, OK, rawUpstream } from '../upstream-servers.ts';
import { connectRawH2, head, settings, uint32 } from './raw-h2.ts';

const CHUNK = Buffer.alloc(65_536, 'x');

/** An upstream that has more to send than anybody takes, and says how much it got rid of. */
async function endless() {
  const sent = new Map<string, number>();
  const upstream = await httpUpstream((request, response) => {
    const path = request.url ?? '';
    const more = () => {
      while (!response.destroyed) {
        sent.set(path, (sent.get(path) ?? 0) + CHUNK.length);
        if (!response.write(CHUNK)) {
          response.once('drain', more);
          return;
        }
      }
    };
    if (path === '/short') response.end('short');
    else more();
  });
  return { upstream, sent: (path: string) => sent.get(path) ?? 0 };
}

/** Resolves when a number has not changed for a while. */
async function settled(value: () => number): Promise<number> {
  let last = -1;
  while (value() !== last) {
    last = value();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return last;
}

const open = (stream: number, bytes: number) => frame(FRAME.windowUpdate, 0, stream, uint32(bytes));

describe('the windows of a client', () => {
  it('stop a response and its upstream, but no other stream', async () => {
    const { upstream, sent } = await endless();
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectRawH2(proxy.port);
    client.send(open(0, 10_000_000), head(1, { ':path': '/endless' }));
    await until(() => client.received(1) === 65_535);
    // What the kernel holds between proxy and upstream is all that is under way.
    expect(await settled(() => sent('/endless'))).toBeLessThan(32 * 1024 * 1024);
    client.send(head(3, { ':path': '/short' }));
    await until(() => client.received(3) === 5);
    expect(client.received(1)).toBe(65_535);
    client.send(open(1, 100_000));
    await until(() => client.received(1) === 165_535);
  });

  it('of the whole connection stop all of them', async () => {
    const { upstream } = await endless();
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectRawH2(proxy.port);
    client.send(head(1), open(1, 1_000_000), head(3), open(3, 1_000_000));
    const all = () => client.received(1) + client.received(3);
    await until(() => all() === 65_535);
    client.send(open(0, 200_000));
    await until(() => all() === 265_535);
    // Nobody said which is more urgent: they take turns.
    expect(client.received(1)).toBeGreaterThan(65_535);
    expect(client.received(3)).toBeGreaterThan(65_535);
  });

  it('change with the settings, for streams that are open, too', async () => {
    const { upstream } = await endless();
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectRawH2(
      proxy.port,
      Buffer.concat([CLIENT_PREFACE, settings([SETTING.initialWindowSize, 10])]),
    );
    client.send(head(1));
    await until(() => client.received(1) === 10);
    client.send(settings([SETTING.initialWindowSize, 0], [SETTING.initialWindowSize, 5]));
    client.send(open(1, 3));
    await until(() => client.of(FRAME.settings).filter(({ flags }) => flags === 1).length === 2);
    expect(client.received(1)).toBe(10);
    client.send(open(1, 4));
    await until(() => client.received(1) === 12);
    client.send(settings([SETTING.initialWindowSize, 1_000]));
    await until(() => client.received(1) === 1_007);
  });

  it('that do not open end the stream in the end, and with it the request to the upstream', async () => {
    const upstream = await rawUpstream(
      answering(`HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n${'x'.repeat(90_000)}`),
    );
    const proxy = await startProxy({ routes: [route(upstream)], limits: { bodyIdleMs: 300 } });
    const client = await connectRawH2(proxy.port);
    client.send(open(0, 1_000_000), head(1));
    await until(() => client.of(FRAME.rstStream, 1).length === 1);
    expect(client.received(1)).toBe(65_535);
    await until(() => upstream.connections[0]?.socket.destroyed === true);
    expect(client.of(FRAME.goaway)).toEqual([]);
  });

  it('that do not open for the whole connection end it', async () => {
    const { upstream } = await endless();
    const proxy = await startProxy({ routes: [route(upstream)], limits: { bodyIdleMs: 300 } });
    const client = await connectRawH2(proxy.port);
    client.send(head(1), open(1, 1_000_000));
    expect(await client.goaway()).toMatchObject({ reason: 'window-closed' });
  });

  it('are left open for a body that the client is told to keep to itself', async () => {
    const refusal = 'HTTP/1.1 413 X\r\nContent-Length: 0\r\n\r\n';
    const upstream = await rawUpstream(({ socket, received }) => {
      if (received.includes('/large')) socket.write(refusal);
      else answering(OK)({ socket, received }, received);
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectRawH2(proxy.port);
    for (let stream = 1; stream < 100; stream += 2) {
      client.send(head(stream, { ':method': 'POST', ':path': '/large' }, false));
      await until(() => client.of(FRAME.rstStream, stream).length === 1);
      // It was on its way already.
      client.send(frame(FRAME.data, 0, stream, CHUNK.subarray(0, 16_384)));
      client.send(frame(FRAME.data, 1, stream, CHUNK.subarray(0, 16_384)));
    }
    // More than the window of the connection, and it is open again.
    client.send(head(101));
    await until(() => client.received(101) === 2);
    expect(client.of(FRAME.windowUpdate, 0).length).toBeGreaterThan(2);
    expect(client.of(FRAME.goaway)).toEqual([]);
  });
});

describe('frames of many responses', () => {
  it('leave in one piece', async () => {
    const upstream = await rawUpstream(answering(OK));
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectRawH2(proxy.port, OPENING);
    const streams = Array.from({ length: 50 }, (_, n) => 2 * n + 1);
    client.send(...streams.map((stream) => head(stream)));
    await until(() => streams.every((stream) => client.received(stream) === 2));
    const before = client.socket.bytesRead;
    client.send(...streams.map((stream) => head(stream + 100)));
    await until(() => streams.every((stream) => client.received(stream + 100) === 2));
    // A record of TLS 1.3 adds 22 bytes: one each would be more than this in all.
    expect(client.socket.bytesRead - before).toBeLessThan(50 * (9 + 3 + 9 + 2 + 22));
    const ends = client.frames.filter(({ type, flags }) => type === FRAME.data && flags === 1);
    expect(ends).toHaveLength(100);
  });
});
