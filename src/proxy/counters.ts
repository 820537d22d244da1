import { DURATION_BUCKETS_S, type MetricValues } from './protocol.ts';

/**
 * What one worker counts. Counting is a map look-up and an addition; label sets are only spelt out by {@link values}.
 * Labels come from the configuration and from fixed lists, never from what a client sends.
 */
export class Counters {
  readonly #hellos = { known: 0, unknown: 0 };
  readonly #routes = new Map<string, RouteCounters>();
  #handshakesWaited = 0;
  #requestsWaited = 0;
  #accessLogDropped = 0;
  readonly #refused = { 'max-connections': 0, 'max-connections-per-address': 0 };
  #requests = 0;

  /** A ClientHello came; `known`: there is a certificate to answer it with. */
  hello(known: boolean): void {
    this.#hellos[known ? 'known' : 'unknown']++;
  }

  /** A response's head went out, or would have gone (499). `route` is the route's label, {@link NO_ROUTE} without one. */
  response(route: string, status: number): void {
    this.#requests++;
    increment(this.#of(route).statuses, status);
  }

  /** An exchange ended, `ms` milliseconds after its request came. */
  duration(route: string, ms: number): void {
    const { buckets, sum } = this.#of(route).durations;
    const seconds = ms / 1000;
    let index = 0;
    while (index < DURATION_BUCKETS_S.length && seconds > (DURATION_BUCKETS_S[index] ?? 0)) index++;
    buckets[index] = (buckets[index] ?? 0) + 1;
    sum.seconds += seconds;
  }

  /** A request went on to another upstream. */
  retried(route: string): void {
    this.#of(route).retries++;
  }

  upstreamError(route: string, kind: string): void {
    increment(this.#of(route).upstreamErrors, kind);
  }

  /**
   * The ClientHello is complete: whoever shows the certificate, or refuses, is to be found in this same step, and the
   * function that is returned is to be called then. Called later, the handshake has waited for something.
   *
   * This sees code that awaits. Work that keeps the whole thread busy shows in the delay of the event loop.
   */
  handshakeBegins(): () => void {
    let found = false;
    queueMicrotask(() => {
      if (!found) this.#handshakesWaited++;
    });
    return () => {
      found = true;
    };
  }

  /** A request did not go on at once. Must never be called: see the architecture. */
  requestWaited(): void {
    this.#requestsWaited++;
  }

  /** A connection was ended before anything was read, because of the directive `reason`. */
  connectionRefused(reason: 'max-connections' | 'max-connections-per-address'): void {
    this.#refused[reason]++;
  }

  /** Lines of the access log are lost. */
  accessLogDropped(lines: number): void {
    this.#accessLogDropped += lines;
  }

  /** Responses since the start. */
  get requests(): number {
    return this.#requests;
  }

  values(): MetricValues {
    const responses: Record<string, number> = {};
    const upstreamErrors: Record<string, number> = {};
    const upstreamRetries: Record<string, number> = {};
    const durations: Record<string, { buckets: readonly number[]; sumSeconds: number }> = {};
    for (const [route, counters] of this.#routes) {
      const label = `route="${escapeLabel(route)}"`;
      for (const [status, count] of counters.statuses) responses[`${label},status="${status}"`] = count;
      for (const [kind, count] of counters.upstreamErrors) upstreamErrors[`${label},kind="${kind}"`] = count;
      if (counters.retries > 0) upstreamRetries[label] = counters.retries;
      const { buckets, sum } = counters.durations;
      if (buckets.some((count) => count > 0)) {
        durations[label] = { buckets: [...buckets], sumSeconds: sum.seconds };
      }
    }
    return {
      tlsHello: { 'known="true"': this.#hellos.known, 'known="false"': this.#hellos.unknown },
      responses,
      upstreamErrors,
      upstreamRetries,
      durations,
      handshakesWaited: this.#handshakesWaited,
      requestsWaited: this.#requestsWaited,
      accessLogDropped: this.#accessLogDropped,
      connectionsRefused: {
        'reason="max-connections"': this.#refused['max-connections'],
        'reason="max-connections-per-address"': this.#refused['max-connections-per-address'],
      },
    };
  }

  #of(route: string): RouteCounters {
    let counters = this.#routes.get(route);
    if (counters === undefined) {
      counters = {
        statuses: new Map(),
        upstreamErrors: new Map(),
        retries: 0,
        durations: { buckets: Array(DURATION_BUCKETS_S.length + 1).fill(0), sum: { seconds: 0 } },
      };
      this.#routes.set(route, counters);
    }
    return counters;
  }
}

/** The `route` label of what no route answers for. */
export const NO_ROUTE = 'none';

interface RouteCounters {
  readonly statuses: Map<number, number>;
  readonly upstreamErrors: Map<string, number>;
  retries: number;
  readonly durations: { readonly buckets: number[]; readonly sum: { seconds: number } };
}

function increment<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** As the text format of Prometheus wants it. */
function escapeLabel(value: string): string {
  return value.replace(/[\\"\n]/g, (char) => (char === '\n' ? '\\n' : `\\${char}`));
}
