import { pause } from '../platform/abort.ts';
import type { Clock, Instant } from '../platform/clock.ts';

/**
 * Lets at most one caller a time pass every `intervalMs`, after `burst` that may pass at once. First come, first
 * served. A caller who gives up has used its turn all the same: it was already counted against the CA's patience.
 */
export class RateLimiter {
  readonly #intervalMs: number;
  readonly #burst: number;
  readonly #clock: Clock;
  /** When the bucket will be full again. */
  #fullAt: Instant = Number.NEGATIVE_INFINITY;

  /** @param options.burst how many may pass without a pause. Default 1. */
  constructor(options: { readonly intervalMs: number; readonly burst?: number; readonly clock: Clock }) {
    this.#intervalMs = options.intervalMs;
    this.#burst = Math.max(1, options.burst ?? 1);
    this.#clock = options.clock;
  }

  /** Resolves when it is the caller's turn; rejects with the signal's reason when that aborts. */
  async turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const now = this.#clock.now();
    this.#fullAt = Math.max(this.#fullAt, now) + this.#intervalMs;
    const wait = this.#fullAt - this.#burst * this.#intervalMs - now;
    if (wait > 0) await pause(this.#clock, wait, signal);
  }
}
