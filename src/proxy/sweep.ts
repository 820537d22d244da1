/** Somebody with time limits, who is asked now and then whether one is over. */
export interface Timed {
  /** Where it stands in the sweep, which alone changes this; {@link NOWHERE} at first. */
  place: number;
  /** @param nowMs of `performance.now()` */
  tick(nowMs: number): void;
}

/**
 * Looks after the time limits of many sockets with one timer: setting a limit is an assignment, and nothing is done
 * for the many that never expire. A limit is noticed up to one period late. Keeps no process alive.
 */
export class Sweep {
  readonly #periodMs: number;
  /** In no order. Whoever leaves is replaced by the last one: no search, and no hash of objects that live for a request. */
  readonly #timed: Timed[] = [];
  #timer: NodeJS.Timeout | null = null;

  /** @param shortestMs the shortest limit; a quarter of it is the period, and at most a quarter of a second */
  constructor(shortestMs: number) {
    this.#periodMs = Math.min(LONGEST_PERIOD_MS, Math.max(1, Math.ceil(shortestMs / 4)));
  }

  add(timed: Timed): void {
    if (timed.place !== NOWHERE) return;
    timed.place = this.#timed.length;
    this.#timed.push(timed);
    this.#timer ??= setInterval(() => this.#tick(), this.#periodMs).unref();
  }

  delete(timed: Timed): void {
    const { place } = timed;
    if (place === NOWHERE) return;
    timed.place = NOWHERE;
    const last = this.#timed.pop();
    if (last === undefined || last === timed) return;
    last.place = place;
    this.#timed[place] = last;
  }

  #tick(): void {
    const nowMs = performance.now();
    // From the end, since whoever leaves meanwhile is replaced by one that has been asked.
    for (let place = this.#timed.length - 1; place >= 0; place -= 1) this.#timed[place]?.tick(nowMs);
    if (this.#timed.length > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }
}

/** Not in a sweep. */
export const NOWHERE = -1;

const LONGEST_PERIOD_MS = 250;
