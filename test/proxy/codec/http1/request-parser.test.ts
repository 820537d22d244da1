import { describe, expect, it } from 'vitest';
import { FAULTS } from '../../../../src/proxy/codec/http1/faults.ts';
import { FORWARD_CUTS } from '../../../../src/proxy/codec/http1/head-writer.ts';
import { RequestParser } from '../../../../src/proxy/codec/http1/request-parser.ts';
import { ACCEPTED_REQUESTS, REFUSED_REQUESTS } from './request-cases.ts';
import { arrivals, collect } from './whole-and-split.ts';

const LIMIT = 16_384;

describe('requests that are refused, whole and however they are cut', () => {
  it.each(REFUSED_REQUESTS)('%s', (_, wire, fault, status) => {
    for (const pieces of arrivals(Buffer.from(wire, 'latin1'))) {
      const parser = new RequestParser();
      const { verdict } = collect(parser, LIMIT, pieces);
      expect([verdict, parser.fault, FAULTS[parser.fault]]).toEqual(['fault', fault, status]);
    }
  });
});

describe('requests that are accepted, whole and however they are cut', () => {
  it.each(ACCEPTED_REQUESTS)('$name', ({ wire, reads }) => {
    const { rest, ...wanted } = reads;
    for (const pieces of arrivals(Buffer.from(wire, 'latin1'))) {
      const parser = new RequestParser();
      const { verdict, consumed } = collect(parser, LIMIT, pieces);
      expect([verdict, parser.fault]).toEqual(['done', parser.fault]);
      expect(readingOf(parser)).toMatchObject(wanted);
      expect(wire.length - consumed).toBe(rest ?? wire.length - consumed);
    }
  });

  it('one parser reads one head after the other', () => {
    const parser = new RequestParser();
    const read = ACCEPTED_REQUESTS.filter(({ reads, wire }) => {
      parser.reset();
      const bytes = Buffer.from(wire, 'latin1');
      const done = parser.parse(bytes, 0, bytes.length) === 'done';
      const { rest: _, ...wanted } = reads;
      expect(readingOf(parser)).toMatchObject(wanted);
      return done;
    });
    expect(read).toEqual(ACCEPTED_REQUESTS);
  });

  it.each(ACCEPTED_REQUESTS)('wants more of any beginning of: $name', ({ wire }) => {
    const parser = new RequestParser();
    const bytes = Buffer.from(wire, 'latin1');
    parser.reset();
    parser.parse(bytes, 0, bytes.length);
    const { length } = parser;
    parser.reset();
    for (let to = 0; to < length; to += 1) expect(parser.parse(bytes, 0, to)).toBe('more');
    expect(parser.parse(bytes, 0, length)).toBe('done');
  });
});

it('there are at least 200 cases of strictness', () => {
  expect(REFUSED_REQUESTS.length + ACCEPTED_REQUESTS.length).toBeGreaterThan(200);
});

it('limits are those given', () => {
  const parser = new RequestParser({ bytes: 64, fields: 1, targetBytes: 4 });
  const verdictOf = (wire: string) => {
    parser.reset();
    return parser.parse(Buffer.from(wire), 0, wire.length) === 'fault' ? parser.fault : 'fine';
  };
  expect(verdictOf('GET /aaa HTTP/1.1\r\nHost: a\r\n\r\n')).toBe('fine');
  expect(verdictOf('GET /aaaa HTTP/1.1\r\nHost: a\r\n\r\n')).toBe('target-too-long');
  expect(verdictOf('GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n')).toBe('too-many-fields');
  expect(verdictOf(`GET / HTTP/1.1\r\nHost: ${'a'.repeat(64)}\r\n\r\n`)).toBe('head-too-large');
});

it('every fault of a request is among the cases', () => {
  const covered = new Set<string>(REFUSED_REQUESTS.map(([, , fault]) => fault));
  const others = /^(status-|chunk-|chunk-end|trailer|chunk-extensions)/;
  const missing = Object.keys(FAULTS).filter((fault) => !others.test(fault) && !covered.has(fault));
  expect(missing).toEqual([]);
});

function readingOf(parser: RequestParser): object {
  return {
    method: parser.method,
    path: parser.path(),
    host: parser.host(),
    authority: parser.authority(),
    minorVersion: parser.minorVersion,
    body: parser.body,
    contentLength: parser.contentLength,
    keepAlive: parser.keepAlive,
    upgrade: parser.upgrade,
    expectContinue: parser.expectContinue,
    forwarded: parser.fields.toRawHeaders(FORWARD_CUTS),
  };
}
