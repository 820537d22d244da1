import type { FieldTable } from './codec/field-table.ts';
import { FORWARD_CUTS } from './codec/http1/head-writer.ts';
import type { RawHeaders, ResponseHead } from './exchange.ts';

/** A response head as it came from an upstream; its fields become strings only when somebody asks. */
export class TableHead implements ResponseHead {
  readonly status: number;
  readonly table: FieldTable;
  readonly added: RawHeaders;
  readonly last: boolean;
  #headers: RawHeaders | null = null;

  constructor(status: number, table: FieldTable, added: RawHeaders = [], last = false) {
    this.status = status;
    this.table = table;
    this.added = added;
    this.last = last;
  }

  get headers(): RawHeaders {
    this.#headers ??= [...this.table.toRawHeaders(FORWARD_CUTS), ...this.added];
    return this.#headers;
  }
}
