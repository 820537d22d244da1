import { readFileSync } from 'node:fs';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Daemon, eventually, startDaemon } from './daemon.ts';
import { startUpstream, type Upstream } from './upstream.ts';

describe('the workers', () => {
  let daemon: Daemon;
  let upstream: Upstream;

  beforeAll(async () => {
    upstream = await startUpstream('upstream');
    daemon = await startDaemon(`route one.localhost\n  upstream ${upstream.address}\n`);
  });
  afterAll(async () => {
    await daemon?.[Symbol.asyncDispose]();
    await upstream?.[Symbol.asyncDispose]();
  });

  it('are replaced when one is killed, and the others answer meanwhile', async () => {
    const [victim] = (await daemon.status()).workers;
    expect(victim).toBeDefined();
    process.kill(victim?.pid ?? -1, 'SIGKILL');

    // New connections only: one that was inside the killed process is lost with it.
    for (let round = 0; round < 50; round += 1) expect(await ask()).toContain('200 OK');

    const exited = await daemon.event('worker.exited');
    expect(exited).toMatchObject({ pid: victim?.pid, signal: 'SIGKILL', expected: false });
    const workers = await eventually('a new worker', async () => {
      const { workers } = await daemon.status();
      return workers.length === 2 && workers.every((worker) => worker.pid !== victim?.pid)
        ? workers
        : undefined;
    });
    expect(workers).toHaveLength(2);
    expect(await ask()).toContain('200 OK');
  });

  it('keep the port when all of them are killed at once', async () => {
    const { workers } = await daemon.status();
    for (const worker of workers) process.kill(worker.pid, 'SIGKILL');
    // Waits in the accept queue of the socket that the control process holds, then is answered by a new worker.
    expect(await ask()).toContain('200 OK');
  });

  it('finish what runs on SIGTERM, and the daemon ends with 0', async () => {
    await using slow = await startUpstream('slow', (_request, response) => {
      response.write('first ');
      setTimeout(() => response.end('last'), 500);
    });
    await using draining = await startDaemon(`route one.localhost\n  upstream ${slow.address}\n`);
    const running = ask(draining, 'first');
    await running.first;
    const code = draining.stop();
    expect(await running).toContain('last');
    expect(await code).toBe(0);
    expect(draining.events().map((line) => line.event)).toEqual(
      expect.arrayContaining(['drain.started', 'drain.finished', 'daemon.stopped']),
    );
    await expect(ask(draining)).rejects.toThrow(/ECONNREFUSED/);
  });

  /** One request over a new connection; `first` resolves when `mark` has arrived. */
  function ask(from: Daemon = daemon, mark = ''): Promise<string> & { first: Promise<void> } {
    const options: ConnectionOptions = {
      host: '127.0.0.1',
      port: from.ports.https,
      servername: 'one.localhost',
      ca: readFileSync(from.root),
    };
    const arrived = Promise.withResolvers<void>();
    const answer = new Promise<string>((done, failed) => {
      const socket = connectTls(options, () => {
        socket.write('GET / HTTP/1.1\r\nHost: one.localhost\r\nConnection: close\r\n\r\n');
      });
      let text = '';
      socket.on('data', (data) => {
        text += data;
        if (text.includes(mark)) arrived.resolve();
      });
      socket.on('end', () => done(text));
      socket.on('error', failed);
    });
    return Object.assign(answer, { first: arrived.promise });
  }
});
