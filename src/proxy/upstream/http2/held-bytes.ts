/** Bytes that wait, copied into one piece: however small the pieces in which they come, they take little more memory. */
export class HeldBytes {
  bytes: Buffer = NO_BYTES;
  /** Where in `bytes` they lie. */
  from = 0;
  to = 0;

  get length(): number {
    return this.to - this.from;
  }

  push(bytes: Buffer, from: number, to: number): void {
    const added = to - from;
    if (this.to + added > this.bytes.length) {
      const needed = this.length + added;
      const larger = Buffer.allocUnsafe(this.length === 0 ? needed : needed * 2);
      this.bytes.copy(larger, 0, this.from, this.to);
      this.to = this.length;
      this.from = 0;
      this.bytes = larger;
    }
    bytes.copy(this.bytes, this.to, from, to);
    this.to += added;
  }

  /** Forgets what lies before `from`. */
  drop(from: number): void {
    this.from = from;
    if (this.from === this.to) this.clear();
  }

  /** Parts with all of them. */
  takeAll(): Buffer {
    const taken = this.bytes.subarray(this.from, this.to);
    this.clear();
    return taken;
  }

  clear(): void {
    this.bytes = NO_BYTES;
    this.from = 0;
    this.to = 0;
  }
}

const NO_BYTES = Buffer.alloc(0);
