import type { ConnectionOptions } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { RoutingTable } from '../../../src/routing/table.ts';
import type { TailnetSettings } from '../../../src/snapshot/snapshot.ts';
import { startTailscale, type World } from '../../tailscale/stand-in.ts';
import { route, startProxy, until } from '../fixture.ts';
import { connectH2, h2Response } from '../h2-client.ts';
import { connectPlain, connectTls } from '../raw-client.ts';
import { rawUpstream } from '../upstream-servers.ts';

/** Where the client of these tests is. */
const DEVICE: ConnectionOptions & { readonly localAddress: string } = { localAddress: '127.0.0.3' };
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
const SPOOFED =
  'Tailscale-User-Login: root@evil\r\ntailscale_user_name: Root\r\nTAILSCALE-USER-PROFILE-PIC: x\r\n';

/** A proxy with a tailnet whose address is that of the fixture, 127.0.0.1, unless told otherwise. */
async function setUp(settings: Partial<TailnetSettings> | null = {}, world: Partial<World> = {}) {
  const daemon = await startTailscale({
    devices: { '127.0.0.3': { login: 'alice@example.com', name: 'Alice', picture: 'https://x/a.png' } },
    ...world,
  });
  onTestFinished(() => daemon[Symbol.asyncDispose]());
  const upstream = await rawUpstream(({ socket }) => socket.write(OK));
  const proxy = await startProxy({ routes: [route(upstream, { names: ['example.test', 'www.test'] })] });
  if (settings !== null) {
    const tailnet = {
      socket: daemon.socket,
      addresses: ['127.0.0.1'],
      http: 'redirect',
      ...settings,
    } as const;
    proxy.publish((snapshot) => ({ ...snapshot, tailnet }));
  }
  const seen = () => [...upstream.received.matchAll(/^tailscale.*$/gim)].map(([line]) => line.trim()).sort();
  return { daemon, upstream, proxy, seen };
}

const ALICE = [
  'Tailscale-User-Login: alice@example.com',
  'Tailscale-User-Name: Alice',
  'Tailscale-User-Profile-Pic: https://x/a.png',
];

describe('a request over the tailnet', () => {
  it('tells the upstream who asks, whatever the client says', async () => {
    const { proxy, seen } = await setUp();
    const client = await connectTls(proxy.port, DEVICE);
    const response = await client.send(`GET / HTTP/1.1\r\nHost: example.test\r\n${SPOOFED}\r\n`).response();
    expect([response.status, seen()]).toEqual([200, ALICE]);
  });

  it('does so over HTTP/2, and with a body', async () => {
    const { proxy, upstream, seen } = await setUp();
    const session = await connectH2(proxy.port, DEVICE);
    const stream = session.request({
      ':method': 'POST',
      ':authority': 'example.test',
      'tailscale-user-login': 'root@evil',
    });
    stream.end('a body');
    expect((await h2Response(stream)).status).toBe(200);
    expect(seen()).toEqual(ALICE);
    expect(upstream.received).toContain('a body');
  });

  it('tells nothing of a device with tags', async () => {
    const devices = { '127.0.0.3': { login: 'tagged-devices', name: 'Tagged', tags: ['tag:ci'] } };
    const { proxy, seen } = await setUp({}, { devices });
    const client = await connectTls(proxy.port, DEVICE);
    await client.send(`GET / HTTP/1.1\r\nHost: example.test\r\n${SPOOFED}\r\n`).response();
    expect(seen()).toEqual([]);
  });

  it('goes on without the daemon', async () => {
    const { daemon, proxy, seen } = await setUp();
    await daemon.stop();
    const client = await connectTls(proxy.port, DEVICE);
    const response = await client.send(`GET / HTTP/1.1\r\nHost: example.test\r\n${SPOOFED}\r\n`).response();
    expect([response.status, seen()]).toEqual([200, []]);
    expect(proxy.counters.values().requestsWaited).toBe(0);
  });

  it('that its client gives up reaches no upstream', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { daemon, proxy, upstream } = await setUp({}, { beforeWhois: () => promise });
    const client = await connectTls(proxy.port, DEVICE);
    client.send('POST / HTTP/1.1\r\nHost: example.test\r\nContent-Length: 5\r\n\r\nab');
    await until(() => daemon.requests.length > 0);
    client.socket.destroy();
    await until(() => proxy.serving.connections === 0);
    resolve();
    await until(() => Object.keys(proxy.counters.values().responses).length > 0);
    expect(proxy.counters.values().responses).toEqual({ 'route="example.test",status="499"': 1 });
    expect(upstream.connections).toEqual([]);
  });
});

describe('a request that came another way', () => {
  it.each([
    ['there is no tailnet', null],
    ['the address is another one', { addresses: ['100.64.0.1'] }],
  ] as const)('tells nothing, and what the client says is dropped: %s', async (_case, settings) => {
    const { daemon, proxy, seen } = await setUp(settings);
    const client = await connectTls(proxy.port, DEVICE);
    const chunked = `Transfer-Encoding: chunked\r\nTrailer: Tailscale-User-Login\r\n`;
    await client
      .send(
        `POST / HTTP/1.1\r\nHost: example.test\r\n${SPOOFED}${chunked}\r\n0\r\nTailscale-User-Login: root@evil\r\n\r\n`,
      )
      .response();
    expect([seen(), daemon.requests]).toEqual([[], []]);
  });
});

describe('plain HTTP over the tailnet', () => {
  const ask = async (port: number, host = 'example.test') =>
    (await connectPlain(port, { localAddress: DEVICE.localAddress }))
      .send(`GET /a HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
      .response();

  it('is redirected, as everywhere', async () => {
    const { proxy, upstream } = await setUp();
    const response = await ask(proxy.plainPort);
    expect([response.status, response.field('location')]).toEqual([308, 'https://example.test/a']);
    expect(upstream.connections).toEqual([]);
  });

  it('is proxied where it is to be', async () => {
    const { proxy, upstream, seen } = await setUp({ http: 'serve' });
    expect((await ask(proxy.plainPort)).status).toBe(200);
    expect(seen()).toEqual(ALICE);
    expect(upstream.received).toContain('X-Forwarded-Proto: http\r\n');
  });

  it('stays plain when it is led to the primary name', async () => {
    const { proxy } = await setUp({ http: 'serve' });
    proxy.publish((snapshot) => {
      const [first] = snapshot.table.routes;
      const routes = first === undefined ? [] : [{ ...first, redirectToPrimary: true }];
      return { ...snapshot, table: new RoutingTable(routes) };
    });
    const response = await ask(proxy.plainPort, 'www.test:80');
    expect([response.status, response.field('location')]).toEqual([308, 'http://example.test/a']);
  });

  it('is not proxied for others', async () => {
    const { proxy } = await setUp({ http: 'serve', addresses: ['100.64.0.1'] });
    expect((await ask(proxy.plainPort)).status).toBe(308);
  });
});
