import { giveBack, takeMemory } from './memory.ts';

/** Bytes that wait, copied into one piece: however small the pieces in which they come, they take little more memory. */
export class HeldBytes {
  bytes: Buffer = NO_BYTES;
  /** Where in `bytes` they lie. */
  from = 0;
  to = 0;

  get length(): number {
    return this.to - this.from;
  }

  /** Hold until the next change. */
  get view(): Buffer {
    return this.bytes.subarray(this.from, this.to);
  }

  push(bytes: Buffer, from: number, to: number): void {
    const added = to - from;
    if (added === 0) return;
    if (this.to + added > this.bytes.length) this.#grow(this.length + added);
    bytes.copy(this.bytes, this.to, from, to);
    this.to += added;
  }

  /** Forgets what lies before `from`. */
  drop(from: number): void {
    this.from = from;
    if (this.from === this.to) this.clear();
  }

  clear(): void {
    giveBack(this.bytes);
    this.bytes = NO_BYTES;
    this.from = 0;
    this.to = 0;
  }

  #grow(needed: number): void {
    const larger = takeMemory(this.length === 0 ? needed : needed * 2);
    const held = this.bytes.copy(larger, 0, this.from, this.to);
    giveBack(this.bytes);
    this.bytes = larger;
    this.from = 0;
    this.to = held;
  }
}

const NO_BYTES = Buffer.alloc(0);
