import type { Emit } from '../events/bus.ts';
import type { Clock, Instant } from '../platform/clock.ts';
import type { Failure } from './failure.ts';

/** Shortest time between two lines about one kind of failure of one upstream. */
const QUIET_MS = 1_000;

/** What is remembered at once, and how much of its name: redirects of error pages could make them many and long. */
const MOST = 1_000;
const LONGEST_NAME = 300;

/**
 * Says that an upstream failed, at most once a second for each and each kind of failure: a dead one must not flood the
 * log, in however many routes it is, and must not hide that it fails in another way by now.
 */
export class FailureLog {
  readonly #emit: Emit;
  readonly #clock: Clock;
  readonly #seen = new Map<string, { at: Instant; unsaid: number }>();

  constructor(emit: Emit, clock: Clock) {
    this.#emit = emit;
    this.#clock = clock;
  }

  /** What is left unsaid is counted in the next line about the same, whichever route it names. */
  report(route: string, upstream: string, { kind, message }: Failure): void {
    const now = this.#clock.now();
    const key = `${kind} ${upstream.slice(0, LONGEST_NAME)}`;
    const seen = this.#seen.get(key);
    if (seen !== undefined && now - seen.at < QUIET_MS && now >= seen.at) {
      seen.unsaid++;
      return;
    }
    // In the order of their last lines: the first one is the oldest.
    this.#seen.delete(key);
    for (const [oldest] of this.#seen) {
      if (this.#seen.size < MOST) break;
      this.#seen.delete(oldest);
    }
    this.#seen.set(key, { at: now, unsaid: 0 });
    const failures = (seen?.unsaid ?? 0) + 1;
    this.#emit({ event: 'upstream.failed', route, upstream, kind, message, failures });
  }
}
