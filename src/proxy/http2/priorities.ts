import { FIELD } from '../codec/field-kind.ts';
import type { FieldTable } from '../codec/field-table.ts';
import { type Priority, parsePriority } from '../codec/http2/priority.ts';

/** Priorities that are kept for streams that have not come yet; more are not believed. */
const MOST = 32;

/** How urgent a client says its requests are (RFC 9218). */
export class Priorities {
  /** By stream. Made when a client makes use of it. */
  #early: Map<number, Priority> | null = null;

  /** A PRIORITY_UPDATE came before its stream (7.1). */
  keep(id: number, priority: Priority): void {
    this.#early ??= new Map();
    if (this.#early.size < MOST) this.#early.set(id, priority);
  }

  /** That of a new stream: from an update, which is newer, or its Priority field. Null when nothing was said. */
  take(id: number, fields: FieldTable): Priority | null {
    const early = this.#early?.get(id);
    if (early !== undefined) {
      this.#early?.delete(id);
      return early;
    }
    const text = fields.valueOf(FIELD.priority);
    return text === null ? null : parsePriority(text);
  }
}
