import { describe, expect, it } from 'vitest';
import { FORWARD_CUTS } from '../../../../src/proxy/codec/http1/head-writer.ts';
import { responseBody, staysOpen } from '../../../../src/proxy/codec/http1/response-body.ts';
import { ResponseParser } from '../../../../src/proxy/codec/http1/response-parser.ts';
import { ACCEPTED_RESPONSES, REFUSED_RESPONSES } from './response-cases.ts';
import { arrivals, collect } from './whole-and-split.ts';

const LIMIT = 65_536;

describe('responses that are refused, whole and however they are cut', () => {
  it.each(REFUSED_RESPONSES)('%s', (_, wire, fault) => {
    for (const pieces of arrivals(Buffer.from(wire, 'latin1'))) {
      const parser = new ResponseParser();
      const { verdict } = collect(parser, LIMIT, pieces);
      expect([verdict, parser.fault]).toEqual(['fault', fault]);
    }
  });
});

describe('responses that are accepted, whole and however they are cut', () => {
  it.each(ACCEPTED_RESPONSES)('$name', ({ wire, method, reads }) => {
    for (const pieces of arrivals(Buffer.from(wire, 'latin1'))) {
      const parser = new ResponseParser();
      const { verdict, consumed } = collect(parser, LIMIT, pieces);
      expect([verdict, parser.fault]).toEqual(['done', parser.fault]);
      expect(consumed).toBe(wire.length);
      const body = responseBody(parser, method ?? 'GET');
      expect({
        status: parser.status,
        reason: parser.reason(),
        minorVersion: parser.minorVersion,
        contentLength: parser.contentLength,
        keepAlive: parser.keepAlive,
        body,
        staysOpen: staysOpen(parser, body),
        forwarded: parser.fields.toRawHeaders(FORWARD_CUTS),
      }).toMatchObject(reads);
    }
  });
});
