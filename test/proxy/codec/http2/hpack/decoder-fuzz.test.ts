import fc from 'fast-check';
import { expect, it } from 'vitest';
import { HpackDecoder } from '../../../../../src/proxy/codec/http2/hpack/decoder.ts';
import { HeaderList } from '../../../../../src/proxy/codec/http2/hpack/header-list.ts';
import { writeInteger } from '../../../../../src/proxy/codec/http2/hpack/integer.ts';
import { runs } from '../../../../fuzz-runs.ts';
import { linesOf } from './decoded.ts';
import { PlainDecoder } from './plain-decoder.ts';

/** Parts of blocks: right ones mostly, so that tables fill, wrap around and are emptied. */
const parts = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.constant(0x40), string(20), string(60))
      .map(([first, ...strings]) => [first, ...strings.flat()]),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.integer({ min: 0x41, max: 0x7d }), string(90))
      .map(([first, value]) => [first, ...value]),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom(0x00, 0x10), string(10), string(10))
      .map(([first, ...strings]) => [first, ...strings.flat()]),
  },
  { weight: 6, arbitrary: fc.integer({ min: 0x81, max: 0xc4 }).map((byte) => [byte]) },
  { weight: 1, arbitrary: fc.constantFrom([0x20], [0x3f, 0x21], [0x3f, 0xe1, 0x03]) },
  { weight: 1, arbitrary: fc.array(fc.nat({ max: 255 }), { maxLength: 5 }) },
);

function string(most: number) {
  const short = fc.array(fc.nat({ max: 255 }), { maxLength: most });
  const long = fc
    .tuple(fc.nat({ max: 400 }), fc.nat({ max: 255 }))
    .map(([length, byte]) => Array<number>(length).fill(byte));
  return fc.oneof(
    { weight: 6, arbitrary: short.map((bytes) => [...lengthOf(bytes.length), ...bytes]) },
    { weight: 3, arbitrary: long.map((bytes) => [...lengthOf(bytes.length), ...bytes]) },
    {
      weight: 1,
      arbitrary: fc
        .array(fc.nat({ max: 255 }), { maxLength: 6 })
        .map((bytes) => [0x80 | bytes.length, ...bytes]),
    },
  );
}

function lengthOf(length: number): Buffer {
  const target = Buffer.alloc(6);
  return target.subarray(0, writeInteger(target, 0, 0, 7, length));
}

const blocks = fc.array(
  fc.array(parts, { maxLength: 12 }).map((list) => Buffer.from(list.flat())),
  { maxLength: 10 },
);

/** A plain decoder has no limits. */
const EVERYTHING = { bytes: 100_000_000, fields: 10_000 } as const;

it.each([64, 300, 512, 1_000])('says what a plain decoder says, with a table of %i bytes', (tableBytes) => {
  const into = new HeaderList(EVERYTHING);
  fc.assert(
    fc.property(blocks, fc.boolean(), (list, rests) => {
      const decoder = new HpackDecoder(tableBytes);
      const plain = new PlainDecoder(tableBytes);
      for (const block of list) {
        if (rests) decoder.rest();
        const fault = decoder.decode(block, 0, block.length, into);
        const wanted = plain.decode(block);
        expect(fault === null).toBe(wanted !== null);
        if (wanted === null) return;
        expect(linesOf(into)).toEqual(wanted.map(([name, value]) => `${name}: ${value}`));
      }
    }),
    { numRuns: runs(500) },
  );
});

it('keeps the same table when lists are too large to be kept', () => {
  fc.assert(
    fc.property(blocks, (list) => {
      const decoder = new HpackDecoder(700);
      const plain = new PlainDecoder(700);
      const small = new HeaderList({ bytes: 90, fields: 3 });
      for (const block of list) {
        const fault = decoder.decode(block, 0, block.length, small);
        const wanted = plain.decode(block);
        // Strings that are passed over are not looked into.
        if (fault !== null || wanted === null) return;
        const lines = linesOf(small);
        expect(lines).toEqual(wanted.slice(0, lines.length).map(([name, value]) => `${name}: ${value}`));
        expect(small.tooLarge).toBe(lines.length < wanted.length);
      }
    }),
    { numRuns: runs(500) },
  );
});

it('any bytes end in fields or in a fault', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      new HpackDecoder().decode(Buffer.from(bytes), 0, bytes.length, new HeaderList());
    }),
    { numRuns: runs(3_000) },
  );
});
