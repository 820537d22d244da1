import { describe, expect, it } from 'vitest';
import { FRAME, H2_ERROR, SETTING } from '../../src/proxy/codec/http2/protocol.ts';
import { frame } from './codec/http2/frames.ts';
import { route, startProxy, until } from './fixture.ts';
import { connectH2, h2Request, h2Response } from './h2-client.ts';
import { connectTls } from './raw-client.ts';
import {
  okResponse,
  type RawHttp2Connection,
  rawHttp2Upstream,
  settings,
  uint32,
} from './raw-http2-upstream.ts';

const failed = (kind: string) => ({ [`route="example.test",kind="${kind}"`]: 1 });

/** How often a frame of a type has come. */
function count(connection: RawHttp2Connection | undefined, type: number): number {
  return connection?.came.filter((came) => came.type === type).length ?? 0;
}

describe('the limits of time towards an upstream that speaks HTTP/2', () => {
  it('no settings: 504', async () => {
    const upstream = await rawHttp2Upstream(
      () => {},
      () => '',
    );
    const proxy = await startProxy({ routes: [route(upstream)], limits: { upstreamConnectMs: 100 } });
    expect((await h2Request(proxy.port, {})).status).toBe(504);
    expect(proxy.counters.values().upstreamErrors).toEqual(failed('connect-timeout'));
    await until(() => upstream.connections[0]?.socket.destroyed === true);
  });

  it('nobody listens: 502', async () => {
    const proxy = await startProxy({ routes: [route({ scheme: 'h2c', host: '127.0.0.1', port: 1 })] });
    const session = await connectH2(proxy.port);
    const ask = () => h2Response(session.request({ ':authority': 'example.test' }));
    expect((await Promise.all([ask(), ask()])).map(({ status }) => status)).toEqual([502, 502]);
    expect((await ask()).status).toBe(502);
    expect(proxy.counters.values().upstreamErrors).toEqual({ 'route="example.test",kind="refused"': 3 });
  });

  it('no response: 504, the stream is reset, and the connection is asked whether it is there', async () => {
    const upstream = await rawHttp2Upstream(({ socket }, { type, streamId, ack, payload }, nth) => {
      if (type === FRAME.headers && nth > 0) socket.write(okResponse(streamId));
      if (type === FRAME.ping && !ack && nth > 0) socket.write(frame(FRAME.ping, 1, 0, payload));
    });
    const proxy = await startProxy({
      routes: [route(upstream)],
      limits: { upstreamResponseMs: 100, upstreamConnectMs: 300 },
    });
    expect((await h2Request(proxy.port, {})).status).toBe(504);
    const [first] = upstream.connections;
    await until(() => count(first, FRAME.ping) === 1);
    expect(first?.came.filter(({ type }) => type === FRAME.rstStream)).toMatchObject([
      { streamId: 1, value: H2_ERROR.cancel },
    ]);
    // Until it answers, nobody else is sent there; and it never does.
    expect((await h2Request(proxy.port, {})).status).toBe(200);
    expect(upstream.connections).toHaveLength(2);
    await until(() => first?.socket.destroyed === true);
    expect(proxy.counters.values().upstreamErrors).toEqual(failed('response-timeout'));
  });

  it('a response may take its time while the request is being sent', async () => {
    const upstream = await rawHttp2Upstream(({ socket }, { type, streamId, endStream }) => {
      if (type === FRAME.data && endStream) socket.write(okResponse(streamId));
    });
    const proxy = await startProxy({ routes: [route(upstream)], limits: { upstreamResponseMs: 100 } });
    const client = await connectTls(proxy.port);
    client.send('POST / HTTP/1.1\r\nHost: example.test\r\nContent-Length: 4\r\n\r\nab');
    await new Promise((resolve) => setTimeout(resolve, 300));
    client.send('cd');
    expect((await client.response()).status).toBe(200);
  });

  it('no window: 504 when it stays closed', async () => {
    const upstream = await rawHttp2Upstream(
      () => {},
      () => settings([SETTING.initialWindowSize, 0]),
    );
    const proxy = await startProxy({ routes: [route(upstream)], limits: { bodyIdleMs: 100 } });
    const response = await h2Request(proxy.port, { ':method': 'POST' }, 'body');
    expect(response.status).toBe(504);
    expect(proxy.counters.values().upstreamErrors).toEqual(failed('stalled'));
    expect(count(upstream.connections[0], FRAME.data)).toBe(0);
  });

  it('an upstream that takes no requests: 504, without asking it over many connections', async () => {
    const upstream = await rawHttp2Upstream(
      () => {},
      () => settings([SETTING.maxConcurrentStreams, 0]),
    );
    const proxy = await startProxy({ routes: [route(upstream)], limits: { upstreamConnectMs: 300 } });
    expect((await h2Request(proxy.port, {})).status).toBe(504);
    expect(upstream.connections).toHaveLength(1);
  });

  it('an upstream that takes requests later on', async () => {
    const upstream = await rawHttp2Upstream(
      ({ socket }, { type, streamId, ack }) => {
        if (type === FRAME.settings && ack) {
          setTimeout(() => socket.write(settings([SETTING.maxConcurrentStreams, 10])), 100);
        }
        if (type === FRAME.headers) socket.write(okResponse(streamId));
      },
      () => settings([SETTING.maxConcurrentStreams, 0]),
    );
    const proxy = await startProxy({ routes: [route(upstream)] });
    expect((await h2Request(proxy.port, {})).status).toBe(200);
    expect(upstream.connections).toHaveLength(1);
  });

  it('a window that opens late is no harm, and what waits for it is not lost', async () => {
    let sent = '';
    const upstream = await rawHttp2Upstream(
      ({ socket }, { type, streamId, endStream, payload }) => {
        if (type === FRAME.headers) {
          setTimeout(() => socket.write(settings([SETTING.initialWindowSize, 3])), 50);
        }
        if (type !== FRAME.data) return;
        sent += payload.toString('latin1');
        const increment = Buffer.from([0, 0, 0, 2]);
        if (!endStream) socket.write(frame(FRAME.windowUpdate, 0, streamId, increment));
        else socket.write(okResponse(streamId));
      },
      () => settings([SETTING.initialWindowSize, 0]),
    );
    const proxy = await startProxy({ routes: [route(upstream)], limits: { upstreamResponseMs: 5_000 } });
    expect((await h2Request(proxy.port, { ':method': 'POST' }, '0123456789')).status).toBe(200);
    expect(sent).toBe('0123456789');
  });

  it('an unused connection is closed with GOAWAY', async () => {
    const upstream = await rawHttp2Upstream(({ socket }, { type, streamId }) => {
      if (type === FRAME.headers) socket.write(okResponse(streamId));
    });
    const proxy = await startProxy({ routes: [route(upstream)], limits: { upstreamIdleMs: 100 } });
    expect((await h2Request(proxy.port, {})).status).toBe(200);
    const [first] = upstream.connections;
    await until(() => first?.socket.destroyed === true);
    expect(count(first, FRAME.goaway)).toBe(1);
    expect((await h2Request(proxy.port, {})).status).toBe(200);
    expect(upstream.connections).toHaveLength(2);
  });

  it('a silent connection with streams is asked for a sign of life, and given up without one', async () => {
    let pings = 0;
    const upstream = await rawHttp2Upstream(({ socket }, { type, ack, payload }) => {
      if (type !== FRAME.ping || ack) return;
      pings += 1;
      if (pings <= 2) socket.write(frame(FRAME.ping, 1, 0, payload));
    });
    const proxy = await startProxy({
      routes: [route(upstream)],
      limits: { upstreamPingMs: 100, upstreamConnectMs: 200 },
    });
    expect((await h2Request(proxy.port, { ':method': 'POST' })).status).toBe(502);
    expect(pings).toBe(3);
    expect(proxy.counters.values().upstreamErrors).toEqual(failed('reset'));
  });
});

