// How soon a daemon whose certificates are in Redis takes connections, how much memory both need, and what Redis is asked.
//
//   npm run build && node bench/many-in-redis.ts [COUNT]        default 10000
//
// Starts a redis-server, fills it with certificates that are as good as any until somebody checks a signature, starts
// `rigil serve` with one worker and a route for each (first with an empty copy, then with a full one, then without Redis),
// and prints the time until the first handshake is done.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'node:tls';
import { toCertificate } from '../src/certs/facts.ts';
import { inParallel } from '../src/certs/in-parallel.ts';
import { lockKeyOf } from '../src/certs/ports.ts';
import { quickCertificate } from '../test/certs/quick-certificate.ts';
import { freePorts } from '../test/e2e/daemon.ts';
import { startRedis } from '../test/redis.ts';
import { openRedisStore } from '../test/store/redis/open.ts';

const COUNT = Number(process.argv[2] ?? 10_000);
const DAY = 86_400_000;
const folder = mkdtempSync(join(tmpdir(), 'rigil-many-'));
const redis = await startRedis(['--appendonly', 'yes']);
try {
  await fill();
  console.log(`certificates                  ${COUNT}`);
  console.log(`memory of Redis               ${(await info('used_memory_human')) ?? '?'}`);
  await measure('with an empty copy');
  await measure('with a full copy');
  await redis.kill();
  await measure('without Redis');
} finally {
  await redis.close();
  rmSync(folder, { recursive: true, force: true });
}

async function fill(): Promise<void> {
  const store = openRedisStore({ port: redis.port });
  const { signal } = new AbortController();
  const startedAt = performance.now();
  await inParallel(
    Array.from({ length: COUNT }, (_, index) => nameOf(index)),
    64,
    async (id) => {
      const now = Date.now();
      const { chain, key } = quickCertificate([id], now - DAY, now + 6 * DAY);
      const origin = { id, issuer: 'internal', obtainedAt: now, source: 'rigil' };
      const lock = await store.lock(lockKeyOf(id), signal);
      await store.save(toCertificate(chain, key, origin), lock);
      await lock.release();
    },
  );
  await store.close();
  console.log(`a save with its lock          ${((performance.now() - startedAt) / COUNT).toFixed(2)} ms`);
}

async function measure(title: string): Promise<void> {
  const [https = 0] = await freePorts(1);
  const file = join(folder, 'rigil.conf');
  writeFileSync(
    file,
    [
      `global\n  https 127.0.0.1:${https}\n  http off\n  admin off\n  workers 1\n  store redis ${redis.url}\n`,
      ...Array.from({ length: COUNT }, (_, index) => `route ${nameOf(index)}\n  upstream 127.0.0.1:9\n`),
    ].join(''),
  );
  const before = await commands();
  const startedAt = performance.now();
  const daemon = spawn(process.execPath, [join(import.meta.dirname, '../bin/run.js'), 'serve', '-c', file], {
    env: { ...process.env, CACHE_DIRECTORY: join(folder, 'cache'), STATE_DIRECTORY: folder },
    stdio: ['ignore', 'ignore', 'ignore'],
  });
  try {
    await handshake(https, nameOf(COUNT - 1), 120_000);
    console.log(`\n${title}`);
    console.log(`  start to first handshake    ${Math.round(performance.now() - startedAt)} ms`);
    console.log(`  CPU time until then         ${cpuMs(daemon.pid ?? 0)} ms`);
    const asked = await commands();
    await delay(8_000);
    console.log(`  memory of the control process ${residentMb(daemon.pid ?? 0)} MB`);
    if (asked !== null && before !== null) {
      const parts = [...asked].map(([name, calls]) => [name, calls - (before.get(name) ?? 0)] as const);
      console.log(
        `  asked of Redis              ${parts
          .filter(([, calls]) => calls > 0)
          .map(([name, calls]) => `${calls} ${name}`)
          .join(', ')}`,
      );
    }
  } finally {
    daemon.kill('SIGTERM');
    await new Promise((resolve) => daemon.once('exit', resolve));
  }
}

/** How often each command was called, those of scripts too; null while Redis is away. */
async function commands(): Promise<ReadonlyMap<string, number> | null> {
  const text = await redis.client.info('commandstats').catch(() => null);
  if (text === null) return null;
  return new Map(
    [...text.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)].map(([, name = '', calls]) => [name, Number(calls)]),
  );
}

async function info(field: string): Promise<string | undefined> {
  return new RegExp(`^${field}:(.*?)\\r?$`, 'm').exec(await redis.client.info())?.[1];
}

async function handshake(port: number, servername: string, patienceMs: number): Promise<void> {
  for (const end = performance.now() + patienceMs; performance.now() < end; await delay(20)) {
    const done = await new Promise<boolean>((resolve) => {
      const socket = connect({ port, host: '127.0.0.1', servername, rejectUnauthorized: false }, () => {
        resolve(true);
        socket.destroy();
      });
      socket.once('error', () => resolve(false));
    });
    if (done) return;
  }
  throw new Error('no handshake in time');
}

function nameOf(index: number): string {
  return `host-${index}.localhost`;
}

function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function residentMb(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Math.round(Number(kilobytes) / 1024);
}
