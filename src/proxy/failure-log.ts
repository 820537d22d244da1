import type { Emit } from '../events/bus.ts';
import type { Clock, Instant } from '../platform/clock.ts';
import type { Failure } from './failure.ts';

/** Shortest time between two lines about one upstream. */
const QUIET_MS = 1_000;

/** Upstreams that are remembered at once; redirects of error pages could make them many. */
const LONGEST = 1_000;

/** Says that an upstream failed, at most once a second for each: a dead one must not flood the log. */
export class FailureLog {
  readonly #emit: Emit;
  readonly #clock: Clock;
  readonly #seen = new Map<string, { at: Instant; unsaid: number }>();

  constructor(emit: Emit, clock: Clock) {
    this.#emit = emit;
    this.#clock = clock;
  }

  /** What is left unsaid is counted in the next line about the same upstream. */
  report(route: string, upstream: string, { kind, message }: Failure): void {
    const now = this.#clock.now();
    const seen = this.#seen.get(upstream);
    if (seen !== undefined && now - seen.at < QUIET_MS && now >= seen.at) {
      seen.unsaid++;
      return;
    }
    if (this.#seen.size >= LONGEST) this.#seen.clear();
    this.#seen.set(upstream, { at: now, unsaid: 0 });
    const failures = (seen?.unsaid ?? 0) + 1;
    this.#emit({ event: 'upstream.failed', route, upstream, kind, message, failures });
  }
}
