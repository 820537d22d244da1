import { type Clock, systemClock } from '../../../src/platform/clock.ts';

/** A clock whose hours a test passes by hand; short waits are real. */
export class HandClock implements Clock {
  #ahead = 0;
  readonly #callbacks = new Set<() => void>();

  now(): number {
    return systemClock.now() + this.#ahead;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return systemClock.sleep(ms, signal);
  }

  every(_ms: number, callback: () => void): () => void {
    const once = () => callback();
    this.#callbacks.add(once);
    return () => this.#callbacks.delete(once);
  }

  /** Lets time pass, then calls whoever wants to be called now and then. */
  pass(ms: number): void {
    this.#ahead += ms;
    for (const callback of [...this.#callbacks]) callback();
  }
}
