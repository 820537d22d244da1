import { type Cuts, cutting, FIELD, HOP_BY_HOP } from '../codec/field-kind.ts';
import type { FieldTable } from '../codec/field-table.ts';
import { fieldLines as writableLines } from '../codec/http1/field-line.ts';
import { CR, SP } from '../codec/octets.ts';
import { fieldLines, filterFields } from '../raw-headers.ts';
import { framingLines, PLAIN } from './framing.ts';
import type { UpstreamRequest } from './upstreams.ts';

/**
 * Writes request heads, one after the other, into a buffer that is used again: what {@link bytes} holds up to the
 * returned length must be sent or copied before the next one.
 *
 * Fields that cannot be written are left out, so that none can make lines of its own.
 */
export class RequestHeadWriter {
  bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_SIZE);

  write(request: UpstreamRequest): number {
    const { passed, told, headers } = request;
    const framing = framingLines(request);
    if (passed === undefined) {
      const text = `${startLine(request)}${writableLines(endToEndFields(request))}${framing}\r\n`;
      this.#makeRoom(text.length);
      return this.bytes.write(text, 0, 'latin1');
    }
    // All of this is our own, or was read by our parser.
    const verbatim = passed.lineFrom >= 0 && beginsWithHost(passed);
    const first = verbatim ? '' : `${startLine(request)}${headers[0]}: ${headers[1]}\r\n`;
    const last = told === undefined ? `${fieldLines(headers.slice(2))}${framing}\r\n` : framing;
    this.#makeRoom(first.length + passed.end + (told?.length ?? 0) + last.length + 2);
    const { bytes } = this;
    const cuts = cutsFor(request);
    let at = 0;
    if (verbatim) at = passed.copyWithStartTo(bytes, 0, cuts);
    else at = passed.copyTo(bytes, bytes.write(first, 0, 'latin1'), cuts);
    if (told === undefined) return at + bytes.write(last, at, 'latin1');
    at += told.copy(bytes, at);
    if (framing === PLAIN) return at + PLAIN_END.copy(bytes, at);
    return at + bytes.write(`${framing}\r\n`, at, 'latin1');
  }

  /** Leaves what was written to whoever still sends it. */
  part(): void {
    this.bytes = Buffer.allocUnsafeSlow(FIRST_SIZE);
  }

  #makeRoom(length: number): void {
    if (this.bytes.length < length) this.bytes = Buffer.allocUnsafeSlow(length);
  }
}

const PLAIN_END = Buffer.from(`${PLAIN}\r\n`);

/** Enough for nearly all heads. */
const FIRST_SIZE = 16_384;

function startLine({ method, path }: UpstreamRequest): string {
  return `${method} ${path} HTTP/1.1\r\n`;
}

/** Whether the first line is letter for letter the one that would be written instead. */
function beginsWithHost(table: FieldTable): boolean {
  if (table.kind(0) !== FIELD.host) return false;
  const { bytes } = table;
  const nameTo = table.nameTo(0);
  const valueTo = table.valueTo(0);
  return (
    table.valueFrom(0) === nameTo + 2 &&
    bytes[nameTo + 1] === SP &&
    bytes[valueTo] === CR &&
    isHost(bytes, table.nameFrom(0))
  );
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
