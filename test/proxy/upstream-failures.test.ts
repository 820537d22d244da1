import net from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Upstream } from '../../src/routing/route.ts';
import { listen, route, startProxy } from './fixture.ts';
import { h2Request } from './h2-client.ts';
import { connectTls } from './raw-client.ts';
import { answering, httpUpstream, rawUpstream } from './upstream-servers.ts';

const GET = 'GET / HTTP/1.1\r\nHost: example.test\r\n\r\n';

async function failing(upstream: Upstream, limits = {}) {
  const proxy = await startProxy({ routes: [route(upstream)], limits });
  const client = await connectTls(proxy.port);
  const response = await client.send(GET).response();
  const errors = Object.keys(proxy.counters.values().upstreamErrors);
  return { proxy, client, response, kind: /kind="(.*)"/.exec(errors[0] ?? '')?.[1] };
}

/** A port on which nobody listens. */
async function closedPort(): Promise<number> {
  const server = net.createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('an upstream that', () => {
  it('refuses gives 502, and the client’s connection lives on', async () => {
    const { client, response, kind } = await failing({
      scheme: 'http',
      host: '127.0.0.1',
      port: await closedPort(),
    });
    expect(response.status).toBe(502);
    expect(response.field('content-type')).toBe('text/html; charset=utf-8');
    expect(response.body).toContain('<h1>Bad Gateway</h1>');
    expect(response.field('connection')).not.toBe('close');
    expect(kind).toBe('refused');
    expect((await client.send(GET).response()).status).toBe(502);
  });

  it('has no socket file gives 502', async () => {
    const { response, kind } = await failing({ scheme: 'unix', path: '/nonexistent/socket' });
    expect(response.status).toBe(502);
    expect(kind).toBe('refused');
  });

  it('has no address gives 502', async () => {
    const { response, kind } = await failing({ scheme: 'http', host: 'nothing.invalid', port: 80 });
    expect(response.status).toBe(502);
    expect(kind).toBe('unresolved');
  });

  it('takes too long to agree on a connection gives 504', async () => {
    const { host, port } = await rawUpstream(() => {});
    const { response, kind } = await failing({ scheme: 'https', host, port }, { upstreamConnectMs: 100 });
    expect(response.status).toBe(504);
    expect(kind).toBe('connect-timeout');
  });

  it('does not answer gives 504', async () => {
    const upstream = await rawUpstream(() => {});
    const { response, kind } = await failing(upstream, { upstreamResponseMs: 100 });
    expect(response.status).toBe(504);
    expect(response.body).toContain('<h1>Gateway Timeout</h1>');
    expect(kind).toBe('response-timeout');
  });

  it('hangs up gives 502', async () => {
    const upstream = await rawUpstream(({ socket }) => socket.destroy());
    const { response, kind } = await failing(upstream);
    expect(response.status).toBe(502);
    expect(kind).toBe('reset');
  });

  it.each([
    ['something else than HTTP', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['two different lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    [
      'a length and chunks',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['an invalid status', 'HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n'],
    ['a head without end', `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(70_000)}`],
    ['a switch that nobody asked for', 'HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'],
  ])('sends %s gives 502', async (_, answer) => {
    const { response, kind } = await failing(await rawUpstream(answering(answer)));
    expect(response.status).toBe(502);
    expect(kind).toBe('protocol');
  });

  it('stops taking the request gives 504', async () => {
    const upstream = await rawUpstream(({ socket }) => socket.pause());
    const proxy = await startProxy({ routes: [route(upstream)], limits: { bodyIdleMs: 300 } });
    const client = await connectTls(proxy.port);
    client.send('POST / HTTP/1.1\r\nHost: example.test\r\nContent-Length: 100000000\r\n\r\n');
    const chunk = Buffer.alloc(65_536);
    const timer = setInterval(() => client.socket.writableLength < 1_000_000 && client.send(chunk), 1);
    onTestFinished(() => clearInterval(timer));
    expect((await client.response()).status).toBe(504);
    expect(proxy.counters.values().upstreamErrors).toEqual({ 'route="example.test",kind="stalled"': 1 });
  });
});

describe('failures in the log', () => {
  it('are one line a second for an upstream', async () => {
    const proxy = await startProxy({ routes: [route({ scheme: 'unix', path: '/nonexistent/socket' })] });
    for (let n = 0; n < 5; n++) await h2Request(proxy.port, {});
    const lines = proxy.events.filter(({ event }) => event === 'upstream.failed');
    expect(lines.length).toBeLessThan(5);
    expect(lines[0]).toMatchObject({
      route: 'example.test',
      upstream: 'unix:/nonexistent/socket',
      kind: 'refused',
      failures: 1,
    });
    expect(proxy.counters.values().upstreamErrors).toEqual({ 'route="example.test",kind="refused"': 5 });
  });
});

describe('several upstreams', () => {
  it('are used at random', async () => {
    const seen = new Set<number>();
    const make = (id: number) => httpUpstream((_, response) => response.end(String(id)));
    const proxy = await startProxy({ routes: [route([await make(1), await make(2), await make(3)])] });
    const client = await connectTls(proxy.port);
    for (let n = 0; n < 100 && seen.size < 3; n++) seen.add(Number((await client.send(GET).response()).body));
    expect(seen.size).toBe(3);
  });
});
