import { describe, expect, it } from 'vitest';
import { CHUNKED_LINE, FORWARD_CUTS } from '../../../../src/proxy/codec/http1/head-writer.ts';
import { RequestParser } from '../../../../src/proxy/codec/http1/request-parser.ts';
import { ResponseParser } from '../../../../src/proxy/codec/http1/response-parser.ts';
import { encodeResponse } from '../../../../src/proxy/codec/http2/from-http1.ts';
import { HpackDecoder } from '../../../../src/proxy/codec/http2/hpack/decoder.ts';
import { HpackEncoder } from '../../../../src/proxy/codec/http2/hpack/encoder.ts';
import { HeaderList } from '../../../../src/proxy/codec/http2/hpack/header-list.ts';
import { MESSAGE_FAULTS } from '../../../../src/proxy/codec/http2/message-faults.ts';
import { RequestReader } from '../../../../src/proxy/codec/http2/request-reader.ts';
import { ResponseReader } from '../../../../src/proxy/codec/http2/response-reader.ts';
import { TO_HTTP1_CUTS, writeAsHttp1 } from '../../../../src/proxy/codec/http2/to-http1.ts';
import { trailersFault } from '../../../../src/proxy/codec/http2/trailers.ts';
import { linesOf } from './hpack/decoded.ts';
import { ACCEPTED, type Fields, get, REFUSED, REFUSED_RESPONSES, REFUSED_TRAILERS } from './message-cases.ts';

/**
 * Decodes literals with these fields: the encoder would write names in lower case, so that this is done by hand. With
 * indexing, so that a second decoding comes from the table.
 */
function listOf(fields: Fields, decoder = new HpackDecoder()): HeaderList {
  const list = new HeaderList();
  const block = Buffer.concat(
    fields.flatMap(([name, value]) =>
      [Buffer.of(0x40), lengthOf(name), lengthOf(value)].map((part, index) =>
        index === 0 ? part : Buffer.concat([part, Buffer.from(index === 1 ? name : value, 'latin1')]),
      ),
    ),
  );
  expect(decoder.decode(block, 0, block.length, list)).toBe(null);
  return list;
}

function lengthOf(text: string): Buffer {
  if (text.length < 127) return Buffer.of(text.length);
  const rest = text.length - 127;
  return rest < 128 ? Buffer.of(127, rest) : Buffer.of(127, (rest & 127) | 128, rest >>> 7);
}

describe('requests that are malformed', () => {
  it.each(REFUSED)('%s', (_, fields, fault, status) => {
    const list = listOf(fields);
    expect(new RequestReader(list, true).read(list, true)).toBe(fault);
    expect(MESSAGE_FAULTS[fault]).toBe(status);
  });

  it('extended CONNECT, if it was not offered', () => {
    const fields = ACCEPTED.find(({ name }) => name === 'extended CONNECT')?.fields ?? [];
    const list = listOf(fields);
    expect(new RequestReader(list).read(list, false)).toBe('connect-protocol-unexpected');
  });

  it('lists beyond the limits, which are answered with 431', () => {
    const list = listOf(get(['x', 'y'.repeat(16_000)], ['z', 'y'.repeat(16_000)]));
    expect(new RequestReader(list).read(list, true)).toBe('header-list-too-large');
    expect(new ResponseReader().read(list)).toBe('header-list-too-large');
    expect(trailersFault(list)).toBe('header-list-too-large');
    expect(MESSAGE_FAULTS['header-list-too-large']).toBe(431);
  });
});

it.each(ACCEPTED)('reads a request: $name', ({ fields, reads }) => {
  const list = listOf(fields);
  const request = new RequestReader(list, true);
  expect(request.read(list, true)).toBe(null);
  const { method, scheme, protocol, contentLength, expectContinue, cookies } = request;
  expect({
    ...{ method, scheme, protocol, contentLength, expectContinue, cookies },
    ...{ path: request.path(), authority: request.authority(), host: request.host() },
  }).toMatchObject(reads);
});

it('a length and a body to come are no contradiction', () => {
  const list = listOf(get(['content-length', '3']));
  const request = new RequestReader(list);
  expect(request.read(list, false)).toBe(null);
  expect(request.contentLength).toBe(3);
});

