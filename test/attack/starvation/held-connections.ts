import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const PROGRAM = join(import.meta.dirname, 'programs/hold.ts');
/** Connections of one client process, and of one address. */
const PER_PROCESS = 5_000;

export interface Opening {
  readonly port: number;
  /** Default `example.test`. */
  readonly host?: string;
  /** Default `http/1.1`. */
  readonly protocol?: 'http/1.1' | 'h2';
  /** For the key exchange, in OpenSSL's words. Default: what Node offers, ML-KEM first. */
  readonly groups?: string;
}

/**
 * Opens `count` TLS connections, each of which asks something once and then every 20 s, and holds them in processes of
 * their own for as long as `use` takes.
 */
export async function withConnections<Result>(
  count: number,
  opening: Opening,
  use: () => Promise<Result>,
): Promise<Result> {
  const clients: ChildProcess[] = [];
  for (let left = count, at = 1; left > 0; left -= PER_PROCESS, at++) {
    clients.push(startClient(opening, Math.min(left, PER_PROCESS), `127.0.${at}.1`));
  }
  try {
    await Promise.all(clients.map(told));
    return await use();
  } finally {
    await Promise.all(clients.map(end));
  }
}

function startClient({ port, host, protocol, groups }: Opening, count: number, source: string): ChildProcess {
  const wishes = [host ?? 'example.test', protocol ?? 'http/1.1', ...(groups === undefined ? [] : [groups])];
  return spawn(process.execPath, ['--no-warnings', PROGRAM, String(port), String(count), source, ...wishes], {
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
