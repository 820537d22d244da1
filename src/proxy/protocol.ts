import type { Event } from '../events/event.ts';
import type { Patch } from '../snapshot/patch.ts';

/**
 * What the control process and a worker say to each other, over the channel of `child_process.fork`
 * (`serialization: 'advanced'`, so bytes travel as bytes).
 *
 * A worker's life: `start` → it takes over the snapshot, opens its listeners, says `ready` → patches → `drain` → it
 * says `drained` and exits with 0. If the channel closes without a word, see `outlive`.
 */
export type ToWorker =
  | {
      readonly type: 'start';
      readonly worker: number;
      /** Difference from the empty snapshot: all of it. */
      readonly patch: Patch;
      readonly listeners: readonly WorkerListener[];
      readonly limits: Limits;
      /** See `outlive`. */
      readonly outlives: boolean;
    }
  | { readonly type: 'patch'; readonly patch: Patch }
  /**
   * From now on it goes on serving when the channel closes without a word, and hands its listeners to a successor of the
   * control process. Before, it finishes what runs and ends.
   */
  | { readonly type: 'outlive' }
  /** The file of the access log has been moved away: write into a new one. */
  | { readonly type: 'reopen' }
  /** Answered by a `report` with the same number. */
  | { readonly type: 'report'; readonly request: number }
  /** Stop accepting, finish requests within `requestsMs`, upgraded connections and streams within `streamsMs`, exit. */
  | { readonly type: 'drain'; readonly requestsMs: number; readonly streamsMs: number };

export type FromWorker =
  | { readonly type: 'ready' }
  /** It cannot listen, and exits. `code` is that of the system, such as EADDRINUSE. */
  | { readonly type: 'failed'; readonly address: string; readonly code: string | null }
  | { readonly type: 'event'; readonly event: Event }
  /** `count` whole lines of the access log that the control process is to write. */
  | { readonly type: 'access-log'; readonly lines: Uint8Array; readonly count: number }
  | {
      readonly type: 'report' /** Null when nobody asked. */;
      readonly request: number | null;
      readonly report: WorkerReport;
    }
  /** `cut`: connections that were closed because their time was over. */
  | { readonly type: 'drained'; readonly cut: number };

/** A socket that is bound already and that the worker inherits as descriptor `fd`. */
export interface WorkerListener {
  /** `hand-over`: not for clients, but for a successor of the control process, should that die. */
  readonly role: 'http' | 'https' | 'hand-over';
  readonly fd: number;
  /** For messages: `127.0.0.1:8443`, `unix:/run/x`. */
  readonly address: string;
}

/** Bounds that a worker enforces on clients and upstreams. Times in milliseconds, sizes in bytes. */
export interface Limits {
  /** From the first byte (or the accept) to the end of a request head, and for a TLS handshake. */
  readonly headTimeoutMs: number;
  readonly headBytes: number;
  readonly headFields: number;
  /** Longest silence while a body is read or written; there is no bound on the whole. */
  readonly bodyIdleMs: number;
  readonly keepAliveMs: number;
  readonly upstreamConnectMs: number;
  /** From the end of the request to the head of the response. */
  readonly upstreamResponseMs: number;
  /** How long an unused connection to an upstream is kept: less than the 5 s after which Node's servers hang up. */
  readonly upstreamIdleMs: number;
  /**
   * How long an upstream may say nothing over an HTTP/2 connection with requests under way before it is asked for a sign of
   * life. Servers of gRPC hang up on clients that ask more often than every 5 minutes.
   */
  readonly upstreamPingMs: number;
}

export const defaultLimits: Limits = {
  headTimeoutMs: 10_000,
  headBytes: 16_384,
  headFields: 100,
  bodyIdleMs: 60_000,
  keepAliveMs: 75_000,
  upstreamConnectMs: 5_000,
  upstreamResponseMs: 60_000,
  upstreamIdleMs: 4_000,
  upstreamPingMs: 310_000,
};

/** Figures of one worker since its start; sums over workers are made by the control process. */
export interface WorkerReport {
  readonly requests: number;
  /** Open client connections now. */
  readonly connections: number;
  /** Upstreams that it could not connect to when it tried last, by `serverKey`; of routes that have several. */
  readonly failing: readonly string[];
  /** Since the last report, in milliseconds. */
  readonly eventLoopDelayMs: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly metrics: MetricValues;
}

/**
 * Counters and histograms that only grow. Keys are Prometheus label sets as they are printed, such as
 * `route="example.com",status="200"`; the empty string for none.
 */
export interface MetricValues {
  readonly tlsHello: Readonly<Record<string, number>>;
  readonly responses: Readonly<Record<string, number>>;
  readonly upstreamErrors: Readonly<Record<string, number>>;
  readonly upstreamRetries: Readonly<Record<string, number>>;
  /** Count per bucket of {@link DURATION_BUCKETS_S} (not cumulative), one more for longer ones, and the sum. */
  readonly durations: Readonly<
    Record<string, { readonly buckets: readonly number[]; readonly sumSeconds: number }>
  >;
  /** How many handshakes and requests ever waited for certificate work. The promise of the program: 0. */
  readonly handshakesWaited: number;
  readonly requestsWaited: number;
  /** Lines of the access log that were lost. */
  readonly accessLogDropped: number;
  /** Connections that were ended at once. */
  readonly connectionsRefused: Readonly<Record<string, number>>;
}

/** Upper bounds in seconds. */
export const DURATION_BUCKETS_S = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
] as const;
