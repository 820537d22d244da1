import { describe, expect, it } from 'vitest';
import { Counters } from '../../src/proxy/counters.ts';
import { DURATION_BUCKETS_S } from '../../src/proxy/protocol.ts';
import { route, startProxy } from './fixture.ts';
import { connectTls } from './raw-client.ts';
import { answering, OK, rawUpstream } from './upstream-servers.ts';

describe('counters', () => {
  it('have nothing at first but the promises', () => {
    expect(new Counters().values()).toEqual({
      tlsHello: { 'known="true"': 0, 'known="false"': 0 },
      responses: {},
      upstreamErrors: {},
      upstreamRetries: {},
      durations: {},
      handshakesWaited: 0,
      requestsWaited: 0,
      accessLogDropped: 0,
      connectionsRefused: {
        'reason="max-connections"': 0,
        'reason="max-connections-per-address"': 0,
      },
    });
  });

  it('put a duration into the first bucket that is not below it', () => {
    const counters = new Counters();
    for (const ms of [0, 1, 1.1, 30_000, 30_001]) counters.duration('a', ms);
    const { buckets, sumSeconds } = counters.values().durations['route="a"'] ?? {
      buckets: [],
      sumSeconds: 0,
    };
    expect(buckets).toHaveLength(DURATION_BUCKETS_S.length + 1);
    expect([buckets[0], buckets[1], buckets.at(-2), buckets.at(-1)]).toEqual([2, 1, 1, 1]);
    expect(sumSeconds).toBeCloseTo(60.0031);
  });

  it('spell labels as Prometheus wants them', () => {
    const counters = new Counters();
    counters.response('a"\\\n', 200);
    counters.upstreamError('a', 'reset');
    counters.hello(true);
    const { responses, upstreamErrors, tlsHello } = counters.values();
    expect(Object.keys(responses)).toEqual(['route="a\\"\\\\\\n",status="200"']);
    expect(upstreamErrors).toEqual({ 'route="a",kind="reset"': 1 });
    expect(tlsHello).toEqual({ 'known="true"': 1, 'known="false"': 0 });
  });
});

describe('a handshake', () => {
  it('has waited when its certificate is found in a later step, and only then', async () => {
    const counters = new Counters();
    counters.handshakeBegins()();
    await Promise.resolve();
    expect(counters.values().handshakesWaited).toBe(0);
    const found = counters.handshakeBegins();
    await Promise.resolve();
    found();
    expect(counters.values().handshakesWaited).toBe(1);
  });
});

describe('a request', () => {
  it('is counted and timed once, and has waited for nothing', async () => {
    const upstream = await rawUpstream(answering(OK));
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    for (let n = 0; n < 3; n++) await client.send('GET / HTTP/1.1\r\nHost: example.test\r\n\r\n').response();
    await client.send('GET / HTTP/1.1\r\nHost: other.test\r\n\r\n').response();
    const values = proxy.counters.values();
    expect(values.responses).toEqual({
      'route="example.test",status="200"': 3,
      'route="none",status="421"': 1,
    });
    const timed = values.durations['route="example.test"']?.buckets.reduce((sum, count) => sum + count);
    expect(timed).toBe(3);
    expect(values.requestsWaited).toBe(0);
    expect(proxy.serving.requests).toBe(4);
    expect(proxy.serving.connections).toBe(1);
  });
});
