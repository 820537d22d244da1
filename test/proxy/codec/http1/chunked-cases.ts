import type { Fault } from '../../../../src/proxy/codec/http1/faults.ts';

export type RefusedBody = readonly [name: string, wire: string, fault: Fault, status: number];

export interface AcceptedBody {
  readonly name: string;
  readonly wire: string;
  readonly data: string;
  readonly trailers?: readonly string[];
  /** Bytes after the body. */
  readonly rest?: number;
}

export const REFUSED_BODIES: readonly RefusedBody[] = [
  ['no size', '\r\n', 'chunk-size-invalid', 400],
  ['no size but an extension', ';a\r\n', 'chunk-size-invalid', 400],
  ['a size that is none', 'x\r\n', 'chunk-size-invalid', 400],
  ['0x in front', '0x5\r\nhello\r\n0\r\n\r\n', 'chunk-size-invalid', 400],
  ['a negative size', '-5\r\nhello\r\n0\r\n\r\n', 'chunk-size-invalid', 400],
  ['a positive sign', '+5\r\nhello\r\n0\r\n\r\n', 'chunk-size-invalid', 400],
  ['an underscore', '1_0\r\n', 'chunk-size-invalid', 400],
  ['a space in front', ' 5\r\nhello\r\n0\r\n\r\n', 'chunk-size-invalid', 400],
  ['a space behind', '5 \r\nhello\r\n0\r\n\r\n', 'chunk-size-invalid', 400],
  ['a tab behind', '5\t\r\nhello\r\n0\r\n\r\n', 'chunk-size-invalid', 400],
  ['a space before an extension', '5 ;a\r\nhello\r\n0\r\n\r\n', 'chunk-size-invalid', 400],
  ['digits apart', '1 0\r\n', 'chunk-size-invalid', 400],
  ['a comma', '5,\r\nhello\r\n', 'chunk-size-invalid', 400],
  ['NUL behind', '5\0\r\nhello\r\n', 'chunk-size-invalid', 400],
  ['full-width digits', '\xef\xbc\x95\r\nhello\r\n', 'chunk-size-invalid', 400],
  ['a size of 17 digits', '00000000000000005\r\nhello\r\n', 'chunk-size-too-large', 413],
  ['2^53', '20000000000000\r\n', 'chunk-size-too-large', 413],
  ['2^64 + 5', '10000000000000005\r\nhello\r\n', 'chunk-size-too-large', 413],
  ['2^64 - 1', 'ffffffffffffffff\r\n', 'chunk-size-too-large', 413],
  ['an endless size', '0'.repeat(100), 'chunk-size-too-large', 413],
  ['bare LF after the size', '5\nhello\r\n0\r\n\r\n', 'bare-lf', 400],
  ['bare CR after the size', '5\rhello\r\n0\r\n\r\n', 'bare-cr', 400],
  ['two CRs after the size', '5\r\r\nhello\r\n', 'bare-cr', 400],
  ['bare LF after an extension', '5;a\nhello\r\n0\r\n\r\n', 'bare-lf', 400],
  ['bare LF inside an extension', '5;a=\nb\r\nhello\r\n0\r\n\r\n', 'bare-lf', 400],
  ['bare LF inside a quoted extension', '5;a="\n"\r\nhello\r\n0\r\n\r\n', 'bare-lf', 400],
  ['bare CR inside an extension', '5;a\rb\r\nhello\r\n', 'bare-cr', 400],
  ['CRLF inside a quoted extension', '5;a="\r\n"\r\nhello\r\n', 'chunk-extension-invalid', 400],
  ['an escaped CR', '5;a="\\\r\n"\r\nhello\r\n', 'chunk-extension-invalid', 400],
  ['an extension without name', '5;\r\nhello\r\n', 'chunk-extension-invalid', 400],
  ['two semicolons', '5;;a\r\nhello\r\n', 'chunk-extension-invalid', 400],
  ['an extension that ends in a semicolon', '5;a;\r\nhello\r\n', 'chunk-extension-invalid', 400],
  ['an extension without value', '5;a=\r\nhello\r\n', 'chunk-extension-invalid', 400],
  ['a space in an extension', '5; a=b\r\nhello\r\n', 'chunk-extension-invalid', 400],
  ['a space around =', '5;a =b\r\nhello\r\n', 'chunk-extension-invalid', 400],
  ['a space after an extension', '5;a \r\nhello\r\n', 'chunk-extension-invalid', 400],
  ['something after a quoted value', '5;a="b"c\r\nhello\r\n', 'chunk-extension-invalid', 400],
  ['NUL in an extension', '5;a\0\r\nhello\r\n', 'chunk-extension-invalid', 400],
  ['NUL in a quoted extension', '5;a="\0"\r\nhello\r\n', 'chunk-extension-invalid', 400],
  ['an extension beyond ASCII', '5;\xe9\r\nhello\r\n', 'chunk-extension-invalid', 400],
  ['an endless extension', `5;${'a'.repeat(20_000)}`, 'chunk-extensions-too-large', 413],
  ['many long extensions', `1;${'a'.repeat(999)}\r\nx\r\n`.repeat(20), 'chunk-extensions-too-large', 413],
  ['a chunk that is longer than it says', '5\r\nhello!\r\n0\r\n\r\n', 'chunk-end-missing', 400],
  ['a chunk that is shorter than it says', '6\r\nhello\r\n0\r\n\r\n', 'chunk-end-missing', 400],
  ['bare LF after a chunk', '5\r\nhello\n0\r\n\r\n', 'chunk-end-missing', 400],
  ['bare CR after a chunk', '5\r\nhello\r0\r\n\r\n', 'chunk-end-missing', 400],
  ['no line end after a chunk', '5\r\nhello0\r\n\r\n', 'chunk-end-missing', 400],
  ['an empty line between chunks', '5\r\nhello\r\n\r\n0\r\n\r\n', 'chunk-size-invalid', 400],
  ['bare LF at the end', '0\r\n\n', 'bare-lf', 400],
  ['bare CR at the end', '0\r\n\rX', 'bare-cr', 400],
  ['a request behind the last chunk', '0\r\nGET / HTTP/1.1\r\n\r\n', 'space-before-colon', 400],
  ['a folded trailer', '0\r\nX: a\r\n b\r\n\r\n', 'obs-fold', 400],
  ['a space first in the trailers', '0\r\n X: a\r\n\r\n', 'space-before-field', 400],
  ['NUL in a trailer', '0\r\nX: a\0\r\n\r\n', 'control-byte', 400],
  ['a length as a trailer', '0\r\nContent-Length: 5\r\n\r\n', 'trailer-forbidden', 400],
  ['a coding as a trailer', '0\r\nX: y\r\nTransfer-Encoding: chunked\r\n\r\n', 'trailer-forbidden', 400],
  ['Host as a trailer', '0\r\nhost: a\r\n\r\n', 'trailer-forbidden', 400],
  ['credentials as a trailer', '0\r\nAuthorization: x\r\n\r\n', 'trailer-forbidden', 400],
  ['a client address as a trailer', '0\r\nX-Forwarded-For: ::1\r\n\r\n', 'trailer-forbidden', 400],
  ['a lookalike as a trailer', '0\r\nContent_Length: 5\r\n\r\n', 'trailer-forbidden', 400],
  ['33 trailers', `0\r\n${'X: y\r\n'.repeat(33)}\r\n`, 'trailers-too-large', 431],
  ['a trailer of 9 KiB', `0\r\nX: ${'y'.repeat(9_000)}\r\n\r\n`, 'trailers-too-large', 431],
];

