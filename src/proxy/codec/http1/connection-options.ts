import { FIELD } from '../field-kind.ts';
import type { FieldTable } from '../field-table.ts';
import { areAlike, ascii, COMMA, HTAB, isName, SP, TOKEN } from '../octets.ts';

/**
 * What the Connection fields of one message say (RFC 9110 7.6.1). Fields that they name are marked as removed in the
 * table: they were meant for us alone.
 */
export class ConnectionOptions {
  close = false;
  keepAlive = false;
  upgrade = false;
  /** A list that is none, or more options than anybody has. */
  invalid = false;
  /** It names Host, Content-Length or Transfer-Encoding, without which the message would be another one. */
  namesFraming = false;
  #named = 0;

  clear(): void {
    this.close = false;
    this.keepAlive = false;
    this.upgrade = false;
    this.invalid = false;
    this.namesFraming = false;
    this.#named = 0;
  }

  /** Reads one line of the table, which is a Connection field. */
  read(table: FieldTable, index: number): void {
    const bytes = table.bytes;
    const to = table.valueTo(index);
    let at = table.valueFrom(index);
    while (at < to) {
      const byte = bytes[at] ?? 0;
      if (byte === COMMA || byte === SP || byte === HTAB) {
        at += 1;
        continue;
      }
      const from = at;
      while (at < to && TOKEN[bytes[at] ?? 0] === 1) at += 1;
      const end = at;
      while (at < to && (bytes[at] === SP || bytes[at] === HTAB)) at += 1;
      if (end === from || (at < to && bytes[at] !== COMMA)) {
        this.invalid = true;
        return;
      }
      this.#take(table, from, end);
    }
  }

  #take(table: FieldTable, from: number, to: number): void {
    const bytes = table.bytes;
    if (isName(bytes, from, to, KEEP_ALIVE)) this.keepAlive = true;
    else if (isName(bytes, from, to, CLOSE)) this.close = true;
    else if (isName(bytes, from, to, UPGRADE)) this.upgrade = true;
    else if (!isName(bytes, from, to, TE)) this.#removeNamed(table, from, to);
  }

  #removeNamed(table: FieldTable, from: number, to: number): void {
    this.#named += 1;
    // Each name is looked for among all lines, so their number has to be small.
    if (this.#named > MOST_NAMED) {
      this.invalid = true;
      return;
    }
    for (let index = 0; index < table.count; index += 1) {
      const nameFrom = table.nameFrom(index);
      const nameTo = table.nameTo(index);
      if (!areAlike(table.bytes, from, to, table.bytes, nameFrom, nameTo)) continue;
      if (FRAMING.includes(table.kind(index))) this.namesFraming = true;
      else if (!KEPT.includes(table.kind(index))) table.remove(index);
    }
  }
}

const MOST_NAMED = 16;

const CLOSE = ascii('close');
const KEEP_ALIVE = ascii('keep-alive');
const UPGRADE = ascii('upgrade');
const TE = ascii('te');

/**
 * Not removed: a line that has yet to be read and that no writer passes on anyway, and fields without which the body
 * would mean something else.
 */
const KEPT: readonly number[] = [FIELD.connection, FIELD.contentType, FIELD.contentEncoding];

const FRAMING: readonly number[] = [FIELD.host, FIELD.contentLength, FIELD.transferEncoding];
