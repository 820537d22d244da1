import type { Verdict } from './faults.ts';

/** A parser that wants all of a head in one piece. */
export interface HeadParser {
  /** Of the head, in bytes, after the verdict `done`. */
  readonly length: number;
  reset(): void;
  parse(bytes: Buffer, from: number, to: number): Verdict;
}

/**
 * Puts heads together that arrive in pieces. A head that comes whole, which is nearly every one, is parsed where it
 * lies and never copied.
 *
 * ```ts
 * const verdict = collector.push(bytes, from, to);
 * if (verdict === 'done') readBody(bytes, collector.end, to);
 * ```
 */
export class HeadCollector {
  /** After `done`: the offset in the last piece of the first byte after the head. */
  end = 0;
  readonly #parser: HeadParser;
  readonly #limitBytes: number;
  /** What came before the last piece; the first `#held` bytes count. */
  #pending: Buffer | null = null;
  #held = 0;

  /** @param limitBytes the longest head that the parser takes */
  constructor(parser: HeadParser, limitBytes: number) {
    this.#parser = parser;
    this.#limitBytes = limitBytes;
  }

  /** Whether part of a head has come. */
  get started(): boolean {
    return this.#held > 0;
  }

  /** Makes ready for the next head. */
  reset(): void {
    this.#parser.reset();
    this.#pending = null;
    this.#held = 0;
  }

  push(bytes: Buffer, from: number, to: number): Verdict {
    if (this.#held === 0) {
      const verdict = this.#parser.parse(bytes, from, to);
      if (verdict === 'more') this.#keep(bytes, from, to);
      else this.end = from + this.#parser.length;
      return verdict;
    }
    const before = this.#held;
    this.#keep(bytes, from, to);
    const verdict = this.#parser.parse(this.#pending ?? bytes, 0, this.#held);
    if (verdict === 'done') this.end = from + this.#parser.length - before;
    return verdict;
  }

  /** No more is kept than the parser looks at. */
  #keep(bytes: Buffer, from: number, to: number): void {
    const held = Math.min(this.#held + to - from, this.#limitBytes);
    if (held === this.#held) return;
    let pending = this.#pending;
    if (pending === null || pending.length < held) {
      const size = Math.min(Math.max(held * 2, SMALLEST), this.#limitBytes);
      const larger = Buffer.allocUnsafe(size);
      pending?.copy(larger, 0, 0, this.#held);
      pending = larger;
      this.#pending = larger;
    }
    bytes.copy(pending, this.#held, from, from + held - this.#held);
    this.#held = held;
  }
}

const SMALLEST = 1024;
