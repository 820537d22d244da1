/** Keys that are remembered at most; what a client can make up must not fill the memory. */
const MOST_KEYS = 10_000;

/** Says of each key at most once in a while that it is time: for log lines that clients can cause. */
export class Occasional {
  readonly #everyMs: number;
  readonly #last = new Map<string, number>();

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  isTime(key: string): boolean {
    const now = performance.now();
    const last = this.#last.get(key);
    if (last !== undefined && now - last < this.#everyMs) return false;
    if (this.#last.size >= MOST_KEYS) this.#last.clear();
    this.#last.set(key, now);
    return true;
  }
}
