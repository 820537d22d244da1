import { kindOf } from '../field-kind.ts';
import type { FieldTable } from '../field-table.ts';
import { COLON, CR, FIELD_CONTENT, HTAB, LF, SP, TOKEN } from '../octets.ts';
import type { Fault, Verdict } from './faults.ts';

/**
 * Reads field lines up to and with the empty line that ends them (RFC 9112 5), for heads and for trailers.
 *
 * It looks at every byte once or twice, however they arrive, and finds a fault at the first byte that is wrong. Only CRLF ends
 * a line; folded lines, white space before the colon and control characters are refused, as RFC 9112 allows or
 * demands.
 */
export class FieldLines {
  readonly table: FieldTable;
  fault: Fault = 'field-name-invalid';
  /** The next byte to look at, relative to the base of the table. */
  at = 0;
  #state: State = LINE;
  #nameFrom = 0;
  #nameTo = 0;
  #valueFrom = 0;

  constructor(table: FieldTable) {
    this.table = table;
  }

  /** Begins anew at an offset relative to the base of the table. */
  start(at: number): void {
    this.at = at;
    this.#state = LINE;
    this.table.clear();
    this.table.start = at;
    this.table.end = at;
  }

  /** Reads on up to `limit`, relative to the base of the table, whose `bytes` hold all since `start`. */
  read(limit: number): Verdict {
    const { bytes, base } = this.table;
    const end = base + limit;
    let at = base + this.at;
    let state = this.#state;
    for (;;) {
      if (state === LINE) at = this.#readWhole(bytes, at, end);
      // The inner loops leave at `end` too: then there is no byte, and the state is kept for the next piece.
      if (state === NAME) while (at < end && TOKEN[bytes[at] ?? 0] === 1) at += 1;
      else if (state === SPACE) while (at < end && isBlank(bytes[at])) at += 1;
      else if (state === VALUE) while (at < end && FIELD_CONTENT[bytes[at] ?? 0] === 1) at += 1;
      if (at >= end) break;
      const byte = bytes[at];
      switch (state) {
        case LINE:
          if (byte === CR) {
            state = LAST_LF;
            at += 1;
            break;
          }
          if (byte === LF) return this.#fail('bare-lf');
          if (isBlank(byte)) return this.#fail(this.table.count === 0 ? 'space-before-field' : 'obs-fold');
          if (this.table.count === this.table.capacity) return this.#fail('too-many-fields');
          this.#nameFrom = at - base;
          state = NAME;
          break;
        case NAME:
          this.#nameTo = at - base;
          if (byte !== COLON) return this.#fail(nameFault(byte));
          if (this.#nameTo === this.#nameFrom) return this.#fail('field-name-missing');
          state = SPACE;
          at += 1;
          break;
        case SPACE:
          this.#valueFrom = at - base;
          state = VALUE;
          break;
        case VALUE:
          if (byte !== CR) return this.#fail(byte === LF ? 'bare-lf' : 'control-byte');
          state = LINE_LF;
          at += 1;
          break;
        case LINE_LF:
          if (byte !== LF) return this.#fail('bare-cr');
          at += 1;
          this.#add(at);
          state = LINE;
          break;
        case LAST_LF:
          if (byte !== LF) return this.#fail('bare-cr');
          this.at = at + 1 - base;
          return 'done';
        default:
          return state satisfies never;
      }
    }
    this.at = at - base;
    this.#state = state;
    return 'more';
  }

  /**
   * Passes over the lines that have come whole and look as nearly all lines do. Where it stops, it is for whoever looks at
   * each byte to say what is wrong, if anything is.
   */
  #readWhole(bytes: Buffer, from: number, end: number): number {
    const { table } = this;
    const { base } = table;
    let lineFrom = from;
    while (table.count < table.capacity) {
      let at = lineFrom;
      while (at < end && TOKEN[bytes[at] ?? 0] === 1) at += 1;
      const nameTo = at;
      const valueFrom = nameTo + 2;
      if (nameTo === lineFrom || valueFrom >= end) break;
      if (bytes[nameTo] !== COLON || bytes[nameTo + 1] !== SP || isBlank(bytes[valueFrom])) break;
      at = valueFrom;
      while (at < end && FIELD_CONTENT[bytes[at] ?? 0] === 1) at += 1;
      if (at + 1 >= end || bytes[at] !== CR || bytes[at + 1] !== LF || isBlank(bytes[at - 1])) break;
      const kind = kindOf(bytes, lineFrom, nameTo);
      table.push(lineFrom - base, nameTo - base, valueFrom - base, at - base, kind, at + 2 - base);
      lineFrom = at + 2;
    }
    return lineFrom;
  }

  #add(lineEnd: number): void {
    const { bytes, base } = this.table;
    const valueFrom = this.#valueFrom;
    let valueTo = lineEnd - 2 - base;
    while (valueTo > valueFrom && isBlank(bytes[base + valueTo - 1])) valueTo -= 1;
    const kind = kindOf(bytes, base + this.#nameFrom, base + this.#nameTo);
    this.table.push(this.#nameFrom, this.#nameTo, valueFrom, valueTo, kind, lineEnd - base);
  }

  #fail(fault: Fault): 'fault' {
    this.fault = fault;
    return 'fault';
  }
}

type State = typeof LINE | typeof NAME | typeof SPACE | typeof VALUE | typeof LINE_LF | typeof LAST_LF;
const LINE = 0;
const NAME = 1;
const SPACE = 2;
const VALUE = 3;
const LINE_LF = 4;
const LAST_LF = 5;

function isBlank(byte: number | undefined): boolean {
  return byte === SP || byte === HTAB;
}

function nameFault(byte: number | undefined): Fault {
  if (byte === LF) return 'bare-lf';
  return isBlank(byte) ? 'space-before-colon' : 'field-name-invalid';
}
