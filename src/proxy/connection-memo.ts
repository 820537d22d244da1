import type { ServingSettings } from '../snapshot/snapshot.ts';
import { type Authority, parseAuthority } from './authority.ts';
import type { FieldTable } from './codec/field-table.ts';

/**
 * What was worked out for the last request of a connection and as a rule holds for the next one: whom it is for, and
 * what the upstream is told about the client.
 */
export class ConnectionMemo {
  told: ToldFields | null = null;
  #authority: Authority | null = null;
  /** Its text. */
  #bytes: Buffer = NO_BYTES;

  /** The authority that a line of `table` names, or null when that cannot be a host. */
  authorityOf(table: FieldTable, line: number): Authority | null {
    if (this.#authority !== null && this.#isText(table, line)) return this.#authority;
    const text = table.value(line);
    this.#authority = parseAuthority(text);
    this.#bytes = Buffer.from(text, 'latin1');
    return this.#authority;
  }

  #isText(table: FieldTable, line: number): boolean {
    const known = this.#bytes;
    const { bytes } = table;
    const from = table.valueFrom(line);
    if (table.valueTo(line) - from !== known.length) return false;
    for (let index = 0; index < known.length; index += 1) {
      if (bytes[from + index] !== known[index]) return false;
    }
    return true;
  }
}

/** `Host` and what rigil says about the client: for one host, by one set of settings. */
export interface ToldFields {
  readonly authority: Authority;
  readonly settings: ServingSettings;
  /** Name, value …; `Host` first. */
  readonly headers: readonly string[];
  /** All but `Host`, as lines. */
  readonly lines: Buffer;
}

const NO_BYTES = Buffer.alloc(0);
