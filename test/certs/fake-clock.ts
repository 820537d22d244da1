import type { Clock } from '../../src/platform/clock.ts';
import { START } from './make.ts';

interface Timer {
  at: number;
  fire: () => void;
}

/**
 * A clock that moves when it is told to. Between two timers it lets everything that they set off come to rest.
 */
export class FakeClock implements Clock {
  #now: number;
  readonly #timers = new Set<Timer>();
  readonly #settle: () => Promise<void>;

  /** @param settle resolves when nothing is under way; default: two turns of the event loop, enough without real I/O */
  constructor(now: number = START, settle: () => Promise<void> = turns) {
    this.#now = now;
    this.#settle = settle;
  }

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (!(ms > 0) || signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        this.#timers.delete(timer);
        signal?.removeEventListener('abort', end);
        resolve();
      };
      const timer: Timer = { at: this.#now + ms, fire: end };
      this.#timers.add(timer);
      signal?.addEventListener('abort', end);
    });
  }

  every(ms: number, callback: () => void): () => void {
    const timer: Timer = {
      at: this.#now + ms,
      fire: () => {
        timer.at += ms;
        callback();
      },
    };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Lets `ms` milliseconds pass. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await this.#settle();
    for (let next = this.#next(end); next !== null; next = this.#next(end)) {
      this.#now = Math.max(this.#now, next.at);
      next.fire();
      await this.#settle();
    }
    this.#now = end;
  }

  /** Sets the time without a timer that fires: the machine slept, or somebody set its clock. */
  jump(ms: number): void {
    this.#now += ms;
    for (const timer of this.#timers) timer.at += ms;
  }

  #next(end: number): Timer | null {
    let next: Timer | null = null;
    for (const timer of this.#timers)
      if (timer.at <= end && (next === null || timer.at < next.at)) next = timer;
    return next;
  }
}

async function turns(): Promise<void> {
  for (let count = 0; count < 2; count += 1) await new Promise((resolve) => setImmediate(resolve));
}
