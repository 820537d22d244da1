/** How many are remembered: more than can be open at once. */
const REMEMBERED = 128;

/**
 * The streams that were closed last. Frames for one that was reset from here were on their way before the client knew
 * (RFC 9113 5.1); for one that the client has ended itself they are an error.
 */
export class ClosedStreams {
  /** Negative = reset from here. When there are {@link REMEMBERED}, the oldest are overwritten. */
  readonly #ids: number[] = [];
  #next = 0;

  add(id: number, reset: boolean): void {
    this.#ids[this.#next] = reset ? -id : id;
    this.#next = (this.#next + 1) % REMEMBERED;
  }

  /** `unknown`: long ago, or it never was open. */
  find(id: number): 'reset' | 'ended' | 'unknown' {
    if (this.#ids.includes(-id)) return 'reset';
    return this.#ids.includes(id) ? 'ended' : 'unknown';
  }
}
