import { copyBytes } from '../../octets.ts';

/**
 * The dynamic table of one direction of one connection (RFC 7541 2.3.2, 4), without an object per entry: the bytes
 * lie in one ring, the offsets in another. Both grow with what is in them.
 *
 * Entry 0 is the newest. What an entry holds may be overwritten by the next `insert`.
 */
export class DynamicTable {
  /** Names and values. */
  bytes: Buffer = NO_BYTES;
  /** How many entries there are. */
  count = 0;
  /** As RFC 7541 4.1 counts, in bytes: 32 for each entry besides its name and value. */
  size = 0;
  #rows: Int32Array = NO_ROWS;
  /** How many entries there are rows for, a power of two. */
  #slots = 0;
  readonly #largest: number;
  #limit: number;
  #inserted = 0;
  #head = 0;

  /** @param largest the size that `limit` can never exceed, in bytes */
  constructor(largest: number) {
    this.#largest = largest;
    this.#limit = largest;
  }

  /** How many entries there can be at most, or a little more: a power of two. */
  get mostEntries(): number {
    return powerOfTwo(this.#largest / ENTRY_OVERHEAD);
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
    this.#makeRoom(length);
    const at = this.#head + length > this.bytes.length ? 0 : this.#head;
    const nameEnd = copyBytes(name, nameFrom, nameTo, this.bytes, at);
    const end = copyBytes(value, valueFrom, valueTo, this.bytes, nameEnd);
    const row = (this.#inserted & (this.#slots - 1)) * ROW_SIZE;
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

  /** No entry comes for a while: keeps no more memory than there are entries. */
  rest(): void {
    const length = this.#held();
    if (this.bytes.length > length) this.#move(length, powerOfTwo(this.count));
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

  /** Which row an entry has. */
  slot(entry: number): number {
    return (this.#inserted - 1 - entry) & (this.#slots - 1);
  }

  /**
   * Twice what there is and comes is enough for every entry to lie in one piece without ever reaching a living one:
   * whatever is left unused at the end of the ring is smaller than the entry that did not fit there.
   */
  #makeRoom(length: number): void {
    const needed = 2 * (this.#held() + length);
    if (needed <= this.bytes.length && this.count < this.#slots) return;
    const bytes = needed <= this.bytes.length ? this.bytes.length : Math.max(2 * needed, SMALLEST);
    const slots = this.count < this.#slots ? this.#slots : Math.max(2 * this.#slots, FEWEST);
    this.#move(Math.min(bytes, 2 * this.#largest), slots);
  }

  /** Bytes of all names and values. */
  #held(): number {
    return this.size - this.count * ENTRY_OVERHEAD;
  }

  /** Moves all entries to new memory. */
  #move(length: number, slots: number): void {
    const bytes = length === 0 ? NO_BYTES : Buffer.allocUnsafeSlow(length);
    const rows = new Int32Array(slots * ROW_SIZE);
    let head = 0;
    for (let entry = this.count - 1; entry >= 0; entry -= 1) {
      const from = this.nameFrom(entry);
      const row = ((this.#inserted - 1 - entry) & (slots - 1)) * ROW_SIZE;
      rows[row] = head;
      rows[row + 1] = head + this.nameTo(entry) - from;
      rows[row + 2] = head + this.valueTo(entry) - from;
      rows[row + 3] = this.tag(entry);
      head = copyBytes(this.bytes, from, this.valueTo(entry), bytes, head);
    }
    this.bytes = bytes;
    this.#rows = rows;
    this.#slots = slots;
    this.#head = head;
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
const NO_ROWS = new Int32Array(0);
/** What the first entry makes room for: bytes, and entries. */
const SMALLEST = 1_024;
const FEWEST = 16;

function powerOfTwo(atLeast: number): number {
  let power = 1;
  while (power < atLeast) power *= 2;
  return power;
}
