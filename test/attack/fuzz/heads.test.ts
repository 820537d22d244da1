import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutting } from '../../../src/proxy/codec/field-kind.ts';
import { FRAMING_ONLY } from '../../../src/proxy/codec/head-only.ts';
import { ChunkedDecoder } from '../../../src/proxy/codec/http1/chunked-decoder.ts';
import { HeadCollector } from '../../../src/proxy/codec/http1/head-collector.ts';
import { RequestParser } from '../../../src/proxy/codec/http1/request-parser.ts';
import { ResponseParser } from '../../../src/proxy/codec/http1/response-parser.ts';
import { runs } from '../../fuzz-runs.ts';
import { ACCEPTED_BODIES, REFUSED_BODIES } from '../../proxy/codec/http1/chunked-cases.ts';
import { ACCEPTED_REQUESTS, REFUSED_REQUESTS } from '../../proxy/codec/http1/request-cases.ts';

/*
 * However the bytes of a message arrive, it is read in the same way: to the same verdict, with the same bytes left. The messages
 * are those of the other tests, with a few bytes changed.
 */
const ALL = cutting();
const LIMIT = 65_536;

const change = fc.record({
  at: fc.nat(),
  length: fc.nat({ max: 3 }),
  text: fc.constantFrom(...'\r\n\0:, \t;="', '\r\n', '\n\n', 'x', '0', '\xff', 'chunked', 'Host: a\r\n', ''),
});

/** One of `wires`, changed here and there, and the places where it is cut. */
function messages(wires: readonly string[]) {
  return fc
    .tuple(
      fc.constantFrom(...wires.filter((wire) => wire.length < 2_000)),
      fc.array(change, { maxLength: 3 }),
      fc.array(fc.nat(), { maxLength: 6 }),
    )
    .map(([wire, changes, cuts]) => {
      let text = wire;
      for (const { at, length, text: inserted } of changes) {
        const place = at % (text.length + 1);
        text = text.slice(0, place) + inserted + text.slice(place + length);
      }
      const bytes = Buffer.from(text, 'latin1');
      return { bytes, cuts: cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b) };
    });
}

function piecesOf(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [0, ...cuts, bytes.length];
  return places.slice(1).map((end, index) => Buffer.from(bytes.subarray(places[index], end)));
}

/** What a parser of heads says, and about which bytes. */
function readHead(parser: RequestParser | ResponseParser, pieces: readonly Buffer[]): object {
  const collector = new HeadCollector(parser, LIMIT);
  collector.reset();
  let before = 0;
  for (const piece of pieces) {
    const verdict = collector.push(piece, 0, piece.length);
    if (verdict === 'fault') return { fault: parser.fault };
    if (verdict === 'done') {
      const fields = parser.fields.toRawHeaders(ALL);
      return {
        end: before + collector.end,
        fields,
        keepAlive: parser.keepAlive,
        length: parser.contentLength,
      };
    }
    before += piece.length;
  }
  return { more: true };
}

function readBody(pieces: readonly Buffer[]): object {
  const decoder = new ChunkedDecoder(FRAMING_ONLY);
  let before = 0;
  let data = '';
  for (const piece of pieces) {
    const verdict = decoder.read(piece, 0, piece.length, (bytes, from, to) => {
      data += bytes.toString('latin1', from, to);
    });
    if (verdict === 'fault') return { fault: decoder.fault };
    if (verdict === 'done')
      return { end: before + decoder.end, data, trailers: decoder.trailers.toRawHeaders(ALL) };
    before += piece.length;
  }
  return { more: true, data };
}

const REQUESTS = [...ACCEPTED_REQUESTS.map(({ wire }) => wire), ...REFUSED_REQUESTS.map(([, wire]) => wire)];
const RESPONSES = REQUESTS.map((wire) => wire.replace(/^.*?\r\n/, 'HTTP/1.1 200 OK\r\n'));
const BODIES = [...ACCEPTED_BODIES.map(({ wire }) => wire), ...REFUSED_BODIES.map(([, wire]) => wire)];

describe('however it is cut, the same is read of', () => {
  const same = (wires: readonly string[], read: (pieces: readonly Buffer[]) => object) =>
    fc.assert(
      fc.property(messages(wires), ({ bytes, cuts }) => {
        const whole = read([bytes]);
        expect(read(piecesOf(bytes, cuts))).toEqual(whole);
        expect(read(Array.from(bytes, (byte) => Buffer.of(byte)))).toEqual(whole);
      }),
      { numRuns: runs(1_500) },
    );

  it('a request', () => same(REQUESTS, (pieces) => readHead(new RequestParser(), pieces)));
  it('a response', () => same(RESPONSES, (pieces) => readHead(new ResponseParser(), pieces)));
  it('a chunked body', () => same(BODIES, readBody));
});
