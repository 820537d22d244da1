/**
 * What came from a socket and has not been read: the last piece where it lies, or, if a frame began in an earlier one, a
 * copy of its bytes. Frames that arrive whole are never copied. Memory of its own is never written over, so that what was
 * read may be kept.
 */
export class FrameBuffer {
  bytes: Buffer = NO_BYTES;
  #from = 0;
  #to = 0;
  /** Whether `bytes` is memory of our own, with room behind `#to`. */
  #own = false;

  /** How many bytes wait. */
  get length(): number {
    return this.#to - this.#from;
  }

  push(bytes: Buffer, from: number, to: number): void {
    if (this.#from === this.#to) {
      this.bytes = bytes;
      this.#from = from;
      this.#to = to;
      this.#own = false;
      return;
    }
    const held = this.#to - this.#from;
    const needed = held + to - from;
    if (this.#own && this.#to + to - from <= this.bytes.length) {
      bytes.copy(this.bytes, this.#to, from, to);
      this.#to += to - from;
      return;
    }
    const larger = Buffer.allocUnsafe(Math.max(needed * 2, SMALLEST));
    this.bytes.copy(larger, 0, this.#from, this.#to);
    bytes.copy(larger, held, from, to);
    this.bytes = larger;
    this.#from = 0;
    this.#to = needed;
    this.#own = true;
  }

  /** Where the next `length` bytes lie in `bytes`, or -1 if they have not come yet. */
  peek(length: number): number {
    return this.#to - this.#from >= length ? this.#from : -1;
  }

  take(length: number): void {
    this.#from += length;
  }

  /** The piece will be overwritten: copies what is left of it, or lets go of it. */
  keep(): void {
    if (this.#from === this.#to) {
      this.bytes = NO_BYTES;
      this.#from = 0;
      this.#to = 0;
      this.#own = false;
    }
    if (this.#own || this.#from === this.#to) return;
    const held = this.#to - this.#from;
    const copy = Buffer.allocUnsafe(Math.max(held * 2, SMALLEST));
    this.bytes.copy(copy, 0, this.#from, this.#to);
    this.bytes = copy;
    this.#from = 0;
    this.#to = held;
    this.#own = true;
  }
}

const SMALLEST = 512;
const NO_BYTES = Buffer.alloc(0);
