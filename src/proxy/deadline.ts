/** A timeout of a socket: starts, is put off, is called off. Keeps no process alive. */
export class Deadline {
  readonly #ms: number;
  readonly #onExpire: () => void;
  #timer: NodeJS.Timeout | null = null;

  constructor(ms: number, onExpire: () => void) {
    this.#ms = ms;
    this.#onExpire = onExpire;
  }

  /** Expires `ms` from now, whether it was running or not. */
  start(): void {
    if (this.#timer === null) this.#timer = setTimeout(this.#onExpire, this.#ms).unref();
    else this.#timer.refresh();
  }

  /** Does not expire before the next `start`. */
  stop(): void {
    if (this.#timer === null) return;
    clearTimeout(this.#timer);
    this.#timer = null;
  }
}
