import type { Cuts } from './field-kind.ts';
import { FIELD } from './field-kind.ts';
import { copyBytes, isName } from './octets.ts';

/**
 * The field lines of one message where they lie: offsets into a Buffer, five numbers a line. Made once a connection
 * and filled again for every message.
 *
 * Each line is `name:value CRLF` in `bytes`, one after the other, so that lines that stay together are copied
 * together. Offsets are relative to `base`; whoever reads them adds it. They hold as long as nobody writes over
 * `bytes`: what shall outlive that must be taken as a string or copied.
 */
export class FieldTable {
  bytes: Buffer = NO_BYTES;
  /** Where the message begins in `bytes`. */
  base = 0;
  /** How many lines there are. */
  count = 0;
  /** Where the first line begins, relative to `base`. */
  start = 0;
  /** Where the last line ends, relative to `base`. */
  end = 0;
  /**
   * Where a start line begins, relative to `base`, that ends at `start` and can go on to the next hop byte for byte; -1
   * when there is none.
   */
  lineFrom = -1;
  /** See {@link ROW}. None while the table is empty. */
  rows: Int32Array = NO_ROWS;
  /** How many lines there is room for. */
  readonly capacity: number;
  readonly #spares: Int32Array[];

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#spares = sparesFor(capacity);
  }

  clear(): void {
    this.count = 0;
    this.start = 0;
    this.end = 0;
    this.lineFrom = -1;
  }

  /**
   * Empties the table and lets go of the bytes, which may be large and of no more use to anybody, and of the rows, since
   * thousands of connections may wait for their next message.
   */
  release(): void {
    this.clear();
    this.bytes = NO_BYTES;
    if (this.rows.length === 0) return;
    if (this.#spares.length < SPARES) this.#spares.push(this.rows);
    this.rows = NO_ROWS;
  }

  /** Adds a line; there must be room for it. `to` is the end of the line. */
  push(nameFrom: number, nameTo: number, valueFrom: number, valueTo: number, kind: number, to: number): void {
    if (this.rows.length === 0) this.rows = this.#spares.pop() ?? new Int32Array(this.capacity * ROW.size);
    const rows = this.rows;
    const row = this.count * ROW.size;
    rows[row + ROW.nameFrom] = nameFrom;
    rows[row + ROW.nameTo] = nameTo;
    rows[row + ROW.valueFrom] = valueFrom;
    rows[row + ROW.valueTo] = valueTo;
    rows[row + ROW.kind] = kind;
    this.count += 1;
    this.end = to;
  }

  /** One of {@link FIELD}. */
  kind(index: number): number {
    return this.rows[index * ROW.size + ROW.kind] ?? 0;
  }

  /** In the spelling in which it came. */
  name(index: number): string {
    return this.text(this.#at(index, ROW.nameFrom), this.#at(index, ROW.nameTo));
  }

  /** Without the white space around it; each character stands for one byte (latin1). */
  value(index: number): string {
    return this.text(this.#at(index, ROW.valueFrom), this.#at(index, ROW.valueTo));
  }

  /** Where the value begins in `bytes`. */
  valueFrom(index: number): number {
    return this.base + this.#at(index, ROW.valueFrom);
  }

  valueTo(index: number): number {
    return this.base + this.#at(index, ROW.valueTo);
  }

  nameFrom(index: number): number {
    return this.base + this.#at(index, ROW.nameFrom);
  }

  nameTo(index: number): number {
    return this.base + this.#at(index, ROW.nameTo);
  }

  /** The first line of a kind at or after `start`, or -1. */
  find(kind: number, start = 0): number {
    for (let index = start; index < this.count; index += 1) {
      if (this.rows[index * ROW.size + ROW.kind] === kind) return index;
    }
    return -1;
  }

  /** The value of the first line of a kind, or null. */
  valueOf(kind: number): string | null {
    const index = this.find(kind);
    return index < 0 ? null : this.value(index);
  }

  /** The first line with a name (ASCII in lower case, see `ascii`) at or after `start`, or -1. For any name. */
  findName(name: Uint8Array, start = 0): number {
    for (let index = start; index < this.count; index += 1) {
      if (isName(this.bytes, this.nameFrom(index), this.nameTo(index), name)) return index;
    }
    return -1;
  }

  /** Leaves a line out of everything that is written from this table. */
  remove(index: number): void {
    this.rows[index * ROW.size + ROW.kind] = FIELD.removed;
  }

  /** Name, value, name, value …, without the lines of the kinds in `cuts`. */
  toRawHeaders(cuts: Cuts): string[] {
    const raw: string[] = [];
    for (let index = 0; index < this.count; index += 1) {
      if (cuts[this.kind(index)] !== 1) raw.push(this.name(index), this.value(index));
    }
    return raw;
  }

  /**
   * Copies the lines that are not of a kind in `cuts`, byte for byte, to `target` and returns the offset after them.
   * There must be room for `end` bytes.
   */
  copyTo(target: Buffer, at: number, cuts: Cuts): number {
    return this.#copy(target, at, cuts, 0, -1);
  }

  /** The same with the start line, which there must be, and the first line, of whatever kind it is. */
  copyWithStartTo(target: Buffer, at: number, cuts: Cuts): number {
    return this.#copy(target, at, cuts, 1, this.lineFrom);
  }

  /** Copies the start line, which there must be, and the line at `index`. */
  copyStartAndLineTo(target: Buffer, at: number, index: number): number {
    const { bytes, base } = this;
    const written = at + bytes.copy(target, at, base + this.lineFrom, base + this.start);
    const to = index + 1 < this.count ? this.nameFrom(index + 1) : base + this.end;
    return copyBytes(bytes, this.nameFrom(index), to, target, written);
  }

  /** Lines that stay together are copied together, from `first` on and with what lies before it from `runFrom`, if that is not -1. */
  #copy(target: Buffer, at: number, cuts: Cuts, first: number, from: number): number {
    const { rows, count, base, bytes } = this;
    let written = at;
    let runFrom = from;
    for (let index = first; index < count; index += 1) {
      const row = index * ROW.size;
      const nameFrom = rows[row + ROW.nameFrom] ?? 0;
      if (cuts[rows[row + ROW.kind] ?? 0] !== 1) {
        if (runFrom < 0) runFrom = nameFrom;
      } else if (runFrom >= 0) {
        written += bytes.copy(target, written, base + runFrom, base + nameFrom);
        runFrom = -1;
      }
    }
    if (runFrom >= 0) written += bytes.copy(target, written, base + runFrom, base + this.end);
    return written;
  }

  /** The bytes of a range relative to `base` as a string. */
  text(from: number, to: number): string {
    return this.bytes.toString('latin1', this.base + from, this.base + to);
  }

  #at(index: number, column: number): number {
    return this.rows[index * ROW.size + column] ?? 0;
  }
}

/** The columns of a row. A line ends where the next one begins, the last one at `end`. */
export const ROW = { nameFrom: 0, nameTo: 1, valueFrom: 2, valueTo: 3, kind: 4, size: 5 } as const;

const NO_BYTES = Buffer.alloc(0);
const NO_ROWS = new Int32Array(0);

/** So many rows that no table uses are kept, of each capacity. */
const SPARES = 64;
const spares = new Map<number, Int32Array[]>();

function sparesFor(capacity: number): Int32Array[] {
  const known = spares.get(capacity);
  if (known !== undefined) return known;
  const made: Int32Array[] = [];
  spares.set(capacity, made);
  return made;
}
