import { FieldTable } from '../field-table.ts';
import { HEAD_ONLY } from '../head-only.ts';
import type { Fault, Verdict } from './faults.ts';
import { FieldLines } from './field-lines.ts';

/** Bounds of a trailer section. */
export const TRAILER_LIMITS = { bytes: 8_192, fields: 32 } as const;

/** Reads the trailer section after the last chunk (RFC 9112 7.1.2), with the empty line that ends it. */
export class TrailerParser {
  readonly fields = new FieldTable(TRAILER_LIMITS.fields);
  fault: Fault = 'trailer-forbidden';
  length = 0;
  readonly #lines = new FieldLines(this.fields);
  readonly #forbidden: ReadonlySet<number>;

  /** @param forbidden kinds of fields that are a fault here; whoever takes fewer must drop the others himself */
  constructor(forbidden: ReadonlySet<number> = HEAD_ONLY) {
    this.#forbidden = forbidden;
  }

  reset(): void {
    this.fields.release();
    this.#lines.start(0);
  }

  parse(bytes: Buffer, from: number, to: number): Verdict {
    this.fields.bytes = bytes;
    this.fields.base = from;
    const limit = Math.min(to - from, TRAILER_LIMITS.bytes);
    const verdict = this.#lines.read(limit);
    if (verdict === 'fault') {
      const fault = this.#lines.fault;
      return this.#fail(fault === 'too-many-fields' ? 'trailers-too-large' : fault);
    }
    if (verdict === 'more') return limit < TRAILER_LIMITS.bytes ? 'more' : this.#fail('trailers-too-large');
    this.length = this.#lines.at;
    return this.fields.count > 0 && this.#namesForbidden() ? this.#fail('trailer-forbidden') : 'done';
  }

  #namesForbidden(): boolean {
    for (let index = 0; index < this.fields.count; index += 1) {
      if (this.#forbidden.has(this.fields.kind(index))) return true;
    }
    return false;
  }

  #fail(fault: Fault): 'fault' {
    this.fault = fault;
    return 'fault';
  }
}
