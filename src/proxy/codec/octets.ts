/**
 * Bytes as the grammars of HTTP class them, and comparison of bytes with names.
 *
 * The codecs read messages where they lie: no strings for what nobody asks for. A name is compared by length and
 * bytes, its ASCII letters without regard to case.
 */

export const HTAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SP = 0x20;
export const QUOTE = 0x22;
export const HASH = 0x23;
export const COMMA = 0x2c;
export const SLASH = 0x2f;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;
export const EQUALS = 0x3d;
export const QUESTION_MARK = 0x3f;
export const BACKSLASH = 0x5c;

/** 1 for `tchar` (RFC 9110 5.6.2): methods, field names, options. */
export const TOKEN = classOf(
  (byte) => isAlphanumeric(byte) || "!#$%&'*+-.^_`|~".includes(String.fromCharCode(byte)),
);

/** 1 for what a field value may have: HTAB, SP, VCHAR and obs-text (RFC 9110 5.5), so no control characters. */
export const FIELD_CONTENT = classOf((byte) => byte === HTAB || (byte >= SP && byte !== 0x7f));

/** 1 for VCHAR (RFC 5234 B.1): printable ASCII without the space. */
export const VISIBLE = classOf((byte) => byte > SP && byte < 0x7f);

/**
 * 1 for bytes of a request target that need no second look: visible ASCII. RFC 3986 allows fewer, but browsers send `|`,
 * `{`, `^`, `[` and others as they are. A fragment has no place in a target. A backslash in a path is a slash to some
 * servers, so that it is refused there; after the first `?`, which is why that stands out too, it means nothing.
 */
export const TARGET_BYTE = VISIBLE.map((visible, byte) =>
  byte === HASH || byte === BACKSLASH || byte === QUESTION_MARK ? 0 : visible,
);

/** The value of a hexadecimal digit, 255 for any other byte. */
export const HEX_VALUE = Uint8Array.from({ length: 256 }, (_, byte) => {
  const value = Number.parseInt(String.fromCharCode(byte), 16);
  return Number.isNaN(value) ? 255 : value;
});

/** Whether `bytes[from, to)` is `name`, which is ASCII in lower case. */
export function isName(bytes: Uint8Array, from: number, to: number, name: Uint8Array): boolean {
  if (to - from !== name.length) return false;
  for (let index = 0; index < name.length; index += 1) {
    if (lowerCase(bytes[from + index] ?? 0) !== name[index]) return false;
  }
  return true;
}

/** Whether two ranges are equal without regard to the case of ASCII letters. */
export function areAlike(
  a: Uint8Array,
  aFrom: number,
  aTo: number,
  b: Uint8Array,
  bFrom: number,
  bTo: number,
): boolean {
  if (aTo - aFrom !== bTo - bFrom) return false;
  for (let offset = 0; offset < aTo - aFrom; offset += 1) {
    if (lowerCase(a[aFrom + offset] ?? 0) !== lowerCase(b[bFrom + offset] ?? 0)) return false;
  }
  return true;
}

/**
 * Copies `source[from, to)` to `target` at `at` and returns the offset after it. For short ranges, as most names and values
 * are, a loop takes less time than the way into the runtime.
 */
export function copyBytes(source: Buffer, from: number, to: number, target: Buffer, at: number): number {
  const length = to - from;
  if (length > LONGEST_LOOP) source.copy(target, at, from, to);
  else for (let offset = 0; offset < length; offset += 1) target[at + offset] = source[from + offset] ?? 0;
  return at + length;
}

const LONGEST_LOOP = 24;

/** The byte with an ASCII capital letter made small. */
export function lowerCase(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
}

/** The bytes of an ASCII text, for {@link isName}. */
export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function classOf(belongs: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (belongs(byte) ? 1 : 0));
}

function isAlphanumeric(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);
}