describe('a connection that ends at the moment of its use', () => {
  it('costs nothing where asking twice does no harm, and else a 502', async () => {
    for (const [method, status] of [
      ['GET', 200],
      ['POST', 502],
    ] as const) {
      const upstream = await rawHttp2Upstream(({ socket }, { type, streamId }, nth) => {
        if (type !== FRAME.headers) return;
        if (nth === 0 && streamId > 1) socket.destroy();
        else socket.write(okResponse(streamId));
      });
      const proxy = await startProxy({ routes: [route(upstream)] });
      expect((await h2Request(proxy.port, {})).status).toBe(200);
      expect((await h2Request(proxy.port, { ':method': method })).status).toBe(status);
    }
  });
});

describe('a head that the upstream has said is too large', () => {
  it('is answered with 431, and does not reach it', async () => {
    const upstream = await rawHttp2Upstream(
      ({ socket }, { type, streamId }) => {
        if (type === FRAME.headers) socket.write(okResponse(streamId));
      },
      () => settings([SETTING.maxHeaderListSize, 2_000]),
    );
    const proxy = await startProxy({ routes: [route(upstream)] });
    expect((await h2Request(proxy.port, { 'x-large': 'v'.repeat(3_000) })).status).toBe(431);
    expect(count(upstream.connections[0], FRAME.headers)).toBe(0);
    expect((await h2Request(proxy.port, { 'x-small': 'v' })).status).toBe(200);
    expect(upstream.connections).toHaveLength(1);
  });
});

describe('a request whose body goes on while its connection is replaced', () => {
  it('arrives whole', async () => {
    const bodies = ['', ''];
    const upstream = await rawHttp2Upstream(
      ({ socket }, { type, streamId, endStream, payload }, nth) => {
        if (type !== FRAME.data) return;
        bodies[nth] += payload.toString('latin1');
        // For the stream and for the connection.
        for (const id of nth > 0 ? [streamId, 0] : []) {
          socket.write(frame(FRAME.windowUpdate, 0, id, uint32(payload.length || 1)));
        }
        if (nth > 0) {
          if (endStream) socket.write(okResponse(streamId));
        } else if (bodies[0]?.length === 60_000) socket.write(frame(FRAME.goaway, 0, 0, uint32(0, 0)));
      },
      (nth) => (nth === 0 ? settings() : ''),
    );
    const proxy = await startProxy({ routes: [route(upstream)] });
    const body = Array.from({ length: 90_000 }, (_, n) => String.fromCharCode(97 + (n % 26))).join('');
    const client = await connectTls(proxy.port);
    client.send(`POST / HTTP/1.1\r\nHost: example.test\r\nContent-Length: ${body.length}\r\n\r\n`);
    client.send(body.slice(0, 60_000));
    await until(() => upstream.connections.length === 2);
    client.send(body.slice(60_000));
    await new Promise((resolve) => setTimeout(resolve, 200));
    upstream.connections[1]?.socket.write(settings());
    expect((await client.response()).status).toBe(200);
    expect(bodies[1]).toBe(body);
  });
});
