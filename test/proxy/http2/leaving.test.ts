import { describe, expect, it } from 'vitest';
import { FRAME, H2_ERROR, LARGEST_WINDOW } from '../../../src/proxy/codec/http2/protocol.ts';
import { frame, OPENING } from '../codec/http2/frames.ts';
import { route, startProxy, until } from '../fixture.ts';
import { answering, OK, type RawConnection, rawUpstream } from '../upstream-servers.ts';
import { connectRawH2, head, type RawH2, request, uint32 } from './raw-h2.ts';

const LONG = { requestsMs: 60_000, streamsMs: 60_000 };
const NO_ERROR = H2_ERROR.noError;

async function setUp(limits = {}) {
  const asked: RawConnection[] = [];
  const upstream = await rawUpstream((connection) => asked.push(connection));
  return { asked, upstream, proxy: await startProxy({ routes: [route(upstream)], limits }) };
}

const goaways = (client: RawH2) =>
  client.of(FRAME.goaway).map(({ payload }) => [payload.readUInt32BE(0), payload.readUInt32BE(4)]);

describe('a drain', () => {
  it('takes what is on its way, and nothing after that', async () => {
    const { asked, proxy } = await setUp();
    const client = await connectRawH2(proxy.port);
    client.send(head(1));
    await until(() => asked.length === 1);
    const drained = proxy.serving.drain(LONG);
    await until(() => client.of(FRAME.ping).length === 1);
    expect(goaways(client)).toEqual([[LARGEST_WINDOW, NO_ERROR]]);
    // This one was sent before the client knew; the ping comes back after it.
    client.send(head(3), frame(FRAME.ping, 1, 0, client.of(FRAME.ping)[0]?.payload));
    await until(() => goaways(client).length === 2 && asked.length === 2);
    expect(goaways(client)[1]).toEqual([3, NO_ERROR]);
    client.send(head(5), frame(FRAME.rstStream, 0, 5, uint32(H2_ERROR.cancel)));
    for (const { socket } of asked) socket.write(OK);
    await until(() => client.received(1) === 2 && client.received(3) === 2);
    expect(await drained).toEqual({ cut: 0 });
    await until(() => client.socket.destroyed);
    expect(client.of(FRAME.headers, 5)).toEqual([]);
    expect(asked).toHaveLength(2);
  });

  it('does not wait for a client that never says that it knows', async () => {
    const { proxy } = await setUp();
    const client = await connectRawH2(proxy.port);
    await until(() => client.of(FRAME.settings).length === 2);
    expect(await proxy.serving.drain(LONG)).toEqual({ cut: 0 });
    expect(goaways(client)).toEqual([
      [LARGEST_WINDOW, NO_ERROR],
      [0, NO_ERROR],
    ]);
  });
});

describe('a client', () => {
  it('that says goodbye gets what it has asked for', async () => {
    const { asked, proxy } = await setUp();
    const client = await connectRawH2(proxy.port);
    client.send(head(1), frame(FRAME.goaway, 0, 0, uint32(0, NO_ERROR)));
    await until(() => asked.length === 1);
    asked[0]?.socket.write(OK);
    await until(() => client.received(1) === 2);
    await until(() => client.socket.destroyed);
    await until(() => proxy.serving.connections === 0);
  });

  it('that begins a header block and does not end it is sent away', async () => {
    const { proxy } = await setUp({ headTimeoutMs: 200 });
    for (const begun of [
      frame(FRAME.headers, 0x1, 3, request()),
      frame(FRAME.headers, 0x5, 3, request()).subarray(0, 20),
    ]) {
      const client = await connectRawH2(proxy.port);
      // Another request that takes its time is no excuse.
      client.send(head(1), begun);
      expect(await client.goaway()).toMatchObject({ reason: 'frame-too-slow' });
    }
  });

  it('that begins with nothing whole is sent away', async () => {
    const { proxy } = await setUp({ headTimeoutMs: 200 });
    const client = await connectRawH2(proxy.port, OPENING.subarray(0, 20));
    await client.goaway();
    await until(() => client.socket.destroyed);
    await until(() => proxy.serving.connections === 0);
  });

  it('whose body stops coming gets 408, and goes on with other streams', async () => {
    const upstream = await rawUpstream((connection, more) => {
      if (more.includes('GET')) answering(OK)(connection, more);
    });
    const proxy = await startProxy({ routes: [route(upstream)], limits: { bodyIdleMs: 200 } });
    const client = await connectRawH2(proxy.port);
    client.send(head(1, { ':method': 'POST' }, false), frame(FRAME.data, 0, 1, 'abc'));
    await until(() => client.of(FRAME.rstStream, 1).length === 1);
    expect(client.fields(client.of(FRAME.headers, 1)[0] ?? expect.fail())[':status']).toBe('408');
    expect(client.of(FRAME.rstStream, 1)[0]?.payload.readUInt32BE(0)).toBe(NO_ERROR);
    expect(proxy.counters.values().upstreamErrors).toEqual({});
    client.send(head(3));
    await until(() => client.received(3) === 2);
    expect(goaways(client)).toEqual([]);
  });

  it('that closes its side has left', async () => {
    const { asked, proxy } = await setUp();
    const client = await connectRawH2(proxy.port);
    client.send(head(1));
    await until(() => asked.length === 1);
    client.socket.end();
    await until(() => asked[0]?.socket.destroyed === true);
    await until(() => proxy.serving.connections === 0);
    expect(proxy.counters.values().responses).toEqual({ 'route="example.test",status="499"': 1 });
  });
});
