import { totalmem } from 'node:os';
import type { GlobalConfig } from '../config/config.ts';
import type { ConnectionCaps } from '../snapshot/snapshot.ts';

/** What there is for connections on this machine. */
export interface Means {
  /** Descriptors that one process may have open. */
  readonly descriptors: number;
  /** In bytes, of the machine or the container. */
  readonly memory: number;
}

/** Descriptors of a worker that are not for connections: listeners, the channel, the access log, and some to spare. */
const RESERVED_DESCRIPTORS = 256;
/** What a connection takes, with what is under way on it, in bytes. Measured: 35 KiB when it is idle. */
const CONNECTION_BYTES = 65_536;
/** The part of the memory that connections may take when nobody says how many there may be. */
const MEMORY_PART = 0.25;
const FEWEST = 16;

/**
 * How many connections each of `workers` may have. A connection that is served has another one to an upstream: two
 * descriptors, of which the system gives a process so many and no more. Whatever is written, a worker must not run out of them.
 */
export function connectionCaps(
  { maxConnections, maxConnectionsPerAddress }: GlobalConfig,
  workers: number,
  { descriptors, memory }: Means,
): ConnectionCaps {
  const possible = Math.floor((descriptors - RESERVED_DESCRIPTORS) / 2);
  const wanted =
    maxConnections === 'auto'
      ? (memory * MEMORY_PART) / CONNECTION_BYTES / workers
      : maxConnections / workers;
  const least = maxConnections === 'auto' ? FEWEST : 1;
  const most = Math.max(least, Math.min(possible, Math.ceil(wanted)));
  if (maxConnectionsPerAddress === 'off') return { most, mostPerAddress: Number.MAX_SAFE_INTEGER };
  const half = Math.max(1, Math.floor(most / 2));
  return { most, mostPerAddress: maxConnectionsPerAddress === 'auto' ? half : maxConnectionsPerAddress };
}

/** Of this process; its workers have the same. */
export function meansOfMachine(): Means {
  const limited = process.constrainedMemory();
  // Without a limit this is 0, or more than there is.
  const memory = limited > 0 ? Math.min(limited, totalmem()) : totalmem();
  return { descriptors: openFilesLimit(), memory };
}

/** Node itself has raised the soft limit to the hard one. */
function openFilesLimit(): number {
  const report: Report = process.report;
  // It would look up names.
  report.excludeNetwork = true;
  const { userLimits } = report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } };
  const soft = userLimits?.open_files?.soft;
  return typeof soft === 'number' ? soft : UNLIMITED;
}

/** Of which the types know only a part. */
interface Report {
  excludeNetwork?: boolean;
  getReport(): unknown;
}

const UNLIMITED = 1_048_576;
