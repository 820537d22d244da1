import { once } from 'node:events';
import type http from 'node:http';
import { describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import type { Upstream } from '../../src/routing/route.ts';
import { route, startProxy, until } from './fixture.ts';
import { connectTls } from './raw-client.ts';
import { answering, httpUpstream, rawUpstream } from './upstream-servers.ts';

const UPGRADE = 'GET /chat HTTP/1.1\r\nHost: example.test\r\nConnection: Upgrade\r\nUpgrade: x-echo\r\n\r\n';
const SWITCHED =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x-echo\r\nX-Own: 1\r\n\r\n';

/** Switches, then sends back whatever comes. */
async function echo(): Promise<Upstream> {
  const server = await httpUpstream((_, response) => response.writeHead(426).end('upgrade, please'));
  server.server.on('upgrade', (_request, socket) => {
    socket.on('error', () => {});
    socket.write(SWITCHED);
    socket.pipe(socket);
  });
  return server;
}

describe('WebSockets', () => {
  it('carry messages both ways', async () => {
    const server = await httpUpstream(() => {});
    const sockets = new WebSocketServer({ server: server.server });
    sockets.on('connection', (socket, request) => {
      socket.on('message', (data, binary) => socket.send(data, { binary }));
      socket.send(`hello ${request.headers.host} ${request.headers['x-forwarded-proto']}`);
    });
    const proxy = await startProxy({ routes: [route(server)] });
    const socket = new WebSocket(`wss://127.0.0.1:${proxy.port}/`, {
      rejectUnauthorized: false,
      headers: { host: 'example.test' },
    });
    const [hello] = await once(socket, 'message');
    expect(String(hello)).toBe('hello example.test https');
    const large = Buffer.alloc(3_000_000, 7);
    socket.send(large);
    const [back] = await once(socket, 'message');
    expect(large.equals(back)).toBe(true);
    socket.close(4000, 'bye');
    const [code] = await once(socket, 'close');
    expect(code).toBe(4000);
    await until(() => proxy.serving.connections === 0);
    expect(proxy.counters.values().responses).toEqual({ 'route="example.test",status="101"': 1 });
  });
});

describe('an upgrade', () => {
  it('to any protocol becomes a tunnel, with the header rules on its response', async () => {
    const headerRules = [{ action: 'add', name: 'X-Rule', value: 'yes' }] as const;
    const proxy = await startProxy({ routes: [route(await echo(), { headerRules })] });
    const client = await connectTls(proxy.port);
    const response = await client.send(UPGRADE).response();
    expect(response.status).toBe(101);
    expect(response.field('connection')).toBe('Upgrade');
    expect(response.field('upgrade')).toBe('x-echo');
    expect(response.field('x-own')).toBe('1');
    expect(response.field('x-rule')).toBe('yes');
    expect(await client.send('\0\xff bytes').read(8)).toBe('\0\xff bytes');
  });

  it('carries the bytes that either side sends too early', async () => {
    const upstream = await rawUpstream(({ socket, received }) => {
      if (received.endsWith('\r\n\r\n')) socket.write(`${SWITCHED}early from upstream`);
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    client.send(`${UPGRADE}early from client`);
    expect((await client.response()).status).toBe(101);
    expect(await client.read(19)).toBe('early from upstream');
    await until(() => upstream.received.endsWith('early from client'));
  });

  it('ends one way at a time', async () => {
    const upstream = await rawUpstream(
      ({ socket, received }, more) => {
        if (received.endsWith('\r\n\r\n')) socket.write(SWITCHED);
        else if (more === 'question') socket.once('end', () => socket.end('answer after the end'));
      },
      { allowHalfOpen: true },
    );
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port, { allowHalfOpen: true } as object);
    expect((await client.send(UPGRADE).response()).status).toBe(101);
    client.send('question');
    await until(() => upstream.received.endsWith('question'));
    client.socket.end();
    expect(await client.readToEnd()).toBe('answer after the end');
    await until(() => proxy.serving.connections === 0);
  });

  it('ends the other way first, too', async () => {
    const upstream = await rawUpstream(
      ({ socket, received }) => {
        if (received.endsWith('\r\n\r\n')) socket.end(`${SWITCHED}bye`);
      },
      { allowHalfOpen: true },
    );
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port, { allowHalfOpen: true } as object);
    expect((await client.send(UPGRADE).response()).status).toBe(101);
    expect(await client.readToEnd()).toBe('bye');
    client.socket.end('still here');
    await until(() => upstream.received.endsWith('still here'));
    upstream.connections[0]?.socket.end();
    await until(() => proxy.serving.connections === 0);
  });

  it.each(['client', 'upstream'])('ends altogether when the %s breaks', async (side) => {
    const upstream = await rawUpstream(({ socket, received }) => {
      if (received.endsWith('\r\n\r\n')) socket.write(SWITCHED);
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    expect((await client.send(UPGRADE).response()).status).toBe(101);
    if (side === 'client') client.socket.destroy();
    else upstream.connections[0]?.socket.resetAndDestroy();
    await until(() => client.closed || client.socket.destroyed);
    await until(() => upstream.connections[0]?.socket.destroyed === true);
    await until(() => proxy.serving.connections === 0);
  });

  it('that the upstream refuses gets its response', async () => {
    const upstream = await httpUpstream((_, response) =>
      response.writeHead(403, { 'x-why': 'no' }).end('refused'),
    );
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    const response = await client.send(`${UPGRADE}ignored`).response();
    expect([response.status, response.body, response.field('x-why')]).toEqual([403, 'refused', 'no']);
    expect(response.field('connection')).toBe('close');
    expect(await client.readToEnd()).toBe('');
  });

  it('to another protocol than the client asked for is a bad gateway', async () => {
    const upstream = await rawUpstream(answering(SWITCHED.replace('x-echo', 'x-other')));
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    expect((await client.send(UPGRADE).response()).status).toBe(502);
    await until(() => upstream.connections[0]?.socket.destroyed === true);
  });

  it('to h2c is not passed on', async () => {
    const upstream = await rawUpstream(answering('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    const request =
      'GET / HTTP/1.1\r\nHost: example.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n' +
      'HTTP2-Settings: AAMAAABk\r\n\r\n';
    expect((await client.send(request).response()).body).toBe('ok');
    expect(upstream.received.toLowerCase()).not.toMatch(/h2c|http2-settings|upgrade/);
  });

  it('asks the upstream in the client’s spelling, without what is not passed on', async () => {
    const upstream = await rawUpstream(answering(SWITCHED));
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    await client.send(UPGRADE.replace('x-echo', 'X-Echo, h2c, TLS/1.0')).response();
    expect(upstream.received).toContain('\r\nUpgrade: X-Echo, TLS/1.0\r\n');
    expect(upstream.received).toContain('\r\nConnection: Upgrade\r\n');
  });

  it('with a body is an ordinary request', async () => {
    const upstream = await rawUpstream(({ socket, received }) => {
      if (received.endsWith('abc')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    const request = UPGRADE.replace('\r\n\r\n', '\r\nContent-Length: 3\r\n\r\nabc');
    expect((await client.send(request).response()).body).toBe('ok');
    expect(upstream.received).not.toContain('x-echo');
  });

  it('behind a request that is not answered yet is refused', async () => {
    const upstream = await rawUpstream(() => {});
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    client.send(`GET /slow HTTP/1.1\r\nHost: example.test\r\n\r\n${UPGRADE}`);
    await until(() => upstream.received.endsWith('\r\n\r\n'));
    upstream.connections[0]?.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    expect((await client.response()).body).toBe('ok');
    expect((await client.response()).status).toBe(400);
    expect(await client.readToEnd()).toBe('');
    expect(upstream.received).not.toContain('x-echo');
  });

  it('stops a sender that the other side does not keep up with', async () => {
    let sent = 0;
    const upstream = await httpUpstream(() => {});
    upstream.server.on('upgrade', (_request: http.IncomingMessage, socket) => {
      socket.on('error', () => {});
      socket.write(SWITCHED);
      const chunk = Buffer.alloc(65_536);
      const more = () => {
        while (sent < 200_000_000) {
          sent += chunk.length;
          if (!socket.write(chunk)) {
            socket.once('drain', more);
            return;
          }
        }
      };
      more();
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    client.send(UPGRADE);
    client.socket.pause();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(sent).toBeLessThan(50_000_000);
  });
});
