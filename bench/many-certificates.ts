// How soon a daemon with many stored certificates takes connections, and how much memory it needs.
//
//   npm run build && node bench/many-certificates.ts [COUNT]        default 10000
//
// Fills a store with certificates of a local CA (some minutes), starts `rigil serve` with one worker and a route for
// each, and prints the time until the first handshake is done.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'node:tls';
import { toCertificate } from '../src/certs/facts.ts';
import { inParallel } from '../src/certs/in-parallel.ts';
import { lockKeyOf } from '../src/certs/ports.ts';
import { InternalCa } from '../src/internal-ca/internal-ca.ts';
import { systemClock } from '../src/platform/clock.ts';
import { systemRandom } from '../src/platform/random.ts';
import { FileStore } from '../src/store/file-store.ts';

const COUNT = Number(process.argv[2] ?? 10_000);
const folder = mkdtempSync(join(tmpdir(), 'rigil-many-'));
try {
  await fill(join(folder, 'store'));
  await measure();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function fill(directory: string): Promise<void> {
  const emit = () => {};
  const tools = { clock: systemClock, emit };
  const store = new FileStore({ directory, ...tools });
  const ca = new InternalCa({
    name: 'internal',
    keyType: 'p256',
    documents: store.documents,
    locks: store,
    random: systemRandom,
    ...tools,
  });
  const { signal } = new AbortController();
  await inParallel(
    Array.from({ length: COUNT }, (_, index) => nameOf(index)),
    16,
    async (id) => {
      const { chain, key } = await ca.issue({ id, names: [id], replaces: null }, signal);
      const origin = { id, issuer: 'internal', obtainedAt: systemClock.now(), source: 'rigil' };
      const lock = await store.lock(lockKeyOf(id), signal);
      await store.save(toCertificate(chain, key, origin), lock);
      await lock.release();
    },
  );
}

async function measure(): Promise<void> {
  const port = await freePort();
  const file = join(folder, 'rigil.conf');
  writeFileSync(
    file,
    [
      `global\n  https 127.0.0.1:${port}\n  http off\n  admin off\n  workers 1\n  store file ${join(folder, 'store')}\n`,
      ...Array.from({ length: COUNT }, (_, index) => `route ${nameOf(index)}\n  upstream 127.0.0.1:9\n`),
    ].join(''),
  );
  const startedAt = performance.now();
  const program = join(import.meta.dirname, '../bin/run.js');
  const daemon = spawn(process.execPath, [program, 'serve', '-c', file], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  try {
    const first = await handshake(port, nameOf(COUNT - 1), 60_000);
    const pids = [daemon.pid ?? 0, ...childrenOf(daemon.pid ?? 0)];
    const cpu = pids.map(cpuMs);
    console.log(`certificates                  ${COUNT}`);
    console.log(`start to first handshake      ${Math.round(first - startedAt)} ms`);
    console.log(`CPU time until then           ${cpu.join(' + ')} ms`);
    await delay(2_000);
    const megabytes = pids.map((pid) => Math.round(residentBytes(pid) / 1_048_576));
    console.log(
      `memory, all processes         ${megabytes.reduce((sum, each) => sum + each, 0)} MB (${megabytes.join(' + ')})`,
    );
  } finally {
    daemon.kill('SIGTERM');
    await new Promise((done) => daemon.once('exit', done));
  }
}

function nameOf(index: number): string {
  return `host-${index}.many.test`;
}

/** Tries until a handshake succeeds and returns the moment. */
async function handshake(port: number, servername: string, timeoutMs: number): Promise<number> {
  for (const end = performance.now() + timeoutMs; performance.now() < end; ) {
    const done = await new Promise<boolean>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port, servername, rejectUnauthorized: false }, () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', () => resolve(false));
    });
    if (done) return performance.now();
    await delay(10);
  }
  throw new Error(`no handshake within ${timeoutMs} ms`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((entry) => {
      try {
        return Number(readFileSync(`/proc/${entry}/stat`, 'utf8').split(') ')[1]?.split(' ')[1]) === pid;
      } catch {
        return false;
      }
    })
    .map(Number);
}

function residentBytes(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * 4096;
}

/** In all threads, user and system, in milliseconds. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
