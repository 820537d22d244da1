import { FIELD } from '../codec/field-kind.ts';
import { FieldTable } from '../codec/field-table.ts';
import { isPseudo } from '../codec/http2/message-faults.ts';
import type { RequestReader } from '../codec/http2/request-reader.ts';
import { COLON, CR, copyBytes, LF, SP } from '../codec/octets.ts';

/**
 * The fields of a request in memory of their own, as HTTP/1.1 would have them: `Host` first, which is the authority
 * (RFC 9113 8.3.1); the crumbs of a cookie as one line (8.2.3); no pseudo-fields. The decoded list is free for the next
 * request after that.
 *
 * @param added one more field, whose own lines of the client are left out
 */
export function requestFields(
  request: RequestReader,
  added: { readonly name: string; readonly value: string } | null = null,
): FieldTable {
  const { fields } = request;
  const authorityBytes = request.authorityTo - request.authorityFrom;
  const addedBytes = added === null ? 0 : added.name.length + added.value.length + 4;
  const table = new FieldTable(fields.count + 2);
  const target = Buffer.allocUnsafe(HOST.length + authorityBytes + 4 + fields.end + addedBytes);
  table.bytes = target;
  copyLine(table, HOST, 0, HOST.length, fields.bytes, request.authorityFrom, request.authorityTo, FIELD.host);
  let cookieSeen = false;
  for (let index = 0; index < fields.count; index += 1) {
    const kind = fields.kind(index);
    if (isPseudo(kind) || kind === FIELD.host) continue;
    if (kind === FIELD.cookie && request.cookies > 1) {
      if (!cookieSeen) joinCookies(fields, table, index);
      cookieSeen = true;
      continue;
    }
    if (added !== null && fields.name(index) === added.name) continue;
    copyLine(
      table,
      fields.bytes,
      fields.nameFrom(index),
      fields.nameTo(index),
      fields.bytes,
      fields.valueFrom(index),
      fields.valueTo(index),
      kind,
    );
  }
  if (added !== null) addLine(table, added.name, added.value);
  return table;
}

/** Not longer than the lines that it was made from. */
function joinCookies(fields: FieldTable, table: FieldTable, first: number): void {
  const { bytes, end } = table;
  let at = copyBytes(fields.bytes, fields.nameFrom(first), fields.nameTo(first), bytes, end);
  const nameTo = at;
  bytes[at] = COLON;
  bytes[at + 1] = SP;
  at += 2;
  const valueFrom = at;
  for (let index = first; index >= 0; index = fields.find(FIELD.cookie, index + 1)) {
    if (at > valueFrom) at = copyBytes(SEPARATOR, 0, SEPARATOR.length, bytes, at);
    at = copyBytes(fields.bytes, fields.valueFrom(index), fields.valueTo(index), bytes, at);
  }
  bytes[at] = CR;
  bytes[at + 1] = LF;
  table.push(end, nameTo, valueFrom, at, FIELD.cookie, at + 2);
}

function copyLine(
  table: FieldTable,
  name: Buffer,
  nameFrom: number,
  nameTo: number,
  value: Buffer,
  valueFrom: number,
  valueTo: number,
  kind: number,
): void {
  const { bytes, end } = table;
  const nameEnd = copyBytes(name, nameFrom, nameTo, bytes, end);
  bytes[nameEnd] = COLON;
  bytes[nameEnd + 1] = SP;
  const valueEnd = copyBytes(value, valueFrom, valueTo, bytes, nameEnd + 2);
  bytes[valueEnd] = CR;
  bytes[valueEnd + 1] = LF;
  table.push(end, nameEnd, nameEnd + 2, valueEnd, kind, valueEnd + 2);
}

function addLine(table: FieldTable, name: string, value: string): void {
  const { bytes, end } = table;
  const length = bytes.write(`${name}: ${value}\r\n`, end, 'latin1');
  const nameTo = end + name.length;
  table.push(end, nameTo, nameTo + 2, end + length - 2, FIELD.other, end + length);
}

const HOST = Buffer.from('host');
const SEPARATOR = Buffer.from('; ');
