import { describe, expect, it } from 'vitest';
import { HpackDecoder } from '../../../../../src/proxy/codec/http2/hpack/decoder.ts';
import { HeaderList } from '../../../../../src/proxy/codec/http2/hpack/header-list.ts';
import { decoded, hex, linesOf } from './decoded.ts';
import { EXAMPLES } from './rfc7541-appendix-c.ts';

it.each(EXAMPLES)('decodes RFC 7541 $name', ({ tableBytes, blocks }) => {
  const decoder = new HpackDecoder(tableBytes);
  for (const { wire, fields } of blocks) expect(decoded(decoder, hex(wire))).toEqual(fields);
});

describe('blocks that are none', () => {
  it.each([
    ['index 0', '80', 'hpack-index'],
    ['an index of the empty dynamic table', 'be', 'hpack-index'],
    ['a name index of the empty dynamic table', '7e 00', 'hpack-index'],
    ['a name index past everything', '0f ff 7f 00', 'hpack-index'],
    ['an integer that ends early', 'ff', 'hpack-integer'],
    ['an integer that does not end', 'ff ff ff ff', 'hpack-integer'],
    ['an integer of 35 bits', 'ff ff ff ff ff 7f', 'hpack-integer'],
    ['an integer of nothing but zeros', 'ff 80 80 80 80 80 80 80 00', 'hpack-integer'],
    ['a name without length', '40', 'hpack-truncated'],
    ['a name that ends early', '40 05 61 62', 'hpack-truncated'],
    ['a name and no value', '40 01 61', 'hpack-truncated'],
    ['a value that ends early', '40 01 61 02 62', 'hpack-truncated'],
    ['a value of 2^27 bytes', '40 01 61 7f 80 ff ff 3f', 'hpack-truncated'],
    ['a length that ends early', '40 01 61 7f', 'hpack-integer'],
    ['padding of eight bits', '00 01 61 82 1f ff', 'hpack-huffman'],
    ['padding of zeros', '00 01 61 81 18', 'hpack-huffman'],
    ['a string of nothing but padding', '00 01 61 81 ff', 'hpack-huffman'],
    ['the end of the string inside it', '00 01 61 84 ff ff ff ff', 'hpack-huffman'],
    ['the end of the string after a letter', '00 01 61 85 1f ff ff ff ff', 'hpack-huffman'],
    ['a table of 4097 bytes', '3f e2 1f', 'hpack-table-size'],
    ['a table size after a field', '82 20', 'hpack-table-size-late'],
    ['three table sizes', '20 20 20', 'hpack-table-size-late'],
    ['a table size that ends early', '3f', 'hpack-integer'],
  ])('%s', (_, wire, fault) => expect(decoded(new HpackDecoder(), hex(wire))).toBe(fault));
});

describe('the dynamic table', () => {
  it('forgets what is pushed out', () => {
    const decoder = new HpackDecoder(64);
    expect(decoded(decoder, hex('40 01 61 01 62 be'))).toEqual(['a: b', 'a: b']);
    // 34 bytes each, so that two do not fit into 64.
    expect(decoded(decoder, hex('40 01 63 01 64 be'))).toEqual(['c: d', 'c: d']);
    expect(decoded(decoder, hex('bf'))).toBe('hpack-index');
  });

  it('is emptied by an entry that is larger than itself', () => {
    const decoder = new HpackDecoder(64);
    decoded(decoder, hex('40 01 61 01 62'));
    const value = Buffer.alloc(40, 'x');
    expect(decoded(decoder, Buffer.concat([hex('40 01 61 28'), value]))).toEqual([`a: ${value.toString()}`]);
    expect(decoded(decoder, hex('be'))).toBe('hpack-index');
  });

  it('follows the size that the peer chooses', () => {
    const decoder = new HpackDecoder();
    expect(decoded(decoder, hex('40 01 61 01 62'))).toEqual(['a: b']);
    expect(decoded(decoder, hex('20 3f e1 1f'))).toEqual([]);
    expect(decoded(decoder, hex('be'))).toBe('hpack-index');
  });

  it('keeps a name that the new entry pushes out (RFC 7541 4.4)', () => {
    const decoder = new HpackDecoder(40);
    decoded(decoder, hex('40 01 61 01 62'));
    expect(decoded(decoder, hex('7e 02 63 64 be'))).toEqual(['a: cd', 'a: cd']);
  });
});

