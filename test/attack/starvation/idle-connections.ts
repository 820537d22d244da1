import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Daemon, startDaemon } from '../../e2e/daemon.ts';
import { startUpstream } from '../../e2e/upstream.ts';

const PROGRAM = join(import.meta.dirname, 'programs/hold.ts');
/** Connections of one client process, and of one address. */
const PER_PROCESS = 5_000;

export interface IdleMemory {
  /** Resident memory of all processes of the daemon in bytes: before, and with the connections. */
  readonly before: number;
  readonly after: number;
  readonly perConnection: number;
  /** Connections as the daemon counts them. */
  readonly connections: number;
  /** What a request took then, in milliseconds. */
  readonly requestMs: number;
}

/** Opens `count` TLS connections to a daemon, which all stay, and says what they cost. */
export async function idleConnections(count: number, workers: number): Promise<IdleMemory> {
  await using upstream = await startUpstream('idle');
  await using daemon = await startDaemon(`route example.test\nupstream ${upstream.address}`, {
    workers,
    global: `max-connections ${count * 2}\nmax-connections-per-address off`,
  });
  const pids = [daemon.child.pid ?? 0, ...(await daemon.status()).workers.map(({ pid }) => pid)];
  // What the first handshakes bring into memory is not the connections'.
  await hold(daemon, 200, 0);
  const before = residentBytes(pids);
  const clients: ChildProcess[] = [];
  for (let left = count, at = 0; left > 0; left -= PER_PROCESS, at++) {
    clients.push(startClient(daemon, Math.min(left, PER_PROCESS), at));
  }
  try {
    await Promise.all(clients.map(told));
    const after = residentBytes(pids);
    const connections = (await daemon.status()).workers.reduce((sum, worker) => sum + worker.connections, 0);
    const begun = performance.now();
    await hold(daemon, 1, 99);
    const requestMs = performance.now() - begun;
    return { before, after, perConnection: (after - before) / count, connections, requestMs };
  } finally {
    await Promise.all(clients.map(end));
  }
}

async function hold(daemon: Daemon, count: number, at: number): Promise<void> {
  const client = startClient(daemon, count, at);
  await told(client);
  await end(client);
}

function startClient(daemon: Daemon, count: number, at: number): ChildProcess {
  const source = `127.0.${1 + at}.1`;
  return spawn(process.execPath, [PROGRAM, String(daemon.ports.https), String(count), source], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
}

async function told({ stdout }: ChildProcess): Promise<void> {
  if (stdout === null) throw new Error('no output');
  for await (const line of createInterface({ input: stdout })) {
    if (line === 'held') return;
    throw new Error(`connections are missing: ${line}`);
  }
  throw new Error('the client has ended');
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.stdin?.end();
  await exited;
}

function residentBytes(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return sum + Number(kib) * 1024;
  }, 0);
}
