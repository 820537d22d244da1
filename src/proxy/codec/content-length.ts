/**
 * The value of a Content-Length field (RFC 9110 8.6) in `bytes[from, to)`, or -1 when it is not one: a sign, a list,
 * white space, other digits than 0 to 9, more than 16 of them, or more than 2^53 - 1, which is where numbers stop
 * being exact.
 *
 * `padded` allows zeros in front. The grammar does; but what is read as decimal by one and as octal by the next is no
 * length that a client may send us.
 */
export function parseContentLength(bytes: Uint8Array, from: number, to: number, padded: boolean): number {
  const digits = to - from;
  if (digits === 0 || digits > 16) return -1;
  if (!padded && digits > 1 && bytes[from] === 0x30) return -1;
  let length = 0;
  for (let at = from; at < to; at += 1) {
    const digit = (bytes[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    length = length * 10 + digit;
  }
  return length <= Number.MAX_SAFE_INTEGER ? length : -1;
}

/** Holds a body against the Content-Length that announced it (RFC 9113 8.1.1). */
export class LengthCheck {
  #left: number;

  /** @param announced in bytes; -1 when nothing was announced */
  constructor(announced: number) {
    this.#left = announced;
  }

  /** Counts bytes of the body; false when they are more than were announced. */
  add(bytes: number): boolean {
    if (this.#left < 0) return true;
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }

  /** Whether the body may end here. */
  get complete(): boolean {
    return this.#left <= 0;
  }
}
