import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { route, startProxy, until } from '../../proxy/fixture.ts';
import { connectPlain, connectTls, type RawClient } from '../../proxy/raw-client.ts';
import { rawUpstream } from '../../proxy/upstream-servers.ts';
import { heldBytes } from './memory.ts';

const MIB = 2 ** 20;

/** Sends one byte after the other for as long as the connection lasts. */
function drip(client: RawClient, text: string): void {
  let at = 0;
  const timer = setInterval(() => client.send(text[at++ % text.length] ?? ''), 20);
  onTestFinished(() => clearInterval(timer));
}

describe('a head that comes byte by byte', () => {
  it.each(['tls', 'plain'] as const)('has its time and no more, over %s: fifty at once', async (kind) => {
    const proxy = await startProxy({ routes: [], limits: { headTimeoutMs: 1_500 } });
    const attack = async () => {
      const client = await (kind === 'tls' ? connectTls(proxy.port) : connectPlain(proxy.plainPort));
      drip(client.send('GET / HTTP/1.1\r\nX: '), 'x');
      return (await client.response()).status;
    };
    expect(await Promise.all(Array.from({ length: 50 }, attack))).toEqual(Array(50).fill(408));
    await until(() => proxy.serving.connections === 0);
  });

  it('behind an answer has the same', async () => {
    const proxy = await startProxy({ routes: [], limits: { headTimeoutMs: 400, keepAliveMs: 60_000 } });
    const client = await connectPlain(proxy.plainPort);
    await client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n').response();
    drip(client, 'GET / HTTP/1.1\r\nHost: a\r\nX: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy');
    expect((await client.response()).status).toBe(408);
  });
});

it('a body that stops coming costs its request, and nobody else waits for it', async () => {
  const upstream = await rawUpstream(() => {});
  const proxy = await startProxy({ routes: [route(upstream)], limits: { bodyIdleMs: 400 } });
  const attack = async () => {
    const client = await connectTls(proxy.port);
    client.send('POST / HTTP/1.1\r\nHost: example.test\r\nContent-Length: 9\r\n\r\nx');
    return (await client.response()).status;
  };
  expect(await Promise.all(Array.from({ length: 50 }, attack))).toEqual(Array(50).fill(408));
  await until(() => proxy.serving.connections === 0);
  await until(() => upstream.connections.every(({ socket }) => socket.destroyed));
});

describe('clients that do not read', () => {
  it('twenty times a hundred MiB stay with the upstream, and the clients are cut', async () => {
    let written = 0;
    const block = Buffer.alloc(65_536, 1);
    const upstream = await rawUpstream(({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n');
      const write = () => {
        while (socket.writable && socket.write(block)) written += block.length;
        written += block.length;
      };
      socket.on('drain', write);
      write();
    });
    const proxy = await startProxy({ routes: [route(upstream)], limits: { bodyIdleMs: 1_000 } });
    const clients = await Promise.all(Array.from({ length: 20 }, () => connectTls(proxy.port)));
    const before = heldBytes();
    for (const client of clients) {
      client.socket.pause();
      client.send('GET / HTTP/1.1\r\nHost: example.test\r\n\r\n');
    }
    await until(() => upstream.connections.length === 20);
    await until(() => proxy.serving.connections === 0);
    // The kernel's buffers on both sides take a few MiB each.
    expect(written).toBeLessThan(20 * 24 * MIB);
    expect(heldBytes() - before).toBeLessThan(32 * MIB);
  }, 60_000);

  it('a WebSocket whose client does not read is cut as well, and so is one whose upstream does not', async () => {
    const flood = Buffer.alloc(65_536, 1);
    const SWITCHED = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n';
    const UPGRADE =
      'GET / HTTP/1.1\r\nHost: example.test\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n';
    const fill = (socket: {
      write(data: Buffer): boolean;
      writable: boolean;
      on(event: 'drain', go: () => void): unknown;
    }) => {
      const write = () => {
        while (socket.writable && socket.write(flood));
      };
      socket.on('drain', write);
      write();
    };
    let upstreamReads = true;
    const upstream = await rawUpstream(({ socket, received }) => {
      if (!received.endsWith('\r\n\r\n')) return;
      socket.write(SWITCHED);
      if (upstreamReads) fill(socket);
      else socket.pause();
    });
    const proxy = await startProxy({ routes: [route(upstream)], limits: { bodyIdleMs: 1_000 } });
    const silent = await connectTls(proxy.port);
    silent.socket.pause();
    silent.send(UPGRADE);
    await until(() => proxy.serving.connections === 1);
    await until(() => proxy.serving.connections === 0);
    upstreamReads = false;
    const loud = await connectTls(proxy.port);
    await loud.send(UPGRADE).readUntil('\r\n\r\n');
    fill(loud.socket);
    await until(() => proxy.serving.connections === 0);
  }, 60_000);

  it('an upstream that says hints without end fills no memory', async () => {
    let said = 0;
    const hint = `HTTP/1.1 103 Early Hints\r\nLink: <${'a'.repeat(1_000)}>\r\n\r\n`;
    const upstream = await rawUpstream(({ socket }) => {
      const write = () => {
        while (socket.writable && socket.write(hint)) said += hint.length;
      };
      socket.on('drain', write);
      write();
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    client.socket.pause();
    client.send('GET / HTTP/1.1\r\nHost: example.test\r\n\r\n');
    await until(() => upstream.connections[0]?.socket.destroyed === true);
    expect(said).toBeGreaterThan(0);
    expect(proxy.counters.values().upstreamErrors).toEqual({ 'route="example.test",kind="protocol"': 1 });
  });
});

describe('what is compressed', () => {
  const bomb = gzipSync(Buffer.alloc(64 * MIB), { level: 9 });

  it('goes down as it came: nothing is unpacked', async () => {
    const head = `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\n\r\n`;
    const upstream = await rawUpstream(({ socket }) =>
      socket.write(Buffer.concat([Buffer.from(head), bomb])),
    );
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    const { body, field } = await client.send('GET / HTTP/1.1\r\nHost: example.test\r\n\r\n').response();
    expect(field('content-encoding')).toBe('gzip');
    expect(Buffer.from(body, 'latin1').equals(bomb)).toBe(true);
  });

  it('goes up as it came', async () => {
    const upstream = await rawUpstream(() => {});
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    const lines = `Host: example.test\r\nContent-Encoding: gzip\r\nContent-Length: ${bomb.length}`;
    client.send(`POST / HTTP/1.1\r\n${lines}\r\n\r\n`).send(bomb);
    await until(() => upstream.received.length > bomb.length);
    await until(() => upstream.received.endsWith(bomb.toString('latin1')));
    expect(upstream.received).toContain('Content-Encoding: gzip\r\n');
  });
});
