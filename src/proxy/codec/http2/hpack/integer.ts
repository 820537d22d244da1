/**
 * Reads integers as HPACK writes them (RFC 7541 5.1). One is made a decoder: `value` and `end` are its last result, so
 * that reading one needs no object.
 */
export class IntegerReader {
  value = 0;
  /** The offset after the integer. */
  end = 0;

  /**
   * Reads the integer whose first `prefixBits` bits end the byte at `from`. False when `bytes` end before it does, or
   * when it is larger than anything we could mean.
   */
  read(bytes: Uint8Array, from: number, to: number, prefixBits: number): boolean {
    const most = (1 << prefixBits) - 1;
    let value = (bytes[from] ?? 0) & most;
    let at = from + 1;
    if (value === most) {
      let factor = 1;
      for (;;) {
        if (at >= to || at - from > MOST_CONTINUATIONS) return false;
        const byte = bytes[at] ?? 0;
        at += 1;
        value += (byte & 0x7f) * factor;
        if (byte < 0x80) break;
        factor *= 128;
      }
    }
    this.value = value;
    this.end = at;
    return true;
  }
}

/** 28 bits besides the prefix: more than any header block has bytes. Longer ones are meant to exhaust somebody. */
const MOST_CONTINUATIONS = 4;

/** Writes an integer behind the bits of `first`; returns the offset after it. There must be room for 6 bytes. */
export function writeInteger(
  target: Uint8Array,
  at: number,
  first: number,
  prefixBits: number,
  value: number,
): number {
  const most = (1 << prefixBits) - 1;
  if (value < most) {
    target[at] = first | value;
    return at + 1;
  }
  target[at] = first | most;
  let written = at + 1;
  let rest = value - most;
  for (; rest >= 128; rest >>>= 7) target[written++] = (rest & 0x7f) | 0x80;
  target[written++] = rest;
  return written;
}
