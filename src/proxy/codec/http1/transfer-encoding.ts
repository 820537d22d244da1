import { ascii, COMMA, HTAB, isName, SP, TOKEN } from '../octets.ts';
import type { Fault } from './faults.ts';

/**
 * Judges the value of the one Transfer-Encoding field of a message (RFC 9112 6.1). Null for exactly `chunked`, in any
 * case: the only coding that we read. All else is a fault, since what this side reads as chunked and the next does
 * not is the root of request smuggling.
 */
export function transferEncodingFault(bytes: Uint8Array, from: number, to: number): Fault | null {
  if (isName(bytes, from, to, CHUNKED)) return null;
  let at = from;
  let chunkedSeen = false;
  for (;;) {
    while (at < to && isBlank(bytes[at])) at += 1;
    const start = at;
    while (at < to && TOKEN[bytes[at] ?? 0] === 1) at += 1;
    const end = at;
    while (at < to && isBlank(bytes[at])) at += 1;
    if (end === start || (at < to && bytes[at] !== COMMA)) return 'transfer-encoding-invalid';
    if (chunkedSeen) return 'chunked-not-last';
    chunkedSeen = isName(bytes, start, end, CHUNKED);
    if (at === to) break;
    at += 1;
  }
  return chunkedSeen ? 'transfer-coding-unknown' : 'chunked-missing';
}

const CHUNKED = ascii('chunked');

function isBlank(byte: number | undefined): boolean {
  return byte === SP || byte === HTAB;
}
