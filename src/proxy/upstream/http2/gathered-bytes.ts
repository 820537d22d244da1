import { giveBack, takeMemory } from './memory.ts';

/**
 * The DATA that one stream gets in one read, put together: upstreams send small frames, and each write to a client costs as
 * much as a large one. The first piece stays where it lies; should there be more, all of them are copied.
 */
export class GatheredBytes {
  /** Hold until `release`, but not longer than what has been read. */
  view: Buffer = NO_BYTES;
  #own: Buffer = NO_BYTES;

  get length(): number {
    return this.view.length;
  }

  push(bytes: Buffer, from: number, to: number): void {
    const { length } = this.view;
    if (length === 0) {
      this.view = bytes.subarray(from, to);
      return;
    }
    const needed = length + to - from;
    if (needed > this.#own.length) {
      const larger = takeMemory(needed);
      this.view.copy(larger);
      giveBack(this.#own);
      this.#own = larger;
    }
    bytes.copy(this.#own, length, from, to);
    this.view = this.#own.subarray(0, needed);
  }

  /** They have been used up, or are of no interest. */
  release(): void {
    giveBack(this.#own);
    this.#own = NO_BYTES;
    this.view = NO_BYTES;
  }
}

const NO_BYTES = Buffer.alloc(0);
