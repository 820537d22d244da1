import { RigilError } from '../errors.ts';

/** One DER element (X.690 8.1): its tag byte, the bytes of its contents, and all of its bytes. */
export interface Element {
  readonly tag: number;
  readonly bytes: Uint8Array;
  readonly contents: Uint8Array;
}

/** Tag bytes that certificates use. Context tags are written `0xa0 + n` (constructed) or `0x80 + n` (primitive). */
export const TAG = { boolean: 0x01, integer: 0x02, octetString: 0x04, oid: 0x06, sequence: 0x30 } as const;

/**
 * The one element that `bytes` holds.
 *
 * @throws RigilError `certificate-unusable` when it is cut short, has bytes after it, or a length that is not DER
 */
export function readElement(bytes: Uint8Array): Element {
  const [element, ...more] = readElements(bytes);
  if (element === undefined || more.length > 0) throw malformed('one element was expected');
  return element;
}

/**
 * The elements that `bytes` holds, one after the other.
 *
 * @throws RigilError `certificate-unusable` as {@link readElement}
 */
export function readElements(bytes: Uint8Array): Element[] {
  const elements: Element[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    const tag = byteAt(bytes, offset);
    if ((tag & 0x1f) === 0x1f) throw malformed('a tag of several bytes');
    const { length, start } = readLength(bytes, offset + 1);
    const end = start + length;
    if (end > bytes.length) throw malformed('it is cut short');
    elements.push({ tag, bytes: bytes.subarray(offset, end), contents: bytes.subarray(start, end) });
    offset = end;
  }
  return elements;
}

/** Dotted form of the contents of an OBJECT IDENTIFIER (X.690 8.19). */
export function readOid(contents: Uint8Array): string {
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of contents) {
    arc = arc * 128 + (byte & 0x7f);
    if ((byte & 0x80) !== 0) continue;
    if (arcs.length === 0) {
      const first = Math.min(Math.floor(arc / 40), 2);
      arcs.push(first, arc - first * 40);
    } else {
      arcs.push(arc);
    }
    arc = 0;
  }
  return arcs.join('.');
}

/** Lengths take one byte, or up to four in the long form (X.690 8.1.3); DER forbids the indefinite form. */
function readLength(bytes: Uint8Array, offset: number): { length: number; start: number } {
  const first = byteAt(bytes, offset);
  if (first < 0x80) return { length: first, start: offset + 1 };
  const size = first & 0x7f;
  if (size === 0 || size > 4) throw malformed('an impossible length');
  let length = 0;
  for (let index = 1; index <= size; index += 1) length = length * 256 + byteAt(bytes, offset + index);
  return { length, start: offset + 1 + size };
}

function byteAt(bytes: Uint8Array, offset: number): number {
  const byte = bytes[offset];
  if (byte === undefined) throw malformed('it is cut short');
  return byte;
}

function malformed(why: string): RigilError {
  return new RigilError('certificate-unusable', `the certificate is not valid DER: ${why}`);
}
