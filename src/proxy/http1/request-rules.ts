import type { IncomingMessage } from 'node:http';
import type { Limits } from '../protocol.ts';
import { fieldValue, valuesOf } from '../raw-headers.ts';

/**
 * What Node's strict parser lets through and a proxy must not: the status to refuse it with, or null.
 *
 * - 400: a transfer coding other than `chunked`, or one on HTTP/1.0: who reads it differently sees another body (RFC 9112 6.1)
 * - 413: a length that cannot be counted exactly
 * - 431: more fields than the limit
 * - 505: HTTP/0.9 and 2.0 in the guise of HTTP/1
 */
export function problemOf({ httpVersion, rawHeaders }: IncomingMessage, limits: Limits): number | null {
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return 505;
  if (rawHeaders.length > limits.headFields * 2) return 431;
  const codings = valuesOf(rawHeaders, 'transfer-encoding');
  if (codings.length > 0) {
    return httpVersion === '1.1' && codings.join().toLowerCase() === 'chunked' ? null : 400;
  }
  const length = fieldValue(rawHeaders, 'content-length');
  return length !== null && !Number.isSafeInteger(Number(length)) ? 413 : null;
}

/** The length of a request's body, null when it is chunked (RFC 9112 6.3). */
export function bodyLengthOf({ rawHeaders }: IncomingMessage): number | null {
  if (fieldValue(rawHeaders, 'transfer-encoding') !== null) return null;
  return Number(fieldValue(rawHeaders, 'content-length') ?? 0);
}

/** The status for an error of the parser or of its clock, or null when the connection is simply gone. */
export function statusOfParserError(code: string | null): number | null {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return 431;
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return 413;
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return 408;
    // The client closed its side in the middle of a request.
    case 'HPE_INVALID_EOF_STATE':
      return null;
    default:
      return code?.startsWith('HPE_') === true ? 400 : null;
  }
}
