import { FieldTable } from '../../field-table.ts';
import { COLON, CR, LF, SP } from '../../octets.ts';
import { ENTRY_OVERHEAD } from './dynamic-table.ts';

/** Bounds of one decoded header list. */
export interface ListLimits {
  /** As RFC 9113 6.5.2 counts: names, values, and 32 for each field. To be announced as MAX_HEADER_LIST_SIZE. */
  readonly bytes: number;
  readonly fields: number;
}

/** 16 KiB and 100 fields, as in HTTP/1, with room for pseudo-fields and for a cookie in many crumbs. */
export const LIST_LIMITS: ListLimits = { bytes: 16_384, fields: 160 };

/**
 * Where a header list is decoded to. The fields are laid out as lines of HTTP/1.1 (`name: value CRLF`), so that they can
 * be copied into a head as they are.
 *
 * One is enough for all connections of a thread, if each list is used up before the next is decoded: it is the
 * largest thing in the codec, and nothing in it outlives the moment.
 */
export class HeaderList {
  readonly fields: FieldTable;
  /** The list was longer than the limits. What there is of it is no message. */
  tooLarge = false;
  #limits: ListLimits;
  /** As RFC 9113 6.5.2 counts. */
  #size = 0;

  constructor(limits: ListLimits = LIST_LIMITS) {
    this.#limits = limits;
    this.fields = new FieldTable(limits.fields);
    this.fields.bytes = Buffer.allocUnsafeSlow(limits.bytes * 2);
  }

  clear(): void {
    this.fields.clear();
    this.tooLarge = false;
    this.#size = 0;
  }

  /** Makes room for `length` bytes at `end`. The bytes move, if they must. */
  reserve(length: number): Buffer {
    const { bytes, end } = this.fields;
    if (end + length <= bytes.length) return bytes;
    // A field that is being decoded lies behind the end already.
    const larger = Buffer.allocUnsafeSlow(Math.max(end + length, 2 * bytes.length));
    bytes.copy(larger);
    this.fields.bytes = larger;
    return larger;
  }

  /** Whether a field of these sizes still fits; if not, the list is too large from now on. */
  fits(nameLength: number, valueLength: number): boolean {
    if (this.tooLarge) return false;
    const size = this.#size + nameLength + valueLength + ENTRY_OVERHEAD;
    if (size > this.#limits.bytes || this.fields.count === this.fields.capacity) {
      this.tooLarge = true;
      return false;
    }
    this.#size = size;
    return true;
  }

  /** Adds the field whose name ends at `nameTo` and whose value lies between the other two; the rest is put around. */
  add(nameTo: number, valueFrom: number, valueTo: number, kind: number): void {
    const { bytes, end } = this.fields;
    bytes[nameTo] = COLON;
    bytes[nameTo + 1] = SP;
    bytes[valueTo] = CR;
    bytes[valueTo + 1] = LF;
    this.fields.push(end, nameTo, valueFrom, valueTo, kind, valueTo + 2);
  }
}
