import { isUtf8 } from 'node:buffer';

/** A text, and where it is damaged. */
export interface Decoded {
  readonly text: string;
  /** First damaged place of each damaged line, by line number. */
  readonly damage: ReadonlyMap<number, Damage>;
}

export interface Damage {
  readonly code: 'invalid-utf8' | 'nul-character';
  /** In code points, from 1. */
  readonly column: number;
}

/** Decodes UTF-8 with or without a byte order mark; what is none becomes U+FFFD and is noted. */
export function decode(bytes: Uint8Array): Decoded {
  const marked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  const body = marked ? bytes.subarray(3) : bytes;
  const text = decoder.decode(body);
  return { text, damage: isUtf8(body) ? findDamage(text) : findInvalid(body, findDamage(text)) };
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** What is wrong with a text that came as a string. */
export function findDamage(text: string): Map<number, Damage> {
  const damage = new Map<number, Damage>();
  if (text.isWellFormed() && !text.includes('\0')) return damage;
  for (const [index, line] of text.split('\n').entries()) {
    if (line.isWellFormed() && !line.includes('\0')) continue;
    const column = [...line].findIndex((char) => char === '\0' || !char.isWellFormed()) + 1;
    const code = [...line][column - 1] === '\0' ? 'nul-character' : 'invalid-utf8';
    damage.set(index + 1, { code, column });
  }
  return damage;
}

/** Adds the places of invalid UTF-8 to `damage`. */
function findInvalid(bytes: Uint8Array, damage: Map<number, Damage>): Map<number, Damage> {
  let begin = 0;
  for (let number = 1; begin < bytes.length; number += 1) {
    const feed = bytes.indexOf(0x0a, begin);
    const line = bytes.subarray(begin, feed < 0 ? bytes.length : feed);
    if (!isUtf8(line)) {
      const column = firstInvalid(line, decoder.decode(line));
      const known = damage.get(number);
      if (known === undefined || known.column > column) damage.set(number, { code: 'invalid-utf8', column });
    }
    begin += line.length + 1;
  }
  return damage;
}

/** Column of the first U+FFFD in `text` that is not one in `bytes`. */
function firstInvalid(bytes: Uint8Array, text: string): number {
  let offset = 0;
  let column = 1;
  for (const char of text) {
    const written =
      char !== '\ufffd' ||
      (bytes[offset] === 0xef && bytes[offset + 1] === 0xbf && bytes[offset + 2] === 0xbd);
    if (!written) break;
    offset += Buffer.byteLength(char);
    column += 1;
  }
  return column;
}
