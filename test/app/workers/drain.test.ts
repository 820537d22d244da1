import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import tls from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startPool } from './fixture.ts';

const SOON = { timeout: 10_000, interval: 20 };

describe('a drain', () => {
  it('finishes what runs, refuses what is new, and every worker ends with 0', async () => {
    const release = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<void>();
    const { pool, ask, named, listeners } = await startPool({
      upstream: (_request, response) => {
        arrived.resolve();
        response.write('first ');
        void release.promise.then(() => response.end('last'));
      },
    });
    const running = ask();
    await arrived.promise;
    for (const listener of listeners) listener.close();
    const drained = pool.drain({ requestsMs: 10_000, streamsMs: 10_000 });
    await expect.poll(() => named('worker.exited'), SOON).toHaveLength(1);
    await expect(ask()).rejects.toMatchObject({ code: expect.stringMatching(/^ECONN(REFUSED|RESET)$/) });
    release.resolve();
    expect(await running).toBe('first last');
    expect(await drained).toBe(0);
    expect(named('worker.exited').map(({ code, expected }) => ({ code, expected }))).toEqual([
      { code: 0, expected: true },
      { code: 0, expected: true },
    ]);
    await expect(ask()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(pool.metrics().responses).toEqual({ 'route="one.test",status="200"': 1 });
  });

  it('cuts what takes too long, and says how much', async () => {
    const arrived = Promise.withResolvers<void>();
    const { pool, ask, named } = await startPool({ workers: 1, upstream: () => arrived.resolve() });
    const running = ask().catch(({ code }: NodeJS.ErrnoException) => code);
    await arrived.promise;
    expect(await pool.drain({ requestsMs: 100, streamsMs: 100 })).toBe(1);
    expect(await running).toBe('ECONNRESET');
    expect(named('worker.exited')).toMatchObject([{ code: 0 }]);
  });

  it('closes idle connections soon', async () => {
    const { pool, port, plainPort } = await startPool({ workers: 1 });
    const idle = net.connect(plainPort, '127.0.0.1');
    const kept = tls.connect({ port, host: '127.0.0.1', servername: 'one.test', rejectUnauthorized: false });
    await Promise.all([once(idle, 'connect'), once(kept, 'secureConnect')]);
    for (const socket of [idle, kept]) {
      socket.write('GET / HTTP/1.1\r\nHost: one.test\r\n\r\n');
      await once(socket, 'data');
    }
    const closed = Promise.all([once(idle.resume(), 'close'), once(kept.resume(), 'close')]);
    expect(await pool.drain({ requestsMs: 60_000, streamsMs: 60_000 })).toBe(0);
    await closed;
  });

  it('lets a handshake that has begun become a request, and answers it', async () => {
    const { pool, port } = await startPool({ workers: 1 });
    const relay = await startRelay(port);
    const client = tls.connect({
      port: relay.port,
      host: '127.0.0.1',
      servername: 'one.test',
      rejectUnauthorized: false,
    });
    await relay.halfway;
    const drained = pool.drain({ requestsMs: 10_000, streamsMs: 10_000 });
    // Answers come in order: when this one is there the worker is draining.
    await pool.caughtUp(new AbortController().signal);
    relay.release();
    await once(client, 'secureConnect');
    client.write('GET / HTTP/1.1\r\nHost: one.test\r\n\r\n');
    const [data] = (await once(client, 'data')) as [Buffer];
    expect(data.toString()).toMatch(/^HTTP\/1\.1 200 /);
    expect(await drained).toBe(0);
  });

  it('that SIGTERM asks for ends the worker alone; it is replaced', async () => {
    const { pids, named, pool } = await startPool({ workers: 1 });
    process.kill(pids()[0] ?? 0, 'SIGTERM');
    await expect.poll(() => named('worker.exited'), SOON).toMatchObject([{ code: 0, retryInMs: 0 }]);
    await expect.poll(() => pool.ready, SOON).toBe(true);
  });

  it('is not what Ctrl-C or the end of a terminal mean to a worker', async () => {
    const { pids, ask, named } = await startPool({ workers: 1 });
    for (const signal of ['SIGINT', 'SIGHUP'] as const) process.kill(pids()[0] ?? 0, signal);
    expect(await ask()).toBe('ok');
    expect(named('worker.exited')).toEqual([]);
  });
});

/** Passes everything on to `port`, but only half of what a client says first before `release` is called. */
async function startRelay(port: number) {
  const halfway = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const server = net.createServer((client) => {
    const worker = net.connect(port, '127.0.0.1');
    for (const socket of [client, worker]) socket.on('error', () => {});
    worker.pipe(client);
    client.once('data', (first: Buffer) => {
      client.pause();
      const half = first.length >> 1;
      worker.write(first.subarray(0, half), () => halfway.resolve());
      void released.promise.then(() => {
        worker.write(first.subarray(half));
        client.pipe(worker);
      });
    });
  });
  server.listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    halfway: halfway.promise,
    release: () => released.resolve(),
  };
}
