import { type Cuts, cutting, FIELD, HOP_BY_HOP } from '../codec/field-kind.ts';
import type { FieldTable } from '../codec/field-table.ts';
import { fieldLines as writableLines } from '../codec/http1/field-line.ts';
import { CR, SP } from '../codec/octets.ts';
import type { GatheredWrites } from '../gathered-writes.ts';
import { fieldLines, filterFields } from '../raw-headers.ts';
import { framingLines, PLAIN } from './framing.ts';
import type { UpstreamRequest } from './upstreams.ts';

/**
 * Writes a request head from `at` on and returns where it ends.
 *
 * Fields that cannot be written are left out, so that none can make lines of its own.
 */
export function writeRequestHead(target: GatheredWrites, request: UpstreamRequest): number {
  const { passed, told, headers } = request;
  const framing = framingLines(request);
  if (passed === undefined) {
    const text = `${startLine(request)}${writableLines(endToEndFields(request))}${framing}\r\n`;
    target.reserve(text.length);
    return target.at + target.bytes.write(text, target.at, 'latin1');
  }
  // All of this is our own, or was read by our parser.
  const host = passed.lineFrom >= 0 ? hostLine(passed) : -1;
  const first = host >= 0 ? '' : `${startLine(request)}${headers[0]}: ${headers[1]}\r\n`;
  const last = told === undefined ? `${fieldLines(headers.slice(2))}${framing}\r\n` : framing;
  target.reserve(first.length + passed.end + (told?.length ?? 0) + last.length + 2);
  const { bytes } = target;
  const cuts = cutsFor(request);
  let { at } = target;
  if (host === 0) at = passed.copyWithStartTo(bytes, at, cuts);
  else if (host > 0) at = passed.copyTo(bytes, passed.copyStartAndLineTo(bytes, at, host), cuts);
  else at = passed.copyTo(bytes, at + bytes.write(first, at, 'latin1'), cuts);
  if (told === undefined) return at + bytes.write(last, at, 'latin1');
  at += told.copy(bytes, at);
  if (framing === PLAIN) return at + PLAIN_END.copy(bytes, at);
  return at + bytes.write(`${framing}\r\n`, at, 'latin1');
}

const PLAIN_END = Buffer.from(`${PLAIN}\r\n`);

function startLine({ method, path }: UpstreamRequest): string {
  return `${method} ${path} HTTP/1.1\r\n`;
}

/** The line that is letter for letter the one that would be written for it, or -1. */
function hostLine(table: FieldTable): number {
  const index = table.find(FIELD.host);
  if (index < 0) return -1;
  const { bytes } = table;
  const nameTo = table.nameTo(index);
  const valueTo = table.valueTo(index);
  const alike =
    table.valueFrom(index) === nameTo + 2 &&
    bytes[nameTo + 1] === SP &&
    bytes[valueTo] === CR &&
    isHost(bytes, table.nameFrom(index));
  return alike ? index : -1;
}

function isHost(bytes: Buffer, at: number): boolean {
  return bytes[at] === 0x48 && bytes[at + 1] === 0x6f && bytes[at + 2] === 0x73 && bytes[at + 3] === 0x74;
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
