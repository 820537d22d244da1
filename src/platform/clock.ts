import { setTimeout as delay } from 'node:timers/promises';

/** A moment: milliseconds since 1970-01-01T00:00:00Z. */
export type Instant = number;

/** Where time comes from. Everything that decides takes an {@link Instant}; only what waits takes a Clock. */
export interface Clock {
  /** The present moment. */
  now(): Instant;
  /** Resolves after `ms` milliseconds, or at once when `signal` aborts. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `callback` every `ms` milliseconds until the returned function is called. Keeps no process alive. */
  every(ms: number, callback: () => void): () => void;
}

/** Longest delay that a timer of Node takes, in milliseconds (2^31 - 1, about 24.8 days). */
const LONGEST_TIMER_MS = 2_147_483_647;

export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(ms, signal) {
    let left = ms;
    while (left > 0 && signal?.aborted !== true) {
      const step = Math.min(left, LONGEST_TIMER_MS);
      await delay(step, undefined, signal === undefined ? {} : { signal }).catch(() => {});
      left -= step;
    }
  },
  every(ms, callback) {
    const timer = setInterval(callback, ms);
    timer.unref();
    return () => clearInterval(timer);
  },
};
