import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';

export interface LoadOptions {
  /** Of the TLS listener on 127.0.0.1. */
  readonly port: number;
  /** PEM of the roots to trust. */
  readonly roots: readonly string[];
  /** New connections with one request each. */
  readonly handshakesPerS: number;
  /** On kept connections. */
  readonly requestsPerS: number;
  /** On each WebSocket. */
  readonly messagesPerS: number;
  /** How many of the first names have an endless download (of `/slow`) and a WebSocket besides. */
  readonly downloads: number;
}

/**
 * `handshake`: connection, handshake and one request; `message`: to and fro on a WebSocket; `chunk`: the next piece of
 * a download. `yardstick`: a handshake and a request at another server on this machine, which has nothing else to do.
 */
export type SampleKind = 'handshake' | 'request' | 'message' | 'chunk' | 'yardstick';

/** What the process is given first: the load, and where the yardstick is. */
export interface ProcessOptions extends LoadOptions {
  readonly yardstick: Yardstick;
}

/** What it is told then. */
export type Order = { readonly slice: string; readonly names: readonly string[] } | 'stop';

interface Yardstick {
  readonly port: number;
  readonly root: string;
}

/** One thing that was asked, and how long its answer took. */
export interface Sample {
  readonly kind: SampleKind;
  readonly name: string;
  /** Unix time in milliseconds. */
  readonly startedAt: number;
  readonly ms: number;
  readonly error: string | null;
  /** Serial number of the certificate that was shown; of handshakes only. */
  readonly serial: string | null;
}

export interface Slice {
  readonly samples: readonly Sample[];
  /** Longest time for which the measuring process itself stood still: so much may be wrong with any sample. */
  readonly ownStallMs: number;
}

export interface Load<Name extends string> extends AsyncDisposable {
  /** Of the process that asks. */
  readonly pid: number;
  /**
   * From now on samples belong to this slice and are about these names, which are asked in turn. Resolves when
   * downloads and WebSockets run.
   */
  begin(slice: Name, names: readonly string[]): Promise<void>;
  /** Waits for what is still on its way. */
  stop(): Promise<Readonly<Record<Name, Slice>>>;
}

/**
 * Asks from the first `begin` on, in a process of its own. The rate is fixed and does not wait for answers, so that
 * something which stands still for a second shows in many samples, not in one.
 */
export async function startLoad<Name extends string>(options: LoadOptions): Promise<Load<Name>> {
  const server = forkBeside('yardstick-server.ts');
  const yardstick = (await firstMessage(server)) as Yardstick;
  const asking = forkBeside('load-process.ts');
  const ready = firstMessage(asking);
  asking.send({ ...options, yardstick } satisfies ProcessOptions);
  await ready;
  const open = Promise.withResolvers<void>();
  const over = Promise.withResolvers<Record<Name, Slice>>();
  asking.on('message', (message: 'open' | Record<Name, Slice>) => {
    if (message === 'open') open.resolve();
    else over.resolve(message);
  });
  asking.once('exit', (code) => {
    const error = new Error(`the load ended with ${code}`);
    open.reject(error);
    over.reject(error);
  });
  for (const { promise } of [open, over]) promise.catch(() => {});
  const end = async () => {
    for (const child of [server, asking]) if (child.connected) child.disconnect();
  };
  return {
    pid: asking.pid ?? 0,
    begin: (slice, names) => {
      asking.send({ slice, names } satisfies Order);
      return open.promise;
    },
    stop: async () => {
      asking.send('stop' satisfies Order);
      const slices = await over.promise;
      await end();
      return slices;
    },
    [Symbol.asyncDispose]: end,
  };
}

function forkBeside(file: string): ChildProcess {
  return fork(join(import.meta.dirname, file), {
    execArgv: ['--no-warnings'],
    serialization: 'advanced',
  });
}

function firstMessage(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    child.once('message', resolve);
    child.once('exit', (code) => reject(new Error(`${child.spawnfile} ended with ${code}`)));
  });
}

/** The `share` quantile of sorted values: 0.99 for p99. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** Durations of one kind of sample in milliseconds, sorted. */
export function durationsOf({ samples }: Slice, kind: SampleKind): number[] {
  return samples
    .filter((sample) => sample.kind === kind && sample.error === null)
    .map(({ ms }) => ms)
    .sort((a, b) => a - b);
}
