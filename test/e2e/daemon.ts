import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** The built program, as a user starts it. */
export const RIGIL = resolve(import.meta.dirname, '../../bin/run.js');

/** A running `rigil serve` with a folder, a store and ports of its own. */
export interface Daemon extends AsyncDisposable {
  readonly folder: string;
  readonly store: string;
  readonly configFile: string;
  readonly ports: Ports;
  readonly child: ChildProcess;
  /** The log so far, one object an event. */
  events(): LogLine[];
  /** Everything on stderr that is not a log line. */
  notes(): string;
  /** Resolves with the first event of this name that satisfies `test`, old or new. */
  event(name: string, test?: (line: LogLine) => boolean): Promise<LogLine>;
  status(): Promise<Status>;
  metrics(): Promise<string>;
  /** Writes a configuration: the `global` section with this daemon's ports, then `text`. */
  configure(text: string): void;
  /** Sends SIGHUP and waits until the reload is done, either way. */
  reload(): Promise<LogLine>;
  /** PEM file of the local CA's root. */
  readonly root: string;
  /** Ends it with SIGTERM and resolves with the exit code (null when a signal ended it). */
  stop(): Promise<number | null>;
}

export interface Ports {
  readonly https: number;
  readonly http: number;
  readonly admin: number;
}

export interface LogLine {
  readonly time: string;
  readonly level: string;
  readonly event: string;
  readonly [field: string]: unknown;
}

export interface Status {
  readonly version: string;
  readonly config: { readonly generation: number; readonly lastError: unknown };
  readonly workers: readonly { readonly id: number; readonly pid: number; readonly connections: number }[];
  readonly routes: readonly unknown[];
  readonly certificates: readonly { readonly id: string; readonly status: string; readonly issuer: string }[];
  readonly work: readonly { readonly id: string; readonly action: string }[];
}

