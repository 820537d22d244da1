import { type Cuts, cutting, FIELD, HOP_BY_HOP } from '../field-kind.ts';
import type { FieldTable } from '../field-table.ts';
import type { RequestReader } from './request-reader.ts';

/** What a request of HTTP/2 leaves behind on its way to HTTP/1.1. Host and Cookie are written anew. */
export const TO_HTTP1_CUTS: Cuts = cutting(...HOP_BY_HOP, FIELD.host, FIELD.cookie);

/**
 * Writes a request as a head of HTTP/1.1 (RFC 9113 8.3.1, 8.2.3): the authority becomes Host, the crumbs of the cookie
 * become one line; the rest is copied. `cuts` are those of {@link TO_HTTP1_CUTS} at least. `added` lines come last; a body
 * whose length nobody knows needs `transfer-encoding: chunked` among them.
 */
export function writeAsHttp1(request: RequestReader, cuts: Cuts, added: string): Buffer {
  const { fields } = request;
  const start = `${request.method} ${request.path()} HTTP/1.1\r\nhost: ${request.authority()}\r\n`;
  const target = Buffer.allocUnsafe(start.length + fields.end + added.length + 2);
  let at = target.write(start, 'latin1');
  at = fields.copyTo(target, at, cuts);
  if (request.cookies > 0) at = writeCookie(fields, target, at);
  at += target.write(added, at, 'latin1');
  at += target.write('\r\n', at, 'latin1');
  return target.subarray(0, at);
}

/** Shorter than the lines that it was made from. */
function writeCookie(fields: FieldTable, target: Buffer, start: number): number {
  let at = start;
  for (let index = fields.find(FIELD.cookie); index >= 0; index = fields.find(FIELD.cookie, index + 1)) {
    at += target.write(at === start ? 'cookie: ' : '; ', at, 'latin1');
    at += fields.bytes.copy(target, at, fields.valueFrom(index), fields.valueTo(index));
  }
  return at + target.write('\r\n', at, 'latin1');
}
