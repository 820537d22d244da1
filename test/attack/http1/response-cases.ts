/** What an upstream answers, byte for byte, and what comes of it. */
export interface HostileAnswer {
  readonly name: string;
  /** Of the request; GET unless told. */
  readonly method?: string;
  /** Written at once when the request has come. */
  readonly answer: string;
  /** The upstream closes its side behind it. */
  readonly ends?: boolean;
  /** Written when the client has its response: nobody has asked. */
  readonly late?: string;
  /** What the client gets: a whole response, 502, or the end of the connection in the middle of a response. */
  readonly client: { readonly status: number; readonly body: string } | 'refused' | 'cut';
  /** Whether the next request may use the same connection. */
  readonly reused?: boolean;
}

const EVIL = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-Evil: 1\r\n\r\nevil';

function head(...lines: readonly string[]): string {
  return `HTTP/1.1 200 OK\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;
}

const LENGTH_2 = 'Content-Length: 2';
const CHUNKED = 'Transfer-Encoding: chunked';
const OK = { status: 200, body: 'ok' } as const;
const EMPTY = { status: 200, body: '' } as const;

function bad(name: string, answer: string): HostileAnswer {
  return { name, answer: answer + EVIL, client: 'refused' };
}

export const ANSWERS: Readonly<Record<string, readonly HostileAnswer[]>> = {
  'more than the answer: the next request gets a connection of its own': [
    { name: 'behind a length', answer: `${head(LENGTH_2)}ok${EVIL}`, client: OK },
    { name: 'one byte behind a length', answer: `${head(LENGTH_2)}ok!`, client: OK },
    { name: 'an empty line behind a length', answer: `${head(LENGTH_2)}ok\r\n`, client: OK },
    { name: 'behind chunks', answer: `${head(CHUNKED)}2\r\nok\r\n0\r\n\r\n${EVIL}`, client: OK },
    { name: 'behind trailers', answer: `${head(CHUNKED)}2\r\nok\r\n0\r\nX: y\r\n\r\n${EVIL}`, client: OK },
    { name: 'behind no body', answer: `${head('Content-Length: 0')}${EVIL}`, client: EMPTY },
    {
      name: 'behind 204',
      answer: `HTTP/1.1 204 No Content\r\n\r\n${EVIL}`,
      client: { status: 204, body: '' },
    },
    {
      name: 'behind 304',
      answer: `HTTP/1.1 304 Not Modified\r\n\r\n${EVIL}`,
      client: { status: 304, body: '' },
    },
    { name: 'HEAD with a body', method: 'HEAD', answer: `${head(LENGTH_2)}ok`, client: EMPTY },
    {
      name: 'HEAD with chunks',
      method: 'HEAD',
      answer: `${head(CHUNKED)}2\r\nok\r\n0\r\n\r\n`,
      client: EMPTY,
    },
    { name: 'HEAD with another answer', method: 'HEAD', answer: `${head(LENGTH_2)}${EVIL}`, client: EMPTY },
    {
      name: '204 with a length',
      answer: `HTTP/1.1 204 No Content\r\n${LENGTH_2}\r\n\r\n`,
      client: { status: 204, body: '' },
    },
    {
      name: '204 with a body',
      answer: `HTTP/1.1 204 No Content\r\n${LENGTH_2}\r\n\r\nok`,
      client: { status: 204, body: '' },
    },
    {
      name: '204 with chunks',
      answer: `HTTP/1.1 204 No Content\r\n${CHUNKED}\r\n\r\n0\r\n\r\n`,
      client: { status: 204, body: '' },
    },
    {
      name: '304 with a body',
      answer: `HTTP/1.1 304 Not Modified\r\n${LENGTH_2}\r\n\r\nok`,
      client: { status: 304, body: '' },
    },
    { name: 'later, when nobody asked', answer: `${head(LENGTH_2)}ok`, late: EVIL, client: OK },
    { name: 'later, one byte', answer: `${head(LENGTH_2)}ok`, late: '\n', client: OK },
    {
      name: 'later, an interim response',
      answer: `${head(LENGTH_2)}ok`,
      late: 'HTTP/1.1 103 Early Hints\r\n\r\n',
      client: OK,
    },
    {
      name: 'HEAD with a body that comes later',
      method: 'HEAD',
      answer: head(LENGTH_2),
      late: 'ok',
      client: EMPTY,
    },
  ],
  'framing that can be read in two ways': [
    bad('two lengths', `${head('Content-Length: 2', 'Content-Length: 4')}ok`),
    bad('two lengths alike', `${head(LENGTH_2, LENGTH_2)}ok`),
    bad('a list of lengths', `${head('Content-Length: 2, 2')}ok`),
    bad('a length below zero', `${head('Content-Length: -2')}ok`),
    bad('a length with a sign', `${head('Content-Length: +2')}ok`),
    bad('a length in hexadecimal', `${head('Content-Length: 0x2')}ok`),
    bad('an empty length', `${head('Content-Length:')}ok`),
    bad('a length beyond counting', `${head('Content-Length: 99999999999999999999')}ok`),
    bad('a length and chunks', `${head(LENGTH_2, CHUNKED)}2\r\nok\r\n0\r\n\r\n`),
    bad('chunks and a length', `${head(CHUNKED, LENGTH_2)}2\r\nok\r\n0\r\n\r\n`),
    bad('chunked twice', `${head(CHUNKED, CHUNKED)}2\r\nok\r\n0\r\n\r\n`),
    bad('another coding', `${head('Transfer-Encoding: gzip')}ok`),
    bad('another coding before chunked', `${head('Transfer-Encoding: gzip, chunked')}2\r\nok\r\n0\r\n\r\n`),
    bad('identity', `${head('Transfer-Encoding: identity')}ok`),
    bad('a coding that is none', `${head('Transfer-Encoding: xchunked')}2\r\nok\r\n0\r\n\r\n`),
    bad('a vertical tab before chunked', `${head('Transfer-Encoding: \x0bchunked')}2\r\nok\r\n0\r\n\r\n`),
    bad('a space before the colon', `${head('Content-Length : 2')}ok`),
    bad('a folded length', `${head('Content-Length:', ' 2')}ok`),
    bad('chunks in HTTP/1.0', `HTTP/1.0 200 OK\r\n${CHUNKED}\r\n\r\n2\r\nok\r\n0\r\n\r\n`),
    {
      name: 'a length that looks alike is none',
      answer: `${head('Content_Length: 50', LENGTH_2)}ok`,
      client: OK,
      reused: true,
    },
    {
      name: 'zeros in front are allowed to upstreams',
      answer: `${head('Content-Length: 02')}ok`,
      client: OK,
      reused: true,
    },
    {
      name: 'a length that Connection names stays',
      answer: `${head('Connection: content-length', LENGTH_2)}ok`,
      client: OK,
      reused: true,
    },
  ],
  'heads that are none': [
    bad('a bare line feed', `HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nok`),
    bad('bare line feeds only', `HTTP/1.1 200 OK\nContent-Length: 2\n\nok`),
    bad('a bare carriage return', `${head('X: a\rSet-Cookie: evil=1', LENGTH_2)}ok`),
    bad('a folded line', `${head('X: a', ' b', LENGTH_2)}ok`),
    bad('NUL in a value', `${head('X: a\0b', LENGTH_2)}ok`),
    bad('an escape in a value', `${head('X: a\x1b[2Jb', LENGTH_2)}ok`),
    bad('no colon', `${head('X', LENGTH_2)}ok`),
    bad('no name', `${head(': a', LENGTH_2)}ok`),
    bad('a name that is no token', `${head('X Y: a', LENGTH_2)}ok`),
    bad('a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n'),
    bad('a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n'),
    bad('a status of letters', 'HTTP/1.1 abc OK\r\n\r\n'),
    bad('a status below 100', 'HTTP/1.1 099 OK\r\n\r\n'),
    bad('a status beyond 599', `HTTP/1.1 999 OK\r\n${LENGTH_2}\r\n\r\nok`),
    bad('another version', 'HTTP/2.0 200 OK\r\n\r\n'),
    bad('HTTP/0.9', '<html>hello</html>'),
    bad('ICY', 'ICY 200 OK\r\n\r\n'),
    bad('no version', '200 OK\r\n\r\n'),
    bad('a control byte in the reason', 'HTTP/1.1 200 O\x07K\r\n\r\n'),
    bad('an empty line first', `\r\n${head(LENGTH_2)}ok`),
    bad('201 fields', `${head(...Array(201).fill('X: y'))}`),
    bad('a head of 65 KiB', `${head(`X: ${'y'.repeat(66_000)}`)}`),
    bad('a head without end', `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(70_000)}`),
    bad('Connection that is no list', `${head('Connection: close; x', LENGTH_2)}ok`),
    { name: 'nothing, and the end', answer: '', ends: true, client: 'refused' },
    {
      name: 'half a head, and the end',
      answer: 'HTTP/1.1 200 OK\r\nContent-',
      ends: true,
      client: 'refused',
    },
  ],
  'bodies that end too early, or cannot be read: the client sees no end': [
    {
      name: 'a length, and the end before it',
      answer: `${head('Content-Length: 9')}ok`,
      ends: true,
      client: 'cut',
    },
    { name: 'chunks without end', answer: `${head(CHUNKED)}2\r\nok\r\n`, ends: true, client: 'cut' },
    { name: 'half a chunk', answer: `${head(CHUNKED)}9\r\nok`, ends: true, client: 'cut' },
    { name: 'half of the last line', answer: `${head(CHUNKED)}2\r\nok\r\n0\r\n`, ends: true, client: 'cut' },
    { name: 'a size that is none', answer: `${head(CHUNKED)}2\r\nok\r\nx\r\n${EVIL}`, client: 'cut' },
    {
      name: 'a chunk longer than it says',
      answer: `${head(CHUNKED)}2\r\nokay\r\n0\r\n\r\n${EVIL}`,
      client: 'cut',
    },
    { name: 'a size beyond counting', answer: `${head(CHUNKED)}ffffffffffffffff\r\nok`, client: 'cut' },
    {
      name: 'a bare line feed in an extension',
      answer: `${head(CHUNKED)}2;a\nok\r\n0\r\n\r\n`,
      client: 'cut',
    },
    {
      name: 'a length as a trailer',
      answer: `${head(CHUNKED)}2\r\nok\r\n0\r\nContent-Length: 9\r\n\r\n`,
      client: 'cut',
    },
    { name: 'a folded trailer', answer: `${head(CHUNKED)}2\r\nok\r\n0\r\nX: y\r\n z\r\n\r\n`, client: 'cut' },
    { name: 'another answer as trailers', answer: `${head(CHUNKED)}2\r\nok\r\n0\r\n${EVIL}`, client: 'cut' },
  ],
  'the end of the connection': [
    { name: 'is the end of a body without length', answer: `${head()}ok`, ends: true, client: OK },
    { name: 'announced', answer: `${head('Connection: close', LENGTH_2)}ok`, client: OK },
    {
      name: 'announced among others',
      answer: `${head('Connection: keep-alive, close', LENGTH_2)}ok`,
      client: OK,
    },
    { name: 'is what HTTP/1.0 means', answer: `HTTP/1.0 200 OK\r\n${LENGTH_2}\r\n\r\nok`, client: OK },
    {
      name: 'unless it says otherwise',
      answer: `HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n${LENGTH_2}\r\n\r\nok`,
      client: OK,
      reused: true,
    },
    { name: 'does not come', answer: `${head(LENGTH_2)}ok`, client: OK, reused: true },
    {
      name: 'does not come behind chunks',
      answer: `${head(CHUNKED)}2\r\nok\r\n0\r\n\r\n`,
      client: OK,
      reused: true,
    },
  ],
  'interim responses': [
    bad(
      'switching to what nobody asked for',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
    ),
    bad('switching to nothing', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'),
    bad('one with a body', 'HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\nhello'),
    bad('more than anybody needs', 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(10_000)),
    bad('large ones', `HTTP/1.1 103 Early Hints\r\nLink: ${'a'.repeat(60_000)}\r\n\r\n`.repeat(10)),
    {
      name: 'one that nobody waited for',
      answer: `HTTP/1.1 100 Continue\r\n\r\n${head(LENGTH_2)}ok`,
      client: OK,
      reused: true,
    },
    {
      name: 'a hundred',
      answer: `${'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(100)}${head(LENGTH_2)}ok`,
      client: OK,
      reused: true,
    },
    {
      name: 'one that frames nothing',
      answer: `HTTP/1.1 103 Early Hints\r\n${CHUNKED}\r\n\r\n${head(LENGTH_2)}ok`,
      client: OK,
      reused: true,
    },
  ],
};
