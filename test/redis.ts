import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { peer } from './peers.ts';

/** A redis-server of a test, with a folder of its own, on loopback. */
export interface RedisUnderTest extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly folder: string;
  readonly child: ChildProcess;
  /** A client for looking into it. */
  readonly client: Redis;
  /** Ends it as a crash would, and waits for it. */
  kill(): Promise<void>;
  /** Starts it again with what its disk has; `more` are further options. */
  start(more?: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

/** Starts a server; `args` are options as in redis.conf: `['--appendonly', 'yes']`. */
export async function startRedis(args: readonly string[] = []): Promise<RedisUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), 'rigil-redis-'));
  const port = await freePort();
  let child: ChildProcess;
  const start = async (more: readonly string[] = []): Promise<void> => {
    child = spawn(
      peer('redis-server'),
      ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', ...args, ...more],
      { stdio: 'ignore' },
    );
    await answering(port, child);
  };
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  };
  await start();
  const password = args[args.indexOf('--requirepass') + 1];
  const client = new Redis({
    port,
    host: '127.0.0.1',
    lazyConnect: true,
    ...(args.includes('--requirepass') && password !== undefined ? { password } : {}),
  });
  client.on('error', () => {});
  const close = async (): Promise<void> => {
    client.disconnect();
    await kill();
    await rm(folder, { recursive: true, force: true });
  };
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    folder,
    get child() {
      return child;
    },
    client,
    kill,
    start,
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function answering(port: number, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 400; tries += 1) {
    if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode}`);
    const answer = await ping(port);
    // Whoever wants a password or reads its disk is there, too.
    if (/^(\+PONG|-NOAUTH|-LOADING)/.test(answer)) return;
    await delay(25);
  }
  throw new Error('redis-server does not answer');
}

function ping(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' }, () => socket.write('PING\r\n'));
    socket.setTimeout(1_000, () => socket.destroy());
    socket.once('data', (data) => {
      resolve(data.toString());
      socket.destroy();
    });
    socket.once('error', () => resolve(''));
    socket.once('close', () => resolve(''));
  });
}

/** A port on 127.0.0.1 that nobody has now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
