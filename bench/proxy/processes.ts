import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import net, { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import tls from 'node:tls';

const TICKS_PER_SECOND = 100;

/** Where everything lies that this run needs. */
export const folder = await mkdtemp(path.join(os.tmpdir(), 'rigil-bench-'));
const children: ChildProcess[] = [];

/** Ends what was started and removes {@link folder}. */
export async function cleanUp(): Promise<void> {
  for (const child of children) child.kill('SIGTERM');
  await Promise.all(children.map((child) => gone(child)));
  await rm(folder, { recursive: true, force: true });
}

/** Ends one of them. */
export async function stop({ pid }: Started): Promise<void> {
  const child = children.find((one) => one.pid === pid);
  if (child === undefined) return;
  child.kill('SIGTERM');
  await gone(child);
}

export interface Started {
  readonly port: number;
  readonly pid: number;
}

/** Starts a server on one processor and waits until it accepts. */
export async function run(
  name: string,
  cpu: number,
  program: string,
  args: readonly string[],
  port: number,
  secure: boolean,
): Promise<Started> {
  const child = spawn('taskset', ['-c', String(cpu), program, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, GOMAXPROCS: '1', HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder },
  });
  children.push(child);
  let said = '';
  child.stderr?.on('data', (text) => {
    said += text;
  });
  for (const end = Date.now() + 30_000; Date.now() < end; await delay(50)) {
    if (child.exitCode !== null) break;
    if (await (secure ? shakesHands(port) : accepts(port))) {
      return { port, pid: child.pid ?? 0 };
    }
  }
  throw new Error(`${name} does not run:\n${said}`);
}

function accepts(port: number): Promise<boolean> {
  return opens(net.connect(port, '127.0.0.1'), 'connect');
}

function shakesHands(port: number): Promise<boolean> {
  const options = { port, host: '127.0.0.1', servername: 'localhost', rejectUnauthorized: false };
  return opens(tls.connect(options), 'secureConnect');
}

function opens(socket: net.Socket, event: 'connect' | 'secureConnect'): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (open: boolean) => {
      resolve(open);
      socket.destroy();
    };
    socket.on(event, () => settle(true));
    socket.on('error', () => settle(false));
    socket.setTimeout(1_000, () => settle(false));
  });
}

/** Of a process and all below it. */
export async function cpuSeconds(pid: number): Promise<number> {
  const all = [...(await family(pid)).values()];
  return all.reduce((sum, stat) => sum + Number(stat[11]) + Number(stat[12]), 0) / TICKS_PER_SECOND;
}

/** Resident memory of a process and all below it; what they share counts once. */
export async function residentBytes(pid: number): Promise<number> {
  const all = await Promise.all([...(await family(pid)).keys()].map(proportionalBytes));
  return all.reduce((sum, bytes) => sum + bytes, 0);
}

async function proportionalBytes(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'latin1').catch(() => '');
  return Number(/^Pss:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) * 1024;
}

/** A process and all below it, each with the fields of /proc/<pid>/stat from the third on. */
async function family(pid: number): Promise<Map<number, string[]>> {
  const stats = new Map<number, string[]>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const text = await readFile(`/proc/${name}/stat`, 'latin1').catch(() => null);
    if (text !== null) stats.set(Number(name), text.slice(text.lastIndexOf(')') + 2).split(' '));
  }
  const found = new Map<number, string[]>();
  const pids = [pid];
  for (const one of pids) {
    const stat = stats.get(one);
    if (stat !== undefined) found.set(one, stat);
    for (const [child, fields] of stats) if (Number(fields[1]) === one) pids.push(child);
  }
  return found;
}

export async function output(program: string, args: readonly string[]): Promise<string> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (more) => {
    text += more;
  });
  await gone(child);
  return text;
}

function gone(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once('close', () => resolve()));
}

export async function file(name: string, text: string): Promise<string> {
  const full = path.join(folder, name);
  await writeFile(full, text, { mode: 0o600 });
  return full;
}

export async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
