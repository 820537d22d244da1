import { readFileSync } from 'node:fs';
import { startDaemon } from '../../e2e/daemon.ts';
import { startUpstream } from '../../e2e/upstream.ts';
import { type Opening, withConnections } from './held-connections.ts';

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
export async function idleConnections(
  count: number,
  workers: number,
  protocol: 'http/1.1' | 'h2' = 'http/1.1',
): Promise<IdleMemory> {
  await using upstream = await startUpstream('idle');
  await using daemon = await startDaemon(`route example.test\nupstream ${upstream.address}`, {
    workers,
    global: `max-connections ${count * 2}\nmax-connections-per-address off`,
  });
  const pids = [daemon.child.pid ?? 0, ...(await daemon.status()).workers.map(({ pid }) => pid)];
  const opening: Opening = { port: daemon.ports.https, protocol };
  // What the first handshakes bring into memory is not the connections'.
  await withConnections(200, opening, async () => {});
  const before = residentBytes(pids);
  return await withConnections(count, opening, async () => {
    const after = residentBytes(pids);
    const connections = (await daemon.status()).workers.reduce((sum, worker) => sum + worker.connections, 0);
    const begun = performance.now();
    await withConnections(1, opening, async () => {});
    const requestMs = performance.now() - begun;
    return { before, after, perConnection: (after - before) / count, connections, requestMs };
  });
}

function residentBytes(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return sum + Number(kib) * 1024;
  }, 0);
}
