import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HpackDecoder } from '../../../../../src/proxy/codec/http2/hpack/decoder.ts';
import { HpackEncoder } from '../../../../../src/proxy/codec/http2/hpack/encoder.ts';
import { writeInteger } from '../../../../../src/proxy/codec/http2/hpack/integer.ts';
import { runs } from '../../../../fuzz-runs.ts';
import { decoded, hex } from './decoded.ts';
import { EXAMPLES } from './rfc7541-appendix-c.ts';

type Field = readonly [name: string, value: string];

function encode(encoder: HpackEncoder, fields: readonly Field[]): Buffer {
  encoder.begin();
  for (const [name, value] of fields) encoder.text(name, value);
  return Buffer.from(encoder.block());
}

it('encodes requests as RFC 7541 C.4 does', () => {
  const encoder = new HpackEncoder();
  for (const { wire, fields } of EXAMPLES.find(({ name }) => name.startsWith('C.4'))?.blocks ?? []) {
    const block = encode(
      encoder,
      fields.map((field) => [field.slice(0, field.indexOf(': ')), field.slice(field.indexOf(': ') + 2)]),
    );
    expect(block.toString('hex')).toBe(hex(wire).toString('hex'));
  }
});

it('writes the integers of RFC 7541 C.1', () => {
  const written = (prefixBits: number, value: number) => {
    const target = Buffer.alloc(8);
    return target.subarray(0, writeInteger(target, 0, 0, prefixBits, value)).toString('hex');
  };
  expect([written(5, 10), written(5, 1_337), written(8, 42)]).toEqual(['0a', '1f9a0a', '2a']);
});

describe('what goes into the table', () => {
  const again = (name: string, value: string) => {
    const encoder = new HpackEncoder();
    const first = encode(encoder, [[name, value]]);
    return { first, second: encode(encoder, [[name, value]]) };
  };

  it.each([
    ['server', 'nginx'],
    ['x-own', 'value'],
    ['date', 'Mon, 21 Oct 2013 20:13:21 GMT'],
    ['cookie', 'session=0123456789abcdef'],
  ])('%s: one byte the second time', (name, value) => {
    expect(again(name, value).second).toHaveLength(1);
  });

  it.each([
    ['authorization', 'Basic dTpw'],
    ['proxy-authorization', 'Basic dTpw'],
    ['cookie', 'pin=1234'],
  ])('%s: %s never does, on no hop', (name, value) => {
    const { first, second } = again(name, value);
    expect(second).toEqual(first);
    expect((first[0] ?? 0) & 0xf0).toBe(0x10);
  });

  it.each([['content-length'], ['etag'], ['location'], ['set-cookie'], [':path']])('%s does not', (name) => {
    const { first, second } = again(name, '/some-value-or-other');
    expect(second).toEqual(first);
    expect((first[0] ?? 0) & 0xf0).toBe(0x00);
  });

  it('not what would push all else out', () => {
    const encoder = new HpackEncoder();
    encode(encoder, [['server', 'nginx']]);
    encode(encoder, [['content-security-policy', 'x'.repeat(3_500)]]);
    expect(encode(encoder, [['server', 'nginx']])).toHaveLength(1);
  });
});

it('knows the statuses of the static table', () => {
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder();
  for (const status of [200, 204, 206, 304, 400, 404, 500]) {
    encoder.begin();
    encoder.status(status);
    expect(encoder.block()).toHaveLength(1);
    expect(decoded(decoder, Buffer.from(encoder.block()))).toEqual([`:status: ${status}`]);
  }
  encoder.begin();
  encoder.status(418);
  expect(decoded(decoder, Buffer.from(encoder.block()))).toEqual([':status: 418']);
});

it('takes names in any case from bytes of a head', () => {
  const encoder = new HpackEncoder();
  const line = Buffer.from('Content-TYPE: text/html\r\n');
  encoder.begin();
  encoder.field(line, 0, 12, 14, 23);
  expect(decoded(new HpackDecoder(), Buffer.from(encoder.block()))).toEqual(['content-type: text/html']);
});

