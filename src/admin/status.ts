import type { CertificateView } from '../certs/view.ts';
import type { MetricValues } from '../proxy/protocol.ts';

/** Where the admin endpoint learns what the daemon is doing. Neither call may wait for anything slow. */
export interface StatusSource {
  /** As it is at this moment. */
  status(): Status;
  /** The counters, summed over all workers, living and dead, so that none ever goes down. */
  figures(): Promise<Figures>;
}

/** What `rigil status --json` and `GET /api/status` print. Times are ISO 8601 UTC; absent is null, never missing. */
export interface Status {
  readonly version: string;
  readonly startedAt: string;
  readonly config: {
    readonly file: string;
    readonly loadedAt: string;
    /** Grows with every configuration that was put into force. */
    readonly generation: number;
    /** Why the last reload was refused; null when the file in force is the last one that was read. */
    readonly lastError: ConfigError | null;
  };
  /** The ready ones. */
  readonly workers: readonly WorkerStatus[];
  /** In file order. */
  readonly routes: readonly RouteStatus[];
  readonly certificates: readonly CertificateView[];
  /** Certificate work that runs now. */
  readonly work: readonly WorkStatus[];
}

export interface ConfigError {
  readonly at: string;
  /** One line each, as `config check` prints them. */
  readonly problems: readonly string[];
}

export interface WorkerStatus {
  readonly id: number;
  readonly pid: number;
  readonly startedAt: string;
  /** Responses since its start. */
  readonly requests: number;
  /** Open client connections. */
  readonly connections: number;
  /** Over the last second, in milliseconds. */
  readonly eventLoopDelayP99Ms: number;
}

export interface RouteStatus {
  /** First = primary. */
  readonly names: readonly string[];
  /** As they are written in the configuration. */
  readonly upstreams: readonly string[];
  /** Id of the certificate that is shown. */
  readonly certificate: string;
  readonly fallback: boolean;
}

export interface WorkStatus {
  /** Of the certificate. */
  readonly id: string;
  /** `obtain`, `renew`, `staple` … */
  readonly action: string;
  readonly startedAt: string;
}

/** What `/metrics` shows besides what follows from {@link Status}. */
export interface Figures {
  readonly serving: MetricValues;
  readonly workers: readonly {
    readonly id: number;
    readonly eventLoopDelayMs: { readonly p50: number; readonly p99: number; readonly max: number };
  }[];
  readonly configReloads: number;
  readonly configReloadFailures: number;
  /** Finished attempts since the start. */
  readonly attempts: readonly {
    readonly id: string;
    readonly outcome: 'success' | 'failure';
    readonly count: number;
  }[];
}
