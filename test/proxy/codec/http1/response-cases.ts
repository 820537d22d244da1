import type { Fault } from '../../../../src/proxy/codec/http1/faults.ts';
import type { BodyKind } from '../../../../src/proxy/codec/http1/response-body.ts';

/** What a response head must be read as. Every byte of `wire` is a latin1 character. */
export interface AcceptedResponse {
  readonly name: string;
  readonly wire: string;
  /** Of the request; GET when absent. */
  readonly method?: string;
  readonly reads: Readonly<{
    status?: number;
    reason?: string;
    minorVersion?: number;
    body?: BodyKind;
    contentLength?: number;
    keepAlive?: boolean;
    /** Whether the connection may carry another request. */
    staysOpen?: boolean;
    forwarded?: readonly string[];
  }>;
}

export type RefusedResponse = readonly [name: string, wire: string, fault: Fault];

function withLines(...lines: readonly string[]): string {
  return withStatus(200, ...lines);
}

function withStatus(status: number, ...lines: readonly string[]): string {
  return `HTTP/1.1 ${status} Fine\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;
}

export const REFUSED_RESPONSES: readonly RefusedResponse[] = [
  ['bare LF after the status line', 'HTTP/1.1 200 OK\n\r\n', 'bare-lf'],
  ['bare LF after the code', 'HTTP/1.1 200\n\r\n', 'bare-lf'],
  ['bare CR in the reason', 'HTTP/1.1 200 O\rK\r\n\r\n', 'bare-cr'],
  ['bare CR after the code', 'HTTP/1.1 200\rX\n\r\n', 'bare-cr'],
  ['bare LF after a field', withLines('X: a\nY: b'), 'bare-lf'],
  ['an empty line first', `\r\n${withLines()}`, 'status-line-invalid'],
  ['a space first', ` ${withLines()}`, 'status-line-invalid'],
  ['a request', 'GET / HTTP/1.1\r\n\r\n', 'status-line-invalid'],
  ['an ICY stream', 'ICY 200 OK\r\n\r\n', 'status-line-invalid'],
  ['the protocol in lower case', 'http/1.1 200 OK\r\n\r\n', 'status-line-invalid'],
  ['HTTP/2', 'HTTP/2 200\r\n\r\n', 'status-line-invalid'],
  ['HTTP/0.9', 'HTTP/0.9 200 OK\r\n\r\n', 'status-line-invalid'],
  ['HTTP/1.2', 'HTTP/1.2 200 OK\r\n\r\n', 'version-unsupported'],
  ['HTTP/1.x', 'HTTP/1.x 200 OK\r\n\r\n', 'status-line-invalid'],
  ['HTTP/1.10', 'HTTP/1.10 200 OK\r\n\r\n', 'status-line-invalid'],
  ['a tab after the version', 'HTTP/1.1\t200 OK\r\n\r\n', 'status-line-invalid'],
  ['two spaces after the version', 'HTTP/1.1  200 OK\r\n\r\n', 'status-invalid'],
  ['no code', 'HTTP/1.1 \r\n\r\n', 'status-invalid'],
  ['a code of two digits', 'HTTP/1.1 20 OK\r\n\r\n', 'status-invalid'],
  ['a code of four digits', 'HTTP/1.1 2000 OK\r\n\r\n', 'status-invalid'],
  ['a code below 100', 'HTTP/1.1 099 OK\r\n\r\n', 'status-invalid'],
  ['a code of letters', 'HTTP/1.1 2xx OK\r\n\r\n', 'status-invalid'],
  ['a signed code', 'HTTP/1.1 +20 OK\r\n\r\n', 'status-invalid'],
  ['a tab after the code', 'HTTP/1.1 200\tOK\r\n\r\n', 'status-invalid'],
  ['NUL in the reason', 'HTTP/1.1 200 O\0K\r\n\r\n', 'control-byte'],
  ['ESC in the reason', 'HTTP/1.1 200 \x1b[0m\r\n\r\n', 'control-byte'],
  ['NUL in a value', withLines('X: a\0b'), 'control-byte'],
  ['a control byte in a cookie', withLines('Set-Cookie: a=\x01'), 'control-byte'],
  ['a folded value', withLines('X: a', ' b'), 'obs-fold'],
  ['a space before the colon', withLines('X : a'), 'space-before-colon'],
  ['a space before the first field', withLines(' X: a'), 'space-before-field'],
  ['a name that is none', withLines('X Y'), 'space-before-colon'],
  [
    'both framings',
    withLines('Content-Length: 3', 'Transfer-Encoding: chunked'),
    'content-length-with-transfer-encoding',
  ],
  ['two lengths', withLines('Content-Length: 3', 'Content-Length: 3'), 'content-length-repeated'],
  ['a list of lengths', withLines('Content-Length: 3, 3'), 'content-length-invalid'],
  ['a negative length', withLines('Content-Length: -1'), 'content-length-invalid'],
  ['2^53', withLines('Content-Length: 9007199254740992'), 'content-length-invalid'],
  ['a length of 17 digits', withLines('Content-Length: 00000000000000003'), 'content-length-invalid'],
  ['an unknown coding', withLines('Transfer-Encoding: gzip, chunked'), 'transfer-coding-unknown'],
  ['chunked not last', withLines('Transfer-Encoding: chunked, gzip'), 'chunked-not-last'],
  ['identity', withLines('Transfer-Encoding: identity'), 'chunked-missing'],
  [
    'chunked twice',
    withLines('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'),
    'transfer-encoding-repeated',
  ],
  [
    'chunks in HTTP/1.0',
    'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
    'transfer-encoding-in-http-1.0',
  ],
  ['Connection that is no list', withLines('Connection: close; x'), 'connection-invalid'],
  ['201 fields', withLines(...Array.from({ length: 201 }, (_, n) => `X${n}: y`)), 'too-many-fields'],
  ['a head of more than 64 KiB', withLines(`X: ${'y'.repeat(65_536)}`), 'head-too-large'],
];

export const ACCEPTED_RESPONSES: readonly AcceptedResponse[] = [
  {
    name: 'the least',
    wire: 'HTTP/1.1 200 OK\r\n\r\n',
    reads: {
      status: 200,
      reason: 'OK',
      minorVersion: 1,
      body: 'until-close',
      contentLength: -1,
      keepAlive: true,
      staysOpen: false,
      forwarded: [],
    },
  },
  { name: 'no reason', wire: 'HTTP/1.1 200 \r\n\r\n', reads: { status: 200, reason: '' } },
  { name: 'neither reason nor space', wire: 'HTTP/1.1 404\r\n\r\n', reads: { status: 404, reason: '' } },
  {
    name: 'a reason with spaces, tabs and UTF-8',
    wire: 'HTTP/1.1 404 Gibt\tes nicht \xc3\xa4\r\n\r\n',
    reads: { reason: 'Gibt\tes nicht \xc3\xa4' },
  },
  {
    name: 'a code above 599',
    wire: 'HTTP/1.1 999 Denied\r\nContent-Length: 0\r\n\r\n',
    reads: { status: 999, body: 'none', staysOpen: true },
  },
  {
    name: 'HTTP/1.0',
    wire: 'HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n',
    reads: { minorVersion: 0, body: 'length', keepAlive: false, staysOpen: false },
  },
  {
    name: 'HTTP/1.0 with keep-alive',
    wire: 'HTTP/1.0 200 OK\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\n',
    reads: { keepAlive: true, staysOpen: true },
  },
  {
    name: 'a length',
    wire: withLines('Content-Length: 3'),
    reads: { body: 'length', contentLength: 3, staysOpen: true },
  },
  {
    name: 'a length with zeros in front',
    wire: withLines('Content-Length: 0000000003'),
    reads: { contentLength: 3 },
  },
  {
    name: 'a length of nothing',
    wire: withLines('Content-Length: 0'),
    reads: { body: 'none', contentLength: 0, staysOpen: true },
  },
  {
    name: 'chunks',
    wire: withLines('transfer-encoding: Chunked'),
    reads: { body: 'chunked', staysOpen: true, forwarded: [] },
  },
  {
    name: 'the end of the connection',
    wire: withLines('Connection: close', 'X: y'),
    reads: { body: 'until-close', keepAlive: false, staysOpen: false, forwarded: ['X', 'y'] },
  },
  {
    name: 'a length and close',
    wire: withLines('Connection: close', 'Content-Length: 3'),
    reads: { body: 'length', staysOpen: false },
  },
  {
    name: 'Connection that names Transfer-Encoding',
    wire: withLines('Connection: keep-alive', 'Connection: Transfer-Encoding', 'Transfer-Encoding: chunked'),
    reads: { body: 'chunked', staysOpen: true },
  },
  {
    name: 'Connection that names a field',
    wire: withLines('Connection: x-secret', 'X-Secret: 1', 'Y: 2', 'Content-Length: 0'),
    reads: { forwarded: ['Y', '2', 'Content-Length', '0'] },
  },
  { name: '100', wire: withStatus(100), reads: { body: 'none', staysOpen: true } },
  {
    name: '103 with links',
    wire: withStatus(103, 'Link: </a>; rel=preload'),
    reads: { body: 'none', forwarded: ['Link', '</a>; rel=preload'] },
  },
  {
    name: '102 with a length',
    wire: withStatus(102, 'Content-Length: 3'),
    reads: { body: 'none', staysOpen: false },
  },
  {
    name: '101',
    wire: withStatus(101, 'Connection: Upgrade', 'Upgrade: websocket'),
    reads: { body: 'tunnel', staysOpen: false },
  },
  { name: '204', wire: withStatus(204), reads: { body: 'none', staysOpen: true } },
  {
    name: '204 with a length of nothing',
    wire: withStatus(204, 'Content-Length: 0'),
    reads: { body: 'none', staysOpen: true },
  },
  {
    name: '204 with a length',
    wire: withStatus(204, 'Content-Length: 3'),
    reads: { body: 'none', staysOpen: false },
  },
  {
    name: '204 with chunks',
    wire: withStatus(204, 'Transfer-Encoding: chunked'),
    reads: { body: 'none', staysOpen: false },
  },
  {
    name: '205 has a body like any other',
    wire: withStatus(205, 'Content-Length: 3'),
    reads: { body: 'length' },
  },
  {
    name: '304 with the length of what is not sent',
    wire: withStatus(304, 'Content-Length: 3'),
    reads: { body: 'none', contentLength: 3, staysOpen: true },
  },
  {
    name: '304 with chunks that are not sent',
    wire: withStatus(304, 'Transfer-Encoding: chunked'),
    reads: { body: 'none', staysOpen: true },
  },
  {
    name: 'HEAD with a length',
    wire: withLines('Content-Length: 3'),
    method: 'HEAD',
    reads: { body: 'none', contentLength: 3, staysOpen: true },
  },
  {
    name: 'HEAD with chunks',
    wire: withLines('Transfer-Encoding: chunked'),
    method: 'HEAD',
    reads: { body: 'none', staysOpen: true },
  },
  { name: 'HEAD with nothing', wire: withLines(), method: 'HEAD', reads: { body: 'none', staysOpen: true } },
  {
    name: 'HEAD with an error',
    wire: withStatus(500, 'Content-Length: 3'),
    method: 'HEAD',
    reads: { body: 'none' },
  },
  {
    name: 'CONNECT that was accepted',
    wire: withStatus(200, 'Content-Length: 3'),
    method: 'CONNECT',
    reads: { body: 'tunnel', staysOpen: false },
  },
  {
    name: 'CONNECT that was refused',
    wire: withStatus(403, 'Content-Length: 3'),
    method: 'CONNECT',
    reads: { body: 'length', staysOpen: true },
  },
  {
    name: 'the fields of one connection',
    wire: withLines(
      'Keep-Alive: timeout=5',
      'Upgrade: h2c',
      'Proxy-Connection: x',
      'Proxy-Authenticate: x',
      'Trailer: Y',
      'Set-Cookie: a=b',
      'Set-Cookie: c=d',
    ),
    reads: { forwarded: ['Trailer', 'Y', 'Set-Cookie', 'a=b', 'Set-Cookie', 'c=d'] },
  },
  {
    name: '200 fields',
    wire: withLines(...Array.from({ length: 200 }, (_, n) => `X${n}: y`)),
    reads: { status: 200 },
  },
];
