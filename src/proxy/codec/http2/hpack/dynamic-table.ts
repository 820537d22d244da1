import { copyBytes } from '../../octets.ts';

/**
 * The dynamic table of one direction of one connection (RFC 7541 2.3.2, 4), without an object per entry: the bytes
 * lie in one ring, the offsets in another.
 *
 * Entry 0 is the newest. What an entry holds may be overwritten by the next `insert`.
 */
export class DynamicTable {
  /** Names and values; made at the first insertion, since many connections never need it. */
  bytes: Buffer = NO_BYTES;
  /** How many entries there are. */
  count = 0;
  /** As RFC 7541 4.1 counts, in bytes: 32 for each entry besides its name and value. */
  size = 0;
  /** How many entries there may be at most, a power of two. */
  readonly slots: number;
  readonly #rows: Int32Array;
  readonly #largest: number;
  #limit: number;
  #inserted = 0;
  #head = 0;

  /** @param largest the size that `limit` can never exceed, in bytes */
  constructor(largest: number) {
    this.#largest = largest;
    this.#limit = largest;
    this.slots = powerOfTwo(largest / ENTRY_OVERHEAD);
    this.#rows = new Int32Array(this.slots * ROW_SIZE);
  }

  /** The size that the table may have now, in bytes. */
  get limit(): number {
    return this.#limit;
  }

  /** A smaller limit evicts entries (RFC 7541 4.3). */
  setLimit(limit: number): void {
    this.#limit = Math.min(limit, this.#largest);
    this.#evictTo(this.#limit);
  }

  /** Adds an entry, or empties the table if it is too large for it (RFC 7541 4.4). `tag` is the caller's. */
  insert(
    name: Buffer,
    nameFrom: number,
    nameTo: number,
    value: Buffer,
    valueFrom: number,
    valueTo: number,
    tag: number,
  ): boolean {
    const length = nameTo - nameFrom + valueTo - valueFrom;
    const size = length + ENTRY_OVERHEAD;
    if (size > this.#limit) {
      this.#evictTo(0);
      return false;
    }
    this.#evictTo(this.#limit - size);
    // Twice the largest size is enough for every entry to lie in one piece without ever reaching a living one:
    // whatever is left unused at the end of the ring is smaller than the entry that did not fit there.
    if (this.bytes.length === 0) this.bytes = Buffer.allocUnsafeSlow(2 * this.#largest);
    const at = this.#head + length > this.bytes.length ? 0 : this.#head;
    const nameEnd = copyBytes(name, nameFrom, nameTo, this.bytes, at);
    const end = copyBytes(value, valueFrom, valueTo, this.bytes, nameEnd);
    const row = (this.#inserted & (this.slots - 1)) * ROW_SIZE;
    this.#rows[row] = at;
    this.#rows[row + 1] = nameEnd;
    this.#rows[row + 2] = end;
    this.#rows[row + 3] = tag;
    this.#head = end;
    this.#inserted = (this.#inserted + 1) | 0;
    this.count += 1;
    this.size += size;
    return true;
  }

  /** Where the name of an entry begins in `bytes`. */
  nameFrom(entry: number): number {
    return this.#rows[this.slot(entry) * ROW_SIZE] ?? 0;
  }

  /** Where its name ends and its value begins. */
  nameTo(entry: number): number {
    return this.#rows[this.slot(entry) * ROW_SIZE + 1] ?? 0;
  }

  valueTo(entry: number): number {
    return this.#rows[this.slot(entry) * ROW_SIZE + 2] ?? 0;
  }

  tag(entry: number): number {
    return this.#rows[this.slot(entry) * ROW_SIZE + 3] ?? 0;
  }

  /** Which of the `slots` an entry is in: the same as long as it lives. */
  slot(entry: number): number {
    return (this.#inserted - 1 - entry) & (this.slots - 1);
  }

  #evictTo(size: number): void {
    while (this.size > size) {
      const oldest = this.count - 1;
      this.size -= this.valueTo(oldest) - this.nameFrom(oldest) + ENTRY_OVERHEAD;
      this.count -= 1;
    }
  }
}

/** RFC 7541 4.1. */
export const ENTRY_OVERHEAD = 32;

const ROW_SIZE = 4;
const NO_BYTES = Buffer.alloc(0);

function powerOfTwo(atLeast: number): number {
  let power = 1;
  while (power < atLeast) power *= 2;
  return power;
}
