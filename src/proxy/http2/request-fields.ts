import { FIELD } from '../codec/field-kind.ts';
import { FieldTable, ROW } from '../codec/field-table.ts';
import { isPseudo } from '../codec/http2/message-faults.ts';
import type { RequestReader } from '../codec/http2/request-reader.ts';
import { COLON, CR, copyBytes, LF, SLASH, SP } from '../codec/octets.ts';
import type { SpareTables } from './spare-tables.ts';

/** One more field, instead of those that the client has of this name. */
export interface AddedField {
  readonly name: string;
  readonly value: string;
}

/**
 * A request in memory of its own, as HTTP/1.1 would have it: the start line; `Host`, which is the authority (RFC 9113
 * 8.3.1); the crumbs of a cookie as one line (8.2.3); no pseudo-fields. The decoded list is free for the next request
 * after that.
 */
export function requestFields(
  request: RequestReader,
  method: string,
  tables: SpareTables,
  added: AddedField | null = null,
): FieldTable {
  const { fields, pathFrom, pathTo, authorityFrom, authorityTo } = request;
  const addedBytes = added === null ? 0 : added.name.length + added.value.length + 4;
  const lineBytes = method.length + pathTo - pathFrom + authorityTo - authorityFrom + OVERHEAD;
  const table = tables.take(fields.count + 2, lineBytes + fields.end + addedBytes);
  writeStart(table, request, method);
  const index = firstRegular(fields);
  if (added === null && request.cookies <= 1 && fields.find(FIELD.host) < 0) copyLines(fields, index, table);
  else copyEach(request, index, table, added);
  return table;
}

/** A table with no more than a Host, or nothing at all. */
export function hostTable(host: string | null): FieldTable {
  const table = new FieldTable(1);
  const value = Buffer.from(host ?? '', 'latin1');
  table.bytes = Buffer.allocUnsafe(value.length + OVERHEAD);
  if (host !== null) addLine(table, HOST, 0, HOST.length, value, 0, value.length, FIELD.host);
  return table;
}

/** `GET /path HTTP/1.1` and `Host: authority`. */
function writeStart(table: FieldTable, request: RequestReader, method: string): void {
  const { fields, pathFrom, pathTo, authorityFrom, authorityTo } = request;
  const { bytes } = table;
  let at = bytes.write(method, 0, 'latin1');
  bytes[at++] = SP;
  at = copyBytes(fields.bytes, pathFrom, pathTo, bytes, at);
  at = copyBytes(VERSION, 0, VERSION.length, bytes, at);
  table.start = at;
  table.end = at;
  // What is no path stands in no request for the next hop.
  table.lineFrom = fields.bytes[pathFrom] === SLASH && pathTo > pathFrom ? 0 : -1;
  addLine(table, HOST, 0, HOST.length, fields.bytes, authorityFrom, authorityTo, FIELD.host);
}

/** Pseudo-fields come first (RFC 9113 8.3). */
function firstRegular(fields: FieldTable): number {
  let index = 0;
  while (index < fields.count && isPseudo(fields.kind(index))) index += 1;
  return index;
}

/** Copies all lines from `first` on: they lie one behind the other. */
function copyLines(fields: FieldTable, first: number, table: FieldTable): void {
  if (first === fields.count) return;
  const { rows, base } = fields;
  const from = rows[first * ROW.size + ROW.nameFrom] ?? 0;
  const shift = table.end - from;
  copyBytes(fields.bytes, base + from, base + fields.end, table.bytes, table.end);
  for (let index = first; index < fields.count; index += 1) {
    const row = index * ROW.size;
    const nameFrom = (rows[row + ROW.nameFrom] ?? 0) + shift;
    const nameTo = (rows[row + ROW.nameTo] ?? 0) + shift;
    const valueFrom = (rows[row + ROW.valueFrom] ?? 0) + shift;
    const valueTo = (rows[row + ROW.valueTo] ?? 0) + shift;
    table.push(nameFrom, nameTo, valueFrom, valueTo, rows[row + ROW.kind] ?? 0, valueTo + 2);
  }
}

function copyEach(request: RequestReader, first: number, table: FieldTable, added: AddedField | null): void {
  const { fields } = request;
  let cookieSeen = false;
  for (let index = first; index < fields.count; index += 1) {
    const kind = fields.kind(index);
    if (kind === FIELD.host || (added !== null && fields.name(index) === added.name)) continue;
    if (kind !== FIELD.cookie || request.cookies === 1) {
      copyLine(fields, index, table);
    } else if (!cookieSeen) {
      cookieSeen = true;
      joinCookies(fields, table, index);
    }
  }
  if (added === null) return;
  const line = Buffer.from(`${added.name}${added.value}`, 'latin1');
  const nameTo = added.name.length;
  addLine(table, line, 0, nameTo, line, nameTo, line.length, FIELD.other);
}

/** Not longer than the lines that it was made from. */
function joinCookies(fields: FieldTable, table: FieldTable, first: number): void {
  const { bytes } = table;
  copyLine(fields, first, table);
  const row = (table.count - 1) * ROW.size;
  let at = table.rows[row + ROW.valueTo] ?? 0;
  for (let index = fields.find(FIELD.cookie, first + 1); index >= 0; ) {
    at = copyBytes(SEPARATOR, 0, SEPARATOR.length, bytes, at);
    at = copyBytes(fields.bytes, fields.valueFrom(index), fields.valueTo(index), bytes, at);
    index = fields.find(FIELD.cookie, index + 1);
  }
  bytes[at] = CR;
  bytes[at + 1] = LF;
  table.rows[row + ROW.valueTo] = at;
  table.end = at + 2;
}

function copyLine(fields: FieldTable, index: number, table: FieldTable): void {
  const { bytes } = fields;
  const nameFrom = fields.nameFrom(index);
  const nameTo = fields.nameTo(index);
  const valueFrom = fields.valueFrom(index);
  addLine(table, bytes, nameFrom, nameTo, bytes, valueFrom, fields.valueTo(index), fields.kind(index));
}

function addLine(
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

const VERSION = Buffer.from(' HTTP/1.1\r\n');
const HOST = Buffer.from('Host');
const SEPARATOR = Buffer.from('; ');

/** What stands in the first two lines besides method, path and authority. */
const OVERHEAD = VERSION.length + HOST.length + 5;
