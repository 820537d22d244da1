import { type Cuts, cutting, FIELD, HOP_BY_HOP } from '../field-kind.ts';
import type { FieldTable } from '../field-table.ts';
import { CR, copyBytes, LF, SP } from '../octets.ts';
import type { RequestReader } from './request-reader.ts';

/** What a request of HTTP/2 leaves behind on its way to HTTP/1.1. Host and Cookie are written anew. */
export const TO_HTTP1_CUTS: Cuts = cutting(...HOP_BY_HOP, FIELD.host, FIELD.cookie);

/**
 * Writes a request as a head of HTTP/1.1 (RFC 9113 8.3.1, 8.2.3): the authority becomes Host, the crumbs of the cookie
 * become one line; the rest is copied. `cuts` are those of {@link TO_HTTP1_CUTS} at least. `added` lines come last; a body
 * whose length nobody knows needs `transfer-encoding: chunked` among them.
 */
export function writeAsHttp1(request: RequestReader, cuts: Cuts, added: string): Buffer {
  const { fields, method } = request;
  const authorityBytes = request.authorityTo - request.authorityFrom;
  const lineBytes = method.length + 1 + request.pathTo - request.pathFrom + VERSION_AND_HOST.length;
  const target = Buffer.allocUnsafe(lineBytes + authorityBytes + 2 + fields.end + added.length + 2);
  let at = target.write(method, 'latin1');
  target[at++] = SP;
  at = copyBytes(fields.bytes, request.pathFrom, request.pathTo, target, at);
  at = copyBytes(VERSION_AND_HOST, 0, VERSION_AND_HOST.length, target, at);
  at = copyBytes(fields.bytes, request.authorityFrom, request.authorityTo, target, at);
  at = endLine(target, at);
  at = fields.copyTo(target, at, cuts);
  if (request.cookies > 0) at = writeCookie(fields, target, at);
  at += target.write(added, at, 'latin1');
  return target.subarray(0, endLine(target, at));
}

/** Not longer than the lines that it was made from. */
function writeCookie(fields: FieldTable, target: Buffer, start: number): number {
  let at = start;
  for (let index = fields.find(FIELD.cookie); index >= 0; index = fields.find(FIELD.cookie, index + 1)) {
    const before = at === start ? COOKIE : SEPARATOR;
    at = copyBytes(before, 0, before.length, target, at);
    at = copyBytes(fields.bytes, fields.valueFrom(index), fields.valueTo(index), target, at);
  }
  return endLine(target, at);
}

function endLine(target: Buffer, at: number): number {
  target[at] = CR;
  target[at + 1] = LF;
  return at + 2;
}

const VERSION_AND_HOST = Buffer.from(' HTTP/1.1\r\nhost: ');
const COOKIE = Buffer.from('cookie: ');
const SEPARATOR = Buffer.from('; ');
