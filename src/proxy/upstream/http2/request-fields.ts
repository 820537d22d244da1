import { type Cuts, cutting, FIELD } from '../../codec/field-kind.ts';
import type { FieldTable } from '../../codec/field-table.ts';
import { fieldLine } from '../../codec/http1/field-line.ts';
import type { HpackEncoder } from '../../codec/http2/hpack/encoder.ts';
import { isName } from '../../codec/octets.ts';
import { connectionFields } from '../../hop-by-hop.ts';
import { EXPECTS_BODY } from '../framing.ts';
import { NEVER_PASSED } from '../request-head.ts';
import type { UpstreamRequest } from '../upstreams.ts';
import { WEB_SOCKET_KEY } from './web-socket.ts';

/**
 * Encodes the head of a request as a header block (RFC 9113 8.3.1): `Host` becomes `:authority`, an upgrade to WebSocket
 * becomes an extended CONNECT (RFC 8441 4). Fields that HTTP/2 cannot carry are left out. Null when the list would be
 * larger than `mostBytes` as RFC 9113 6.5.2 counts; nothing is encoded then.
 */
export function encodeRequest(
  encoder: HpackEncoder,
  request: UpstreamRequest,
  mostBytes: number,
): Buffer | null {
  const { method, path, passed, upgrade, upstream } = request;
  const own = ownFields(request);
  const cuts = cutsFor(request);
  if (mostBytes < SURELY_FITS && sizeOf(own, passed, cuts) + path.length + 256 > mostBytes) return null;
  encoder.begin();
  encoder.text(':method', upgrade === null ? method : 'CONNECT');
  if (upgrade !== null) encoder.text(':protocol', 'websocket');
  encoder.text(':scheme', upstream.scheme === 'https' ? 'https' : 'http');
  encoder.text(':authority', request.headers[1] ?? '');
  encoder.text(':path', path);
  if (passed !== undefined) encodePassed(encoder, passed, cuts, upgrade !== null);
  for (let index = 0; index < own.length; index += 2) {
    encoder.text(own[index] ?? '', own[index + 1] ?? '');
  }
  return encoder.block();
}

/** Above this no limit of an upstream matters: clients cannot send as much. */
const SURELY_FITS = 1_048_576;

/** The fields that are there as strings, without `Host`, and the length of the body. */
function ownFields({ method, headers, passed, body, upgrade }: UpstreamRequest): string[] {
  const own: string[] = [];
  for (let index = 2; index + 1 < headers.length; index += 2) {
    const name = headers[index] ?? '';
    const value = headers[index + 1] ?? '';
    // Those beside a table are our own.
    if (passed === undefined && !isCarried(name.toLowerCase(), value, body.length, upgrade)) continue;
    own.push(name, value);
  }
  if (body.length !== null && upgrade === null && (body.length > 0 || EXPECTS_BODY.has(method))) {
    own.push('content-length', String(body.length));
  }
  return own;
}

function isCarried(key: string, value: string, length: number | null, upgrade: string | null): boolean {
  if (key === 'trailer' && length !== null) return false;
  if (key === 'expect' && length === 0) return false;
  if (key === 'sec-websocket-key' && upgrade !== null) return false;
  // `TE: trailers` is all that there can be of it, and put there by us.
  return (key === 'te' || !CONNECTION.has(key)) && fieldLine(key, value) !== null;
}

const CONNECTION = connectionFields([]);

function encodePassed(encoder: HpackEncoder, passed: FieldTable, cuts: Cuts, keyless: boolean): void {
  for (let index = 0; index < passed.count; index += 1) {
    if (cuts[passed.kind(index)] === 1) continue;
    const nameFrom = passed.nameFrom(index);
    const nameTo = passed.nameTo(index);
    if (keyless && isName(passed.bytes, nameFrom, nameTo, WEB_SOCKET_KEY)) continue;
    encoder.field(passed.bytes, nameFrom, nameTo, passed.valueFrom(index), passed.valueTo(index));
  }
}

function cutsFor({ body }: UpstreamRequest): Cuts {
  if (body.length === 0) return WITHOUT_BODY;
  return body.length === null ? ENDLESS : WITH_LENGTH;
}

const WITHOUT_BODY = cutting(...NEVER_PASSED, FIELD.trailer, FIELD.expect);
const WITH_LENGTH = cutting(...NEVER_PASSED, FIELD.trailer);
const ENDLESS = cutting(...NEVER_PASSED);

function sizeOf(own: readonly string[], passed: FieldTable | undefined, cuts: Cuts): number {
  let size = 0;
  for (let index = 0; index < own.length; index += 2) {
    size += (own[index]?.length ?? 0) + (own[index + 1]?.length ?? 0) + 32;
  }
  for (let index = 0; index < (passed?.count ?? 0); index += 1) {
    if (passed === undefined || cuts[passed.kind(index)] === 1) continue;
    size +=
      passed.nameTo(index) - passed.nameFrom(index) + passed.valueTo(index) - passed.valueFrom(index) + 32;
  }
  return size;
}