/** Starts the daemon with a configuration and waits until it is healthy (or only ready, with `healthy: false`). */
export async function startDaemon(
  text: string,
  options: {
    global?: string;
    env?: NodeJS.ProcessEnv;
    healthy?: boolean;
    workers?: number;
    /** Longest wait until it is ready, in milliseconds. Default 20 000. */
    patienceMs?: number;
    /** Starts it beside this one: same folder, store, configuration and ports. */
    beside?: Daemon;
    /** Further arguments of `rigil serve`. */
    args?: readonly string[];
    /** A program that becomes the daemon, with its arguments: `prlimit --nofile=100`. */
    prefix?: readonly string[];
    /** What stands behind `store`. Default: a folder of its own. */
    storeLine?: string;
    /** Port of the plain listener. Default: a free one. */
    http?: number;
    /** Puts into the store what is to be there at the start. */
    prepare?: (store: string) => Promise<void>;
  } = {},
): Promise<Daemon> {
  const { beside } = options;
  const folder = beside?.folder ?? mkdtempSync(join(tmpdir(), 'rigil-e2e-'));
  const [https = 0, free = 0, admin = 0] = beside === undefined ? await freePorts(3) : portsOf(beside);
  const http = options.http ?? free;
  const configFile = join(folder, 'rigil.conf');
  const store = join(folder, 'store');
  const configure = (routes: string) =>
    writeFileSync(
      configFile,
      `global
  https 127.0.0.1:${https}
  http 127.0.0.1:${http}
  admin 127.0.0.1:${admin}
  store ${options.storeLine ?? `file ${store}`}
  workers ${options.workers ?? 2}
  log debug json
${options.global ?? ''}
${routes}`,
    );
  if (beside === undefined) configure(text);
  await options.prepare?.(store);

  const command = [process.execPath, RIGIL, 'serve', '-c', configFile, ...(options.args ?? [])];
  const [program = '', ...args] = [...(options.prefix ?? []), ...command];
  const child = spawn(program, args, {
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stderr?.on('data', (data) => {
    output += data;
  });
  child.stdout?.on('data', (data) => {
    output += data;
  });
  const exited = new Promise<number | null>((done) => child.once('exit', (code) => done(code)));

  const lines: LogLine[] = [];
  let read = 0;
  const events = () => {
    const end = output.lastIndexOf('\n') + 1;
    for (const line of output.slice(read, end).split('\n')) {
      if (line.startsWith('{')) lines.push(JSON.parse(line) as LogLine);
    }
    read = end;
    return lines;
  };
  const get = async (path: string) => fetch(`http://127.0.0.1:${admin}${path}`);

  const daemon: Daemon = {
    folder,
    store,
    configFile,
    ports: { https, http, admin },
    child,
    root: join(store, 'authorities/internal/root.pem'),
    events,
    notes: () =>
      output
        .split('\n')
        .filter((line) => !line.startsWith('{'))
        .join('\n'),
    event: (name, test = () => true) =>
      eventually(
        `event ${name}`,
        () => events().find((line) => line.event === name && test(line)),
        () => output,
      ),
    status: async () => (await (await get('/api/status')).json()) as Status,
    metrics: async () => (await get('/metrics')).text(),
    configure,
    async reload() {
      const before = events().length;
      child.kill('SIGHUP');
      return eventually(
        'the end of a reload',
        () =>
          events()
            .slice(before)
            .find((line) => /^config\.(loaded|rejected)$/.test(line.event)),
        () => output,
      );
    },
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      return exited;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      const code = await Promise.race([exited, delay(15_000, 'hung' as const, { ref: false })]);
      if (code === 'hung') child.kill('SIGKILL');
      if (beside === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };

  await eventually(
    'a healthy daemon',
    async () => {
      if (child.exitCode !== null) throw new Error(`rigil ended with ${child.exitCode}:\n${output}`);
      const isReady = events().some((line) => line.event === 'daemon.ready');
      if (options.healthy === false) return isReady || undefined;
      // Until then another one may answer.
      if (beside !== undefined && !isReady) return undefined;
      const health = await get('/healthz').catch(() => null);
      return health?.ok === true ? true : undefined;
    },
    () => output,
    options.patienceMs,
  );
  return daemon;
}

function portsOf({ ports: { https, http, admin } }: Daemon): number[] {
  return [https, http, admin];
}

/** Calls `look` until it finds something, for at most `patienceMs` milliseconds. */
export async function eventually<Found>(
  what: string,
  look: () => Found | undefined | Promise<Found | undefined>,
  story: () => string = () => '',
  patienceMs = 20_000,
): Promise<Found> {
  for (const end = Date.now() + patienceMs; Date.now() < end; ) {
    const found = await look();
    if (found !== undefined) return found;
    await delay(25);
  }
  throw new Error(`waited ${patienceMs / 1000} s in vain for ${what}\n${story()}`);
}

/** Ports of the loopback interface that are free now. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await new Promise((done) => server.once('listening', done));
      return server;
    }),
  );
  const ports = servers.map((server) => {
    const address = server.address();
    return address !== null && typeof address === 'object' ? address.port : 0;
  });
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}

/** The result of a finished program. */
export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, which is at most 60 seconds away unless told otherwise. */
export async function runProgram(
  command: string,
  args: readonly string[],
  options: { input?: string; env?: NodeJS.ProcessEnv; cwd?: string; timeoutMs?: number } = {},
): Promise<Finished> {
  const child = spawn(command, args, {
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: options.timeoutMs ?? 60_000,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data) => {
    stdout += data;
  });
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  const code = await new Promise<number | null>((done, failed) => {
    child.once('close', done);
    child.once('error', failed);
  });
  return { code, stdout, stderr };
}

/** Runs `rigil` with these arguments to its end. */
export function rigil(
  args: readonly string[],
  options: { input?: string; env?: NodeJS.ProcessEnv; cwd?: string } = {},
): Promise<Finished> {
  return runProgram(process.execPath, [RIGIL, ...args], options);
}

/** The text of a file. */
export function textOf(path: string): string {
  return readFileSync(path, 'utf8');
}
