/**
 * The Huffman code of HPACK (RFC 7541 5.2 and Appendix B).
 *
 * The code is canonical: shorter codes come first, codes of one length are numbered in the order of their symbols. So
 * the lengths say it all; symbol 256 is the end of the string.
 */
const LENGTHS_OF_CODES: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28,
  28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7,
  8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19,
  13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13,
  28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21,
  22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23,
  22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25,
  25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
];

/** In bits, by symbol. */
export const CODE_LENGTH = Uint8Array.from(LENGTHS_OF_CODES);

/** By symbol, in the low bits. */
export const CODE = codes();

export const END_OF_STRING = 256;

function codes(): Uint32Array {
  const bySymbol = new Uint32Array(CODE_LENGTH.length);
  const symbols = Array.from(CODE_LENGTH.keys());
  symbols.sort((a, b) => (CODE_LENGTH[a] ?? 0) - (CODE_LENGTH[b] ?? 0) || a - b);
  let next = 0;
  let length = 0;
  for (const symbol of symbols) {
    const longer = (CODE_LENGTH[symbol] ?? 0) - length;
    length += longer;
    next = next * 2 ** longer;
    bySymbol[symbol] = next;
    next += 1;
  }
  return bySymbol;
}
