import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** Which process this is, and whether another one can know if it lives. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly host: string;
  /** Differs after every start of the machine; null where the system does not tell. */
  readonly boot: string | null;
  /** Containers have their own numbering of processes; null where the system has none. */
  readonly pidNamespace: string | null;
}

export function thisProcess(): ProcessIdentity {
  me ??= {
    pid: process.pid,
    host: hostname(),
    boot: textOrNull(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    pidNamespace: textOrNull(() => readlinkSync('/proc/self/ns/pid')),
  };
  return me;
}

let me: ProcessIdentity | null = null;

/**
 * Whether the process that `other` names is known to be gone. False when that cannot be known: it may live on another
 * machine or in another container.
 */
export function isGone(other: ProcessIdentity, me: ProcessIdentity): boolean {
  if (other.host !== me.host) return false;
  if (other.boot !== null && me.boot !== null && other.boot !== me.boot) return true;
  return other.pidNamespace === me.pidNamespace && !isAlive(other.pid);
}

/** Whether both count processes alike, so that a number means the same process to them. */
export function sharesProcesses(other: ProcessIdentity, me: ProcessIdentity): boolean {
  return other.host === me.host && other.boot === me.boot && other.pidNamespace === me.pidNamespace;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, and belongs to somebody else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function textOrNull(read: () => string): string | null {
  try {
    return read();
  } catch {
    return null;
  }
}
