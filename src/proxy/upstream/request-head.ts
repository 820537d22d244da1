import { type Cuts, cutting, FIELD, HOP_BY_HOP } from '../codec/field-kind.ts';
import { fieldLines as writableLines } from '../codec/http1/field-line.ts';
import { filterFields } from '../raw-headers.ts';
import { framingLines } from './framing.ts';
import type { UpstreamRequest } from './upstreams.ts';

/** The bytes of a request's head. Fields that cannot be written are left out, so that none can make lines of its own. */
export function requestHead(request: UpstreamRequest): Buffer {
  const { method, path, headers, passed } = request;
  const line = `${method} ${path} HTTP/1.1\r\n`;
  const framing = framingLines(request);
  if (passed === undefined) {
    return Buffer.from(`${line}${writableLines(endToEndFields(request))}${framing}\r\n`, 'latin1');
  }
  // All of this is our own, or was read by our parser.
  const first = `${line}${headers[0]}: ${headers[1]}\r\n`;
  let last = '';
  for (let index = 2; index < headers.length; index += 2)
    last += `${headers[index]}: ${headers[index + 1]}\r\n`;
  last += `${framing}\r\n`;
  const bytes = Buffer.allocUnsafe(first.length + passed.end + last.length);
  let at = bytes.write(first, 0, 'latin1');
  at = passed.copyTo(bytes, at, cutsFor(request));
  at += bytes.write(last, at, 'latin1');
  return bytes.subarray(0, at);
}

function endToEndFields({ headers, body }: UpstreamRequest): string[] {
  return filterFields(headers, (key) => {
    if (key === 'trailer') return body.length === null;
    return key !== 'expect' || body.length !== 0;
  });
}

/** Lines of a client that rigil sets itself, or never believes. */
export const NEVER_PASSED: readonly number[] = [
  ...HOP_BY_HOP,
  FIELD.contentLength,
  FIELD.forwarded,
  FIELD.host,
  FIELD.tailscaleUser,
  FIELD.trueClientIp,
  FIELD.xForwardedFor,
  FIELD.xForwardedHost,
  FIELD.xForwardedProto,
  FIELD.xRealIp,
];

function cutsFor({ body }: UpstreamRequest): Cuts {
  if (body.length === 0) return WITHOUT_BODY;
  return body.length === null ? IN_CHUNKS : WITH_LENGTH;
}

const WITHOUT_BODY = cutting(...NEVER_PASSED, FIELD.trailer, FIELD.expect);
const WITH_LENGTH = cutting(...NEVER_PASSED, FIELD.trailer);
const IN_CHUNKS = cutting(...NEVER_PASSED);
