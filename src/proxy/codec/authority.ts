import { COLON } from './octets.ts';

/**
 * Checks `bytes[from, to)` as the host and port of an `http` or `https` URI (RFC 3986 3.2, RFC 9110 4.2).
 *
 * Returns the offset where the host ends and `:port`, if any, begins; -1 when it is refused: nothing at all, user
 * information, lists, escapes, white space, anything but ASCII, an IPv6 literal that is none, a port that is empty
 * or above 65535. RFC 3986 allows more in a registered name (escapes, `!$&'()*+,;=`), but no host on earth has them,
 * and not all parsers agree on them.
 */
export function hostEnd(bytes: Uint8Array, from: number, to: number): number {
  const literal = bytes[from] === 0x5b;
  const end = literal ? literalEnd(bytes, from, to) : nameEnd(bytes, from, to);
  if (end < 0 || end === from || end - from > LONGEST_HOST) return -1;
  if (end === to) return end;
  return bytes[end] === COLON && isPort(bytes, end + 1, to) ? end : -1;
}

/** RFC 1035 2.3.4: a name on the wire has at most 255 octets. */
const LONGEST_HOST = 255;

/** Letters, digits, `-`, `.` and `_`. */
const HOST_BYTE = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[a-z0-9._-]/i.test(String.fromCharCode(byte)) && byte < 0x80 ? 1 : 0,
);

/** What stands between the brackets. Whether it is an address is for the routing to find out. */
const LITERAL_BYTE = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[a-f0-9.:]/i.test(String.fromCharCode(byte)) && byte < 0x80 ? 1 : 0,
);

function nameEnd(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && HOST_BYTE[bytes[at] ?? 0] === 1) at += 1;
  return at;
}

function literalEnd(bytes: Uint8Array, from: number, to: number): number {
  let at = from + 1;
  while (at < to && LITERAL_BYTE[bytes[at] ?? 0] === 1) at += 1;
  return at > from + 2 && at < to && bytes[at] === 0x5d ? at + 1 : -1;
}

function isPort(bytes: Uint8Array, from: number, to: number): boolean {
  if (to === from || to - from > 5) return false;
  let port = 0;
  for (let at = from; at < to; at += 1) {
    const digit = (bytes[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) return false;
    port = port * 10 + digit;
  }
  return port <= 65_535;
}
