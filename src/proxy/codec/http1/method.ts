import { ascii } from '../octets.ts';

/** Methods that have a constant string here, so that most requests need none of their own (RFC 9110 9.3, RFC 5789). */
const KNOWN: readonly string[] = [
  'GET',
  'POST',
  'HEAD',
  'PUT',
  'DELETE',
  'OPTIONS',
  'PATCH',
  'CONNECT',
  'TRACE',
  'PROPFIND',
  'REPORT',
];

const ENTRIES = KNOWN.map((method) => ({ method, bytes: ascii(method) }));

/** The method in `bytes[from, to)`, which is a token. Methods are case-sensitive (RFC 9110 9.1). */
export function methodOf(bytes: Buffer, from: number, to: number): string {
  for (const entry of ENTRIES) {
    if (entry.bytes.length === to - from && isExactly(bytes, from, entry.bytes)) return entry.method;
  }
  return bytes.toString('latin1', from, to);
}

function isExactly(bytes: Uint8Array, from: number, wanted: Uint8Array): boolean {
  for (let index = 0; index < wanted.length; index += 1) {
    if (bytes[from + index] !== wanted[index]) return false;
  }
  return true;
}