it('an invalid field from the dynamic table is as invalid as before', () => {
  const decoder = new HpackDecoder();
  listOf([['X', 'y']], decoder);
  const list = new HeaderList();
  decoder.decode(Buffer.of(0x82, 0x87, 0x84, 0xbe), 0, 4, list);
  expect(new RequestReader(list).read(list, true)).toBe('field-name-invalid');
});

describe('responses', () => {
  it.each(REFUSED_RESPONSES)('malformed: %s', (_, fields, fault) => {
    expect(new ResponseReader().read(listOf(fields))).toBe(fault);
  });

  it('read', () => {
    const response = new ResponseReader();
    expect(
      response.read(
        listOf([
          [':status', '404'],
          ['content-length', '3'],
          ['x', 'y'],
        ]),
      ),
    ).toBe(null);
    expect([response.status, response.contentLength]).toEqual([404, 3]);
    expect(
      response.read(
        listOf([
          [':status', '103'],
          ['link', 'x'],
        ]),
      ),
    ).toBe(null);
    expect([response.status, response.contentLength]).toEqual([103, -1]);
  });
});

describe('trailers', () => {
  it.each(REFUSED_TRAILERS)('malformed: %s', (_, fields, fault) => {
    expect(trailersFault(listOf(fields))).toBe(fault);
  });

  it('read', () =>
    expect(
      trailersFault(
        listOf([
          ['grpc-status', '0'],
          ['grpc-message', ''],
        ]),
      ),
    ).toBe(null));
});

describe('a request on its way to HTTP/1.1', () => {
  const written = (fields: Fields, added = '') => {
    const list = listOf(fields);
    const request = new RequestReader(list, true);
    expect(request.read(list, false)).toBe(null);
    return writeAsHttp1(request, TO_HTTP1_CUTS, added).toString('latin1');
  };

  it('has Host for the authority, one cookie, and the added lines', () => {
    const wire = written(
      get(
        ['cookie', 'a=b'],
        ['x-a', 'c'],
        ['cookie', 'd=e'],
        ['te', 'trailers'],
        ['host', 'a.example'],
        ['y', ''],
      ),
      'x-forwarded-proto: https\r\n',
    );
    expect(wire).toBe(
      'GET / HTTP/1.1\r\nhost: a.example\r\nx-a: c\r\ny: \r\ncookie: a=b; d=e\r\nx-forwarded-proto: https\r\n\r\n',
    );
  });

  it('is one that our own parser reads, and reads the same', () => {
    for (const { fields } of ACCEPTED) {
      if (fields.some(([name]) => name === ':protocol')) continue;
      const list = listOf(fields);
      const request = new RequestReader(list, true);
      request.read(list, false);
      if (request.method === 'CONNECT') continue;
      const wire = writeAsHttp1(
        request,
        TO_HTTP1_CUTS,
        CHUNKED_LINE.repeat(request.contentLength < 0 ? 1 : 0),
      );
      const parser = new RequestParser();
      parser.reset();
      expect([parser.parse(wire, 0, wire.length), parser.fault]).toEqual(['done', parser.fault]);
      expect(parser.length).toBe(wire.length);
      expect([parser.method, parser.path(), parser.host()]).toEqual([
        request.method,
        request.path(),
        request.host(),
      ]);
    }
  });

  it('loses names that only look like others', () => {
    expect(written(get(['x_forwarded_for', '::1'], ['a_b', 'c']))).toBe(
      'GET / HTTP/1.1\r\nhost: a.example\r\na_b: c\r\n\r\n',
    );
  });
});

it('a response of HTTP/1 goes on as a header block', () => {
  const wire = Buffer.from(
    'HTTP/1.1 404 Not Found\r\nConnection: x-hop\r\nX-Hop: 1\r\nServer:  nginx \r\nTransfer-Encoding: chunked\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n\r\n',
  );
  const parser = new ResponseParser();
  parser.reset();
  expect(parser.parse(wire, 0, wire.length)).toBe('done');
  const encoder = new HpackEncoder();
  encoder.begin();
  encodeResponse(encoder, parser, FORWARD_CUTS);
  encoder.text('via', '2 rigil');
  const list = new HeaderList();
  const block = encoder.block();
  expect(new HpackDecoder().decode(block, 0, block.length, list)).toBe(null);
  expect(new ResponseReader().read(list)).toBe(null);
  expect(linesOf(list)).toEqual([
    ':status: 404',
    'server: nginx',
    'set-cookie: a=b',
    'set-cookie: c=d',
    'via: 2 rigil',
  ]);
});