describe('a list beyond its limits', () => {
  const bomb = (times: number) =>
    Buffer.concat([hex('40 01 61 7f 81 0f'), Buffer.alloc(2_048, 'x'), Buffer.alloc(times, 0xbe)]);

  it('is reported, and the table stays in step', () => {
    const decoder = new HpackDecoder();
    const list = new HeaderList({ bytes: 8_192, fields: 100 });
    const block = Buffer.concat([bomb(1_000), hex('40 01 63 01 64')]);
    expect(decoder.decode(block, 0, block.length, list)).toBe(null);
    expect(list.tooLarge).toBe(true);
    expect(decoded(decoder, hex('be bf'))).toEqual(['c: d', `a: ${'x'.repeat(2_048)}`]);
  });

  it('takes no more memory than one that fits', () => {
    const list = new HeaderList({ bytes: 8_192, fields: 100 });
    const block = bomb(30_000);
    const before = list.fields.bytes.length;
    new HpackDecoder().decode(block, 0, block.length, list);
    expect(list.fields.bytes.length).toBe(before);
    expect(list.fields.end).toBeLessThanOrEqual(8_192);
  });

  it('can have too many fields', () => {
    const list = new HeaderList({ bytes: 8_192, fields: 3 });
    const three = hex('82 82 82');
    const decoder = new HpackDecoder();
    expect(decoder.decode(three, 0, 3, list)).toBe(null);
    expect(list.tooLarge).toBe(false);
    const four = hex('82 82 82 82');
    expect(decoder.decode(four, 0, 4, list)).toBe(null);
    expect(list.tooLarge).toBe(true);
  });

  it('counts 32 bytes for each field', () => {
    const list = new HeaderList({ bytes: 2 * 42, fields: 100 });
    const decoder = new HpackDecoder();
    decoder.decode(hex('82 82'), 0, 2, list);
    expect([list.tooLarge, linesOf(list).length]).toEqual([false, 2]);
    decoder.decode(hex('82 83'), 0, 2, list);
    expect([list.tooLarge, linesOf(list).length]).toEqual([true, 1]);
  });

  it('is none when the next one fits', () => {
    const list = new HeaderList({ bytes: 64, fields: 100 });
    const decoder = new HpackDecoder();
    decoder.decode(hex('82 82 82'), 0, 3, list);
    expect(list.tooLarge).toBe(true);
    decoder.decode(hex('82'), 0, 1, list);
    expect([list.tooLarge, linesOf(list)]).toEqual([false, [':method: GET']]);
  });

  it('keeps the name of a field whose value needs more room than there was', () => {
    const list = new HeaderList({ bytes: 64, fields: 100 });
    const decoder = new HpackDecoder();
    const block = Buffer.concat([hex('40 01 61 7f 81 0f'), Buffer.alloc(2_048, 'x')]);
    expect(decoder.decode(block, 0, block.length, list)).toBe(null);
    expect(decoded(decoder, hex('be'))).toEqual([`a: ${'x'.repeat(2_048)}`]);
  });

  it('may hold one string that is larger than the list, without harm', () => {
    const list = new HeaderList({ bytes: 64, fields: 100 });
    const block = Buffer.concat([hex('00 01 61 7f 91 4d'), Buffer.alloc(10_000, 'x')]);
    expect(new HpackDecoder().decode(block, 0, block.length, list)).toBe(null);
    expect([list.tooLarge, list.fields.count]).toEqual([true, 0]);
  });
});
