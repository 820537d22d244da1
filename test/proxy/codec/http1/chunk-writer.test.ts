import { expect, it } from 'vitest';
import { cutting } from '../../../../src/proxy/codec/field-kind.ts';
import { LAST_CHUNK, writeChunk, writeLastChunk } from '../../../../src/proxy/codec/http1/chunk-writer.ts';
import { ChunkedDecoder } from '../../../../src/proxy/codec/http1/chunked-decoder.ts';

it('writes what the decoder reads', () => {
  const data = Buffer.from('##hello world##');
  const wire = Buffer.concat([
    writeChunk(data, 2, 7),
    writeChunk(data, 7, 13),
    writeLastChunk('x-sum: 1\r\n'),
  ]);
  const decoder = new ChunkedDecoder();
  let seen = '';
  const verdict = decoder.read(wire, 0, wire.length, (bytes, from, to) => {
    seen += bytes.toString('latin1', from, to);
  });
  expect([verdict, seen, decoder.end]).toEqual(['done', 'hello world', wire.length]);
  expect(decoder.trailers.toRawHeaders(cutting())).toEqual(['x-sum', '1']);
});

it('writes sizes in hexadecimal, and nothing it need not', () => {
  expect(writeChunk(Buffer.alloc(300, 'x'), 0, 300).subarray(0, 5).toString()).toBe('12c\r\n');
  expect(writeLastChunk('')).toBe(LAST_CHUNK);
});
