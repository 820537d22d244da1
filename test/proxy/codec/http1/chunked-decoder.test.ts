import { describe, expect, it } from 'vitest';
import { cutting } from '../../../../src/proxy/codec/field-kind.ts';
import { ChunkedDecoder } from '../../../../src/proxy/codec/http1/chunked-decoder.ts';
import { FAULTS } from '../../../../src/proxy/codec/http1/faults.ts';
import { ACCEPTED_BODIES, REFUSED_BODIES } from './chunked-cases.ts';
import { arrivals } from './whole-and-split.ts';

const NO_CUTS = cutting();

describe('chunked bodies that are refused, whole and however they are cut', () => {
  it.each(REFUSED_BODIES)('%s', (_, wire, fault, status) => {
    for (const pieces of arrivals(Buffer.from(wire, 'latin1'))) {
      const decoder = new ChunkedDecoder();
      const { verdict } = decode(decoder, pieces);
      expect([verdict, decoder.fault, FAULTS[decoder.fault]]).toEqual(['fault', fault, status]);
    }
  });
});

describe('chunked bodies that are accepted, whole and however they are cut', () => {
  it.each(ACCEPTED_BODIES)('$name', ({ wire, data, trailers = [], rest = 0 }) => {
    for (const pieces of arrivals(Buffer.from(wire, 'latin1'))) {
      const decoder = new ChunkedDecoder();
      expect(decode(decoder, pieces)).toEqual({
        verdict: 'done',
        data,
        trailers,
        consumed: wire.length - rest,
      });
      expect(decoder.dataBytes).toBe(data.length);
    }
  });

  it('one decoder reads one body after the other', () => {
    const decoder = new ChunkedDecoder();
    for (const { wire, data } of [...ACCEPTED_BODIES, ...ACCEPTED_BODIES]) {
      decoder.reset();
      expect(decode(decoder, [Buffer.from(wire, 'latin1')])).toMatchObject({ verdict: 'done', data });
    }
  });

  it('without a sink only the end is found', () => {
    const decoder = new ChunkedDecoder();
    const bytes = Buffer.from('5\r\nhello\r\n0\r\n\r\nnext');
    expect(decoder.read(bytes, 0, bytes.length)).toBe('done');
    expect(bytes.subarray(decoder.end).toString()).toBe('next');
  });

  it('extensions are counted for each body anew', () => {
    const decoder = new ChunkedDecoder();
    const bytes = Buffer.from(`1;${'a'.repeat(9_000)}\r\nx\r\n0\r\n\r\n`);
    for (let body = 0; body < 3; body += 1) {
      decoder.reset();
      expect(decoder.read(bytes, 0, bytes.length)).toBe('done');
    }
  });
});

function decode(decoder: ChunkedDecoder, pieces: readonly Buffer[]) {
  let data = '';
  let consumed = 0;
  for (const piece of pieces) {
    const surrounded = Buffer.concat([Buffer.from('0\r\n\r\n'), piece, Buffer.from('0\r\n\r\n')]);
    const verdict = decoder.read(surrounded, 5, 5 + piece.length, (bytes, from, to) => {
      data += bytes.toString('latin1', from, to);
    });
    if (verdict === 'done') {
      consumed += decoder.end - 5;
      return { verdict, data, trailers: decoder.trailers.toRawHeaders(NO_CUTS), consumed };
    }
    if (verdict === 'fault') return { verdict, data, trailers: [], consumed };
    consumed += piece.length;
    surrounded.fill(0);
  }
  return { verdict: 'more', data, trailers: [], consumed };
}
