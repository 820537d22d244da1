import { STATUS_CODES } from 'node:http';
import { type Cuts, cutting, HOP_BY_HOP } from '../field-kind.ts';
import { CR, LF } from '../octets.ts';
import { fieldLines } from './field-line.ts';
import type { RequestParser } from './request-parser.ts';
import type { ResponseParser } from './response-parser.ts';

/**
 * Writes parsed heads again, for the next hop, into one Buffer.
 *
 * Lines of the kinds in `cuts` and lines that were marked as removed are left out, `added` lines (see `fieldLine`) come
 * last; everything else goes on byte for byte. The first bytes of the body can be put behind the head, so that both
 * leave in one write.
 * Nothing here decides about framing: whoever cuts `transfer-encoding` adds what is true for the next hop.
 */
export function writeRequest(
  head: RequestParser,
  cuts: Cuts,
  added: string,
  body: Buffer = NO_BYTES,
  bodyFrom = 0,
  bodyTo: number = body.length,
): Buffer {
  const { fields } = head;
  const verbatim = head.target.form !== 'absolute' && head.minorVersion === 1;
  const line = verbatim ? '' : requestLine(head);
  const lineLength = verbatim ? head.fieldsFrom - head.lineFrom : line.length;
  const target = Buffer.allocUnsafe(lineLength + fields.end + added.length + 2 + bodyTo - bodyFrom);
  let at = 0;
  if (verbatim) at = fields.bytes.copy(target, 0, fields.base + head.lineFrom, fields.base + head.fieldsFrom);
  else at = target.write(line, 0, 'latin1');
  at = fields.copyTo(target, at, cuts);
  return finish(target, at, added, body, bodyFrom, bodyTo);
}

/**
 * The same for a response. The status line becomes one of HTTP/1.1, with the space that RFC 9112 4 wants even without
 * a reason phrase.
 */
export function writeResponse(
  head: ResponseParser,
  cuts: Cuts,
  added: string,
  body: Buffer = NO_BYTES,
  bodyFrom = 0,
  bodyTo: number = body.length,
): Buffer {
  const { fields } = head;
  const line = head.lineIsWhole ? '' : `HTTP/1.1 ${head.status} ${head.reason()}\r\n`;
  const lineLength = head.lineIsWhole ? head.fieldsFrom : line.length;
  const target = Buffer.allocUnsafe(lineLength + fields.end + added.length + 2 + bodyTo - bodyFrom);
  let at = 0;
  if (head.lineIsWhole) at = fields.bytes.copy(target, 0, fields.base, fields.base + head.fieldsFrom);
  else at = target.write(line, 0, 'latin1');
  at = fields.copyTo(target, at, cuts);
  return finish(target, at, added, body, bodyFrom, bodyTo);
}

/**
 * Writes a response head of which there are only strings: `headers` is name, value, name, value …, `added` are whole lines.
 * Fields that cannot be written are left out, so that none can make lines of its own.
 */
export function writeNewResponse(status: number, headers: readonly string[], added: string): Buffer {
  const reason = STATUS_CODES[status] ?? '';
  return Buffer.from(`HTTP/1.1 ${status} ${reason}\r\n${fieldLines(headers)}${added}\r\n`, 'latin1');
}

/** The same for a request. `method` is a token, `path` in the origin form; nothing is checked about them. */
export function writeNewRequest(
  method: string,
  path: string,
  headers: readonly string[],
  added: string,
): Buffer {
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${fieldLines(headers)}${added}\r\n`, 'latin1');
}

/** What goes no further in either direction: the fields of one connection, and names that only look like others. */
export const FORWARD_CUTS: Cuts = cutting(...HOP_BY_HOP);

/** To add when the body goes on in chunks. */
export const CHUNKED_LINE = 'transfer-encoding: chunked\r\n';

/** To add when the connection ends after this message. */
export const CLOSE_LINE = 'connection: close\r\n';

function requestLine(head: RequestParser): string {
  const target = head.target.form === 'authority' ? head.targetText() : head.path();
  return `${head.method} ${target} HTTP/1.1\r\n`;
}

function finish(
  target: Buffer,
  headTo: number,
  added: string,
  body: Buffer,
  bodyFrom: number,
  bodyTo: number,
): Buffer {
  let at = headTo;
  at += target.write(added, at, 'latin1');
  target[at] = CR;
  target[at + 1] = LF;
  at += 2;
  if (bodyTo > bodyFrom) at += body.copy(target, at, bodyFrom, bodyTo);
  return target.subarray(0, at);
}

const NO_BYTES = Buffer.alloc(0);
