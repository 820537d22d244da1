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
    this.#bytes = ownBytes(text);
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

/** A latin1 text in memory of its own: a piece of Node's pool would keep all 64 KiB of it for as long as a connection lives. */
export function ownBytes(text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(text.length);
  bytes.write(text, 'latin1');
  return bytes;
}

const NO_BYTES = Buffer.alloc(0);