describe('the size of the table', () => {
  it('is announced when the peer makes it smaller, and what was evicted is written anew', () => {
    const encoder = new HpackEncoder();
    const decoder = new HpackDecoder();
    const fields: readonly Field[] = [['server', 'nginx']];
    expect(decoded(decoder, encode(encoder, fields))).toEqual(['server: nginx']);
    encoder.setPeerTableBytes(0);
    const block = encode(encoder, fields);
    expect(block[0]).toBe(0x20);
    expect(decoded(decoder, block)).toEqual(['server: nginx']);
    expect(encode(encoder, fields)[0]).not.toBe(0x20);
  });

  it('is announced twice when it was smaller in between (RFC 7541 4.2)', () => {
    const encoder = new HpackEncoder();
    const decoder = new HpackDecoder();
    decoded(decoder, encode(encoder, [['server', 'nginx']]));
    encoder.setPeerTableBytes(0);
    encoder.setPeerTableBytes(4_096);
    const block = encode(encoder, [['server', 'nginx']]);
    expect(block.subarray(0, 4)).toEqual(hex('20 3f e1 1f'));
    expect(decoded(decoder, block)).toEqual(['server: nginx']);
  });

  it('is never larger than we want, however large the peer lets it be', () => {
    const encoder = new HpackEncoder();
    encoder.setPeerTableBytes(1_000_000);
    expect(encode(encoder, [['server', 'nginx']])[0]).toBe(0x40 | 54);
  });
});

it('is decoded to what it was given, over many blocks and sizes', () => {
  const names = fc.constantFrom(
    'server',
    'date',
    'cookie',
    'authorization',
    'x-a',
    'x-b',
    ':path',
    'etag',
    'vary',
  );
  const values = fc.oneof(
    fc.constantFrom('', 'a', 'nginx', 'gzip, deflate', '/', 'x'.repeat(300)),
    fc.string({ unit: 'binary-ascii', maxLength: 80 }),
  );
  const blocks = fc.array(
    fc.record({
      size: fc.option(fc.constantFrom(0, 40, 100, 1_000, 4_096, 9_999), { freq: 4 }),
      rests: fc.constantFrom('nobody', 'encoder', 'decoder'),
      fields: fc.array(fc.tuple(names, values), { maxLength: 12 }),
    }),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(blocks, (list) => {
      const encoder = new HpackEncoder();
      const decoder = new HpackDecoder();
      for (const { size, rests, fields } of list) {
        if (rests === 'encoder') encoder.rest();
        if (rests === 'decoder') decoder.rest();
        if (size !== null) encoder.setPeerTableBytes(size);
        const lines = fields.map(([name, value]) => `${name}: ${value}`);
        expect(decoded(decoder, encode(encoder, fields))).toEqual(lines);
      }
    }),
    { numRuns: runs(500) },
  );
});

it('tells the decoder that it has given up its table, and has one again afterwards', () => {
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder();
  const fields: Field[] = [['x-long-name', 'a long value']];
  const block = () => {
    const bytes = encode(encoder, fields);
    expect(decoded(decoder, bytes)).toEqual(['x-long-name: a long value']);
    return bytes;
  };
  block();
  expect(block()).toHaveLength(1);
  encoder.rest();
  // A table of nothing, and again one of 4096 bytes (RFC 7541 6.3).
  expect(block().subarray(0, 4).toString('hex')).toBe('203fe11f');
  expect(block()).toHaveLength(1);
});

it('finds fields however many there were', () => {
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder();
  for (let round = 0; round < 3_000; round += 1) {
    const fields: Field[] = [
      ['server', 'rigil'],
      ['x-round', String(round % 97)],
      [`x-name-${round % 31}`, 'y'],
    ];
    const lines = fields.map(([name, value]) => `${name}: ${value}`);
    expect(decoded(decoder, encode(encoder, fields))).toEqual(lines);
  }
});