export const ACCEPTED_BODIES: readonly AcceptedBody[] = [
  { name: 'nothing', wire: '0\r\n\r\n', data: '' },
  { name: 'one chunk', wire: '5\r\nhello\r\n0\r\n\r\n', data: 'hello' },
  { name: 'several chunks', wire: '5\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\n\r\n', data: 'hello world' },
  {
    name: 'sizes in either case',
    wire: `a\r\n${'x'.repeat(10)}\r\nB\r\n${'y'.repeat(11)}\r\n0\r\n\r\n`,
    data: 'x'.repeat(10) + 'y'.repeat(11),
  },
  { name: 'zeros in front', wire: '0000000000000005\r\nhello\r\n000\r\n\r\n', data: 'hello' },
  { name: 'line ends and sizes as data', wire: '8\r\n0\r\n\r\n5\r\n\r\n0\r\n\r\n', data: '0\r\n\r\n5\r\n' },
  { name: 'a large chunk', wire: `400\r\n${'z'.repeat(1024)}\r\n0\r\n\r\n`, data: 'z'.repeat(1024) },
  { name: 'an extension', wire: '5;a\r\nhello\r\n0;b\r\n\r\n', data: 'hello' },
  { name: 'extensions with values', wire: '5;a=b;c="d \\" ;\\\\";e\r\nhello\r\n0\r\n\r\n', data: 'hello' },
  { name: 'an empty quoted value', wire: '5;a=""\r\nhello\r\n0\r\n\r\n', data: 'hello' },
  {
    name: 'trailers',
    wire: '5\r\nhello\r\n0\r\nX-Sum: 1 \r\nY:2\r\n\r\n',
    data: 'hello',
    trailers: ['X-Sum', '1', 'Y', '2'],
  },
  { name: 'another message behind', wire: '0\r\n\r\nGET', data: '', rest: 3 },
  {
    name: 'another message behind trailers',
    wire: '0\r\nX: y\r\n\r\n0\r\n\r\n',
    data: '',
    trailers: ['X', 'y'],
    rest: 5,
  },
];
