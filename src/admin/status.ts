import type { CertificateView } from '../certs/view.ts';
import type { MetricValues, WorkerReport } from '../proxy/protocol.ts';

/** Where the admin endpoint gets what it shows. */
export interface StatusSource {
  /** The state of this moment. */
  status(): Promise<Status>;
  /** The figures of this moment. */
  figures(): Promise<Figures>;
}

/** `GET /api/status` and `rigil status --json`. Times are ISO 8601 UTC. */
export interface Status {
  readonly version: string;
  /** The moment that is described. */
  readonly at: string;
  readonly startedAt: string;
  readonly config: {
    readonly file: string;
    readonly loadedAt: string;
    readonly generation: number;
    /** Why the last reload changed nothing; null when it succeeded. */
    readonly lastError: { readonly at: string; readonly problems: readonly string[] } | null;
    /** The server that sends routes; null without one. */
    readonly source: {
      readonly url: string;
      /** A connection is there, and has brought routes. */
      readonly connected: boolean;
      /** The routes in force are what it sent, now or before a restart. */
      readonly hasRoutes: boolean;
      /** Why the last connection ended; null while one is there. */
      readonly lastError: { readonly at: string; readonly message: string } | null;
    } | null;
  };
  readonly store: StoreStatus;
  readonly workers: readonly {
    readonly id: number;
    readonly pid: number;
    readonly startedAt: string;
    readonly requests: number;
    readonly connections: number;
    readonly eventLoopDelayP99Ms: number;
    /** It takes no new connections and ends when those that it has are done. */
    readonly draining: boolean;
  }[];
  readonly routes: readonly RouteStatus[];
  readonly certificates: readonly CertificateView[];
  readonly work: readonly { readonly id: string; readonly action: string; readonly startedAt: string }[];
  /** How many handshakes and requests ever waited for certificate work. */
  readonly waited: { readonly handshakes: number; readonly requests: number };
}

/** How the store is. Serving does not need it. */
export interface StoreStatus {
  readonly kind: 'file' | 'redis';
  /** A directory, or the database without user and password. */
  readonly place: string;
  /** Whether it answered when it was last asked. */
  readonly up: boolean;
  /** Whether certificates can be stored. While they cannot, what is there is served and nothing is ordered. */
  readonly writable: boolean;
  /** Null while it is writable. */
  readonly lastError: { readonly code: string; readonly message: string; readonly since: string } | null;
  /** What will hurt one day. */
  readonly warnings: readonly string[];
  /** How many secrets lie in clear although there is a key to seal them; null where there is none, or it is not known. */
  readonly unsealed: number | null;
}

export interface RouteStatus {
  readonly names: readonly string[];
  readonly upstreams: readonly string[];
  /** What its health check says of each upstream, in their order; null without one. */
  readonly health: readonly UpstreamHealth[] | null;
  /** Of several, those that a worker could not connect to when it tried last. */
  readonly failing: readonly string[];
  /** Id of its certificate. */
  readonly certificate: string;
  readonly fallback: boolean;
}

export interface UpstreamHealth {
  readonly upstream: string;
  /** `unknown` until it has been asked. */
  readonly state: 'unknown' | 'up' | 'down';
  /** Since when it is so. */
  readonly since: string;
  /** What was wrong with its last answer; null = nothing. */
  readonly problem: string | null;
}

/** What /metrics prints. */
export interface Figures {
  readonly version: string;
  readonly metrics: MetricValues;
  readonly workers: readonly { readonly worker: number; readonly report: WorkerReport }[];
  readonly certificates: readonly CertificateView[];
  /** Finished attempts since the start, by certificate id. */
  readonly attempts: ReadonlyMap<string, { readonly succeeded: number; readonly failed: number }>;
  /** Whether each upstream that has a health check is well, as far as that is known. */
  readonly upstreams: readonly { readonly route: string; readonly upstream: string; readonly up: boolean }[];
  readonly configReloads: number;
  readonly configReloadFailures: number;
  readonly configSource: Status['config']['source'];
  readonly store: StoreStatus;
  /** Centauri's two counters are there under their old names, too. */
  readonly centauriMetrics: boolean;
}

/** What is not well, in words; empty = all is well. Certificates that nobody wants any more do not count. */
export function troubles(status: Status): string[] {
  const wanted = new Set(status.routes.map((route) => route.certificate));
  return [
    ...(status.workers.some(({ draining }) => !draining) ? [] : ['no worker is ready']),
    ...(status.config.source?.hasRoutes === false && status.routes.length === 0
      ? [`no routes have come from ${status.config.source.url} yet`]
      : []),
    ...status.certificates
      .filter(({ id, status: state }) => wanted.has(id) && ['missing', 'expired', 'blocked'].includes(state))
      .map(({ id, status: state, lastError, notAfter }) => {
        const held = notAfter === null ? '' : `, valid until ${notAfter}`;
        return `certificate ${id} is ${state}${held}${lastError === null ? '' : `: ${lastError.message}`}`;
      }),
  ];
}
