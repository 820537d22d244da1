import type { Clock, Instant } from '../../src/platform/clock.ts';

/** A clock that stands still until somebody sleeps, and then is at the end of the sleep at once. For work without I/O. */
export class SleepingClock implements Clock {
  #now: Instant;
  /** Lengths of all sleeps. */
  readonly sleeps: number[] = [];

  constructor(now: Instant = Date.UTC(2026, 0, 1)) {
    this.#now = now;
  }

  now(): Instant {
    return this.#now;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return;
    this.sleeps.push(ms);
    this.#now += ms;
  }

  every(): () => void {
    throw new Error('nothing here happens every now and then');
  }

  pass(ms: number): void {
    this.#now += ms;
  }
}
