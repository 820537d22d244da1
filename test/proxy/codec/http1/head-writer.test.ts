import { describe, expect, it } from 'vitest';
import { cutting, FIELD, HOP_BY_HOP } from '../../../../src/proxy/codec/field-kind.ts';
import {
  CHUNKED_LINE,
  FORWARD_CUTS,
  writeNewRequest,
  writeNewResponse,
  writeRequest,
  writeResponse,
} from '../../../../src/proxy/codec/http1/head-writer.ts';
import { RequestParser } from '../../../../src/proxy/codec/http1/request-parser.ts';
import { ResponseParser } from '../../../../src/proxy/codec/http1/response-parser.ts';
import { ascii } from '../../../../src/proxy/codec/octets.ts';
import { ACCEPTED_REQUESTS } from './request-cases.ts';
import { ACCEPTED_RESPONSES } from './response-cases.ts';

function parsed(wire: string): RequestParser {
  const parser = new RequestParser();
  parser.reset();
  expect(parser.parse(Buffer.from(`##${wire}`, 'latin1'), 2, wire.length + 2)).toBe('done');
  return parser;
}

function parsedResponse(wire: string): ResponseParser {
  const parser = new ResponseParser();
  parser.reset();
  expect(parser.parse(Buffer.from(wire, 'latin1'), 0, wire.length)).toBe('done');
  return parser;
}

const text = (bytes: Buffer) => bytes.toString('latin1');

describe('a request for the next hop', () => {
  it('goes on byte for byte where nothing is to be changed', () => {
    const wire = 'GET /a?b HTTP/1.1\r\nhOSt:a.example\r\nX:  y \t\r\nY: \xc3\xa9\r\n\r\n';
    expect(text(writeRequest(parsed(wire), FORWARD_CUTS, ''))).toBe(wire);
  });

  it('loses the lines of one connection, wherever they stand', () => {
    const wire =
      'POST / HTTP/1.1\r\nConnection: x\r\nTE: trailers\r\nHost: a\r\nX: 1\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n';
    expect(text(writeRequest(parsed(wire), FORWARD_CUTS, CHUNKED_LINE))).toBe(
      'POST / HTTP/1.1\r\nHost: a\r\nA: b\r\ntransfer-encoding: chunked\r\n\r\n',
    );
  });

  it('has the added lines last and then the first bytes of the body', () => {
    const wire = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n';
    const body = Buffer.from('xxabcxx');
    expect(text(writeRequest(parsed(wire), FORWARD_CUTS, 'x-a: b\r\n', body, 2, 5))).toBe(
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nx-a: b\r\n\r\nabc',
    );
  });

  it('speaks HTTP/1.1 and the origin form', () => {
    expect(text(writeRequest(parsed('GET /a HTTP/1.0\r\nHost: a\r\n\r\n'), FORWARD_CUTS, ''))).toBe(
      'GET /a HTTP/1.1\r\nHost: a\r\n\r\n',
    );
    const absolute = 'GET http://a.example?b HTTP/1.1\r\nHost: a.example\r\n\r\n';
    expect(text(writeRequest(parsed(absolute), FORWARD_CUTS, ''))).toBe(
      'GET /?b HTTP/1.1\r\nHost: a.example\r\n\r\n',
    );
  });

  it('keeps the target of CONNECT', () => {
    expect(text(writeRequest(parsed('CONNECT a:1 HTTP/1.0\r\n\r\n'), FORWARD_CUTS, 'host: a:1\r\n'))).toBe(
      'CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n',
    );
  });

  it('is written without the empty line that stood before it', () => {
    const wire = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
    expect(text(writeRequest(parsed(`\r\n${wire}`), FORWARD_CUTS, ''))).toBe(wire);
  });

  it('can lose lines by kind, by name and one by one', () => {
    const request = parsed(
      'GET / HTTP/1.1\r\nHost: a\r\nForwarded: x\r\nCookie: y\r\nX-Own: z\r\nB: c\r\n\r\n',
    );
    request.fields.remove(request.fields.findName(ascii('x-own')));
    const cuts = cutting(...HOP_BY_HOP, FIELD.forwarded, FIELD.cookie);
    expect(text(writeRequest(request, cuts, ''))).toBe('GET / HTTP/1.1\r\nHost: a\r\nB: c\r\n\r\n');
  });

  it('is one that we would accept, and means the same', () => {
    for (const { wire } of ACCEPTED_REQUESTS) {
      const request = parsed(wire);
      if (request.authority() === null) continue;
      const added = request.body === 'chunked' ? CHUNKED_LINE : '';
      const host = request.fields.find(FIELD.host) < 0 ? `host: ${request.authority()}\r\n` : '';
      const again = parsed(text(writeRequest(request, FORWARD_CUTS, added + host)));
      for (const key of ['method', 'body', 'contentLength'] as const) expect(again[key]).toBe(request[key]);
      expect(again.path()).toBe(request.path());
      expect(again.authority()?.toLowerCase()).toBe(request.authority()?.toLowerCase());
    }
  });
});

describe('a response for the client', () => {
  it('goes on byte for byte where nothing is to be changed', () => {
    const wire = 'HTTP/1.1 200 Sehr gut\r\nContent-Length:3\r\nSet-Cookie: a=b\r\n\r\n';
    expect(text(writeResponse(parsedResponse(wire), FORWARD_CUTS, ''))).toBe(wire);
  });

  it('gets the status line that RFC 9112 wants', () => {
    const statusLine = (wire: string) =>
      text(writeResponse(parsedResponse(`${wire}\r\n\r\n`), FORWARD_CUTS, ''));
    expect(statusLine('HTTP/1.1 404')).toBe('HTTP/1.1 404 \r\n\r\n');
    expect(statusLine('HTTP/1.1 404 ')).toBe('HTTP/1.1 404 \r\n\r\n');
    expect(statusLine('HTTP/1.0 200 OK')).toBe('HTTP/1.1 200 OK\r\n\r\n');
  });

  it('is one that we would accept', () => {
    for (const { wire } of ACCEPTED_RESPONSES) {
      const response = parsedResponse(wire);
      const again = parsedResponse(text(writeResponse(response, FORWARD_CUTS, '')));
      expect([again.status, again.reason()]).toEqual([response.status, response.reason()]);
    }
  });
});

describe('heads of strings', () => {
  it('are written in order, with the added lines last', () => {
    expect(text(writeNewResponse(404, ['X', '1', 'x', 'caf\xe9'], 'connection: close\r\n'))).toBe(
      'HTTP/1.1 404 Not Found\r\nX: 1\r\nx: caf\xe9\r\nconnection: close\r\n\r\n',
    );
    expect(text(writeNewResponse(599, [], ''))).toBe('HTTP/1.1 599 \r\n\r\n');
    expect(text(writeNewRequest('GET', '/a', ['Host', 'b'], ''))).toBe('GET /a HTTP/1.1\r\nHost: b\r\n\r\n');
  });

  it('have no lines that a value made', () => {
    expect(text(writeNewResponse(200, ['X', 'a\r\nY: b', 'Z\r\n', 'c', 'A', 'b'], ''))).toBe(
      'HTTP/1.1 200 OK\r\nA: b\r\n\r\n',
    );
  });
});
