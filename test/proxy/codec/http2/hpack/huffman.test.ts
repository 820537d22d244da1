import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  huffmanDecode,
  huffmanEncode,
  huffmanLength,
  longestDecoded,
} from '../../../../../src/proxy/codec/http2/hpack/huffman.ts';
import { CODE, CODE_LENGTH, END_OF_STRING } from '../../../../../src/proxy/codec/http2/hpack/huffman-code.ts';
import { runs } from '../../../../fuzz-runs.ts';

it('has the codes of RFC 7541 Appendix B', () => {
  const codeOf = (symbol: number) => [CODE[symbol], CODE_LENGTH[symbol]];
  expect(codeOf(0)).toEqual([0x1ff8, 13]);
  expect(codeOf(0x30)).toEqual([0x0, 5]);
  expect(codeOf(0x61)).toEqual([0x3, 5]);
  expect(codeOf(0x5c)).toEqual([0x7fff0, 19]);
  expect(codeOf(0x7b)).toEqual([0x7ffe, 15]);
  expect(codeOf(0xf9)).toEqual([0xffffffe, 28]);
  expect(codeOf(0xff)).toEqual([0x3ffffee, 26]);
  expect(codeOf(END_OF_STRING)).toEqual([0x3fffffff, 30]);
});

it('decodes what it encodes, any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat({ max: 5 }), (bytes, at) => {
      const encoded = Buffer.alloc(bytes.length * 4 + at);
      const end = huffmanEncode(bytes, 0, bytes.length, encoded, at);
      expect(end - at).toBe(huffmanLength(bytes, 0, bytes.length));
      const target = Buffer.alloc(longestDecoded(end - at) + at);
      const to = huffmanDecode(encoded, at, end, target, at);
      expect(target.subarray(at, to)).toEqual(Buffer.from(bytes));
    }),
  );
});

it('never writes more than longestDecoded, whatever it is given', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      const most = longestDecoded(bytes.length);
      const target = Buffer.alloc(most + 8, 0xee);
      const to = huffmanDecode(bytes, 0, bytes.length, target, 0);
      expect(to).toBeLessThanOrEqual(most);
      expect(target.subarray(most)).toEqual(Buffer.alloc(8, 0xee));
    }),
  );
});

it('accepts one code for each string only', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 8 }), (bytes) => {
      const target = Buffer.alloc(64);
      const to = huffmanDecode(bytes, 0, bytes.length, target, 0);
      if (to < 0) return;
      const again = Buffer.alloc(64);
      const end = huffmanEncode(target, 0, to, again, 0);
      expect(again.subarray(0, end)).toEqual(Buffer.from(bytes));
    }),
    { numRuns: runs(2_000) },
  );
});
