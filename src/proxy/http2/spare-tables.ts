import { FieldTable } from '../codec/field-table.ts';

/** How many are kept, and how large ones. */
const SPARES = 16;
const FIELDS = 32;
const BYTES = 4_096;

/** The tables of a connection's requests, used again when a request is over. */
export class SpareTables {
  readonly #tables: FieldTable[] = [];

  /** An empty table with room for so many fields and bytes. */
  take(fields: number, bytes: number): FieldTable {
    const small = fields <= FIELDS && bytes <= BYTES;
    const spare = small ? this.#tables.pop() : undefined;
    const table = spare ?? new FieldTable(small ? FIELDS : fields);
    table.clear();
    if (table.bytes.length < bytes) table.bytes = Buffer.allocUnsafe(bytes);
    return table;
  }

  /** Nobody reads it any more. */
  give(table: FieldTable): void {
    const small = table.capacity === FIELDS && table.bytes.length <= BYTES;
    if (small && this.#tables.length < SPARES) this.#tables.push(table);
  }

  /** Keeps no more than `count`: one for the next request, or none if that will not come soon. */
  trim(count: number): void {
    if (this.#tables.length > count) this.#tables.length = count;
  }
}
