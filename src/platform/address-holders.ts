import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** A process that has a socket open. */
export interface Holder {
  readonly pid: number;
  /** As `ps` shows it. */
  readonly title: string;
}

/** State of a listening socket in /proc/net/tcp. */
const LISTENING = '0A';

/**
 * Who listens on an address, as far as this user may know; empty where there is no /proc. For error messages: it reads
 * the file descriptors of all processes.
 *
 * @param address `host:port` or `unix:PATH`
 */
export function holdersOf(address: string): Holder[] {
  const inodes = address.startsWith('unix:')
    ? unixInodes(address.slice('unix:'.length))
    : portInodes(Number(address.split(':').at(-1)));
  if (inodes.size === 0) return [];
  return list('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => list(`/proc/${pid}/fd`).some((fd) => inodes.has(link(`/proc/${pid}/fd/${fd}`))))
    .map((pid) => ({ pid: Number(pid), title: titleOf(pid) }));
}

function portInodes(port: number): Set<string> {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const lines = [...read('/proc/net/tcp').split('\n'), ...read('/proc/net/tcp6').split('\n')];
  return socketLinks(
    lines
      .map((line) => line.trim().split(/\s+/))
      .filter(([, local = '', , state]) => state === LISTENING && local.endsWith(`:${hex}`))
      .map((columns) => columns[9]),
  );
}

function unixInodes(path: string): Set<string> {
  const lines = read('/proc/net/unix').split('\n');
  const isAt = (name: string) =>
    name === path || (name.startsWith(`${path}.`) && /^\.[0-9a-z]+$/.test(name.slice(path.length)));
  return socketLinks(
    lines
      .map((line) => line.split(/\s+/))
      // The system knows a socket by the name that it was made with: see `bind`.
      .filter(([, , , , , , , name = '']) => isAt(name))
      .map((columns) => columns[6]),
  );
}

function socketLinks(inodes: readonly (string | undefined)[]): Set<string> {
  return new Set(inodes.filter((inode) => inode !== undefined).map((inode) => `socket:[${inode}]`));
}

function titleOf(pid: string): string {
  return read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim().slice(0, 80);
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function link(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return '';
  }
}
