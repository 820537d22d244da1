import { Worker } from 'node:worker_threads';

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

/** `handshake`: connection, handshake and one request; `message`: to and fro on a WebSocket; `chunk`: the next piece of a download. */
export type SampleKind = 'handshake' | 'request' | 'message' | 'chunk';

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
  /** Longest time for which the measuring thread itself stood still: so much may be wrong with any sample. */
  readonly ownStallMs: number;
}

export interface Load<Name extends string> {
  /** From now on samples belong to this slice and are about these names, which are asked in turn. */
  begin(slice: Name, names: readonly string[]): void;
  /** Waits for what is still on its way. */
  stop(): Promise<Readonly<Record<Name, Slice>>>;
}

/**
 * Asks from the first `begin` on, in a thread of its own. The rate is fixed and does not wait for answers, so that something which
 * stands still for a second shows in many samples, not in one.
 */
export function startLoad<Name extends string>(options: LoadOptions): Load<Name> {
  const thread = new Worker(new URL('./load-thread.ts', import.meta.url), {
    workerData: options,
    execArgv: ['--no-warnings'],
  });
  const over = new Promise<Record<Name, Slice>>((resolve, reject) => {
    thread.once('message', resolve);
    thread.once('error', reject);
  });
  over.catch(() => {});
  return {
    begin: (slice, names) => thread.postMessage({ slice, names }),
    stop: async () => {
      thread.postMessage('stop');
      const slices = await over;
      await thread.terminate();
      return slices;
    },
  };
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
