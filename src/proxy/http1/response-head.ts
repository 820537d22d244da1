import { STATUS_CODES } from 'node:http';
import { type Cuts, cutting, FIELD, HOP_BY_HOP } from '../codec/field-kind.ts';
import { fieldLines as writableLines } from '../codec/http1/field-line.ts';
import type { ResponseHead } from '../exchange.ts';
import type { GatheredWrites } from '../gathered-writes.ts';
import { fieldLines, filterFields } from '../raw-headers.ts';

/**
 * Writes a response head from `at` on and returns where it ends.
 *
 * @param chunked whether the body goes out in chunks: then trailers may be announced
 * @param framing whole lines to add
 */
export function writeResponseHead(
  target: GatheredWrites,
  head: ResponseHead,
  chunked: boolean,
  framing: string,
): number {
  const { status, table } = head;
  const line = statusLine(status);
  if (table === undefined) {
    const text = `${line}${writableLines(keptFields(head, chunked))}${framing}\r\n`;
    target.reserve(text.length);
    return target.at + target.bytes.write(text, target.at, 'latin1');
  }
  const added = `${head.added === undefined ? '' : fieldLines(head.added)}${framing}\r\n`;
  target.reserve(line.length + table.end + added.length);
  const { bytes } = target;
  let at = target.at + bytes.write(line, target.at, 'latin1');
  at = table.copyTo(bytes, at, cutsFor(status, chunked));
  return at + bytes.write(added, at, 'latin1');
}

/** A head that has no more than strings, such as those of interim responses. */
export function plainHead({ status, headers }: ResponseHead): string {
  return `${statusLine(status)}${writableLines(headers)}\r\n`;
}

function keptFields({ status, headers }: ResponseHead, chunked: boolean): readonly string[] {
  return filterFields(headers, (key) => {
    if (key === 'trailer') return chunked;
    // RFC 9110 8.6: never with 204.
    return key !== 'content-length' || status !== 204;
  });
}

/** The same for lines in a table, which besides may have what belongs to the upstream's connection. */
function cutsFor(status: number, chunked: boolean): Cuts {
  if (status === 204) return chunked ? CUTS_204_CHUNKED : CUTS_204;
  return chunked ? CUTS_CHUNKED : CUTS;
}

const CUTS = cutting(...HOP_BY_HOP, FIELD.trailer);
const CUTS_CHUNKED = cutting(...HOP_BY_HOP);
const CUTS_204 = cutting(...HOP_BY_HOP, FIELD.trailer, FIELD.contentLength);
const CUTS_204_CHUNKED = cutting(...HOP_BY_HOP, FIELD.contentLength);

const lines: string[] = [];

function statusLine(status: number): string {
  lines[status] ??= `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`;
  return lines[status];
}
