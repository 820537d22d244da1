/** Somebody with time limits, who is asked now and then whether one is over. */
export interface Timed {
  /** @param nowMs of `performance.now()` */
  tick(nowMs: number): void;
}

/**
 * Looks after the time limits of many sockets with one timer: setting a limit is an assignment, and nothing is done
 * for the many that never expire. A limit is noticed up to one period late. Keeps no process alive.
 */
export class Sweep {
  readonly #periodMs: number;
  readonly #timed = new Set<Timed>();
  #timer: NodeJS.Timeout | null = null;

  /** @param shortestMs the shortest limit; a quarter of it is the period, and at most a quarter of a second */
  constructor(shortestMs: number) {
    this.#periodMs = Math.min(LONGEST_PERIOD_MS, Math.max(1, Math.ceil(shortestMs / 4)));
  }

  add(timed: Timed): void {
    this.#timed.add(timed);
    this.#timer ??= setInterval(() => this.#tick(), this.#periodMs).unref();
  }

  delete(timed: Timed): void {
    this.#timed.delete(timed);
  }

  #tick(): void {
    const nowMs = performance.now();
    for (const timed of this.#timed) timed.tick(nowMs);
    if (this.#timed.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }
}

const LONGEST_PERIOD_MS = 250;
