import fc from 'fast-check';
import { expect, it } from 'vitest';
import { runs } from '../../../fuzz-runs.ts';
import { ACCEPTED_BODIES } from './chunked-cases.ts';
import { ACCEPTED_REQUESTS } from './request-cases.ts';
import { agreements } from './second-opinion.ts';

const words = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      'GET',
      'POST',
      'HEAD',
      'DELETE',
      'OPTIONS',
      'CONNECT',
      'get',
      'G T',
      'PURGE',
      'M-SEARCH',
    ),
  },
  { weight: 1, arbitrary: fc.string({ maxLength: 4, unit: 'binary-ascii' }) },
);

const targets = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom(
      '/',
      '/a?b=c',
      '*',
      'http://a/',
      'a:80',
      '//a',
      '/a#b',
      '/%00',
      'http://a',
      '/\\',
      '/é',
      '/a|b',
    ),
  },
  { weight: 1, arbitrary: fc.string({ maxLength: 6, unit: 'binary-ascii' }).map((text) => `/${text}`) },
);

const versions = fc.oneof(
  { weight: 12, arbitrary: fc.constant('HTTP/1.1') },
  { weight: 2, arbitrary: fc.constant('HTTP/1.0') },
  { weight: 1, arbitrary: fc.constantFrom('HTTP/2.0', 'HTTP/0.9', 'http/1.1', 'HTTP/1.1 ', 'HTTP/1.2', '') },
);

const ends = fc.oneof(
  { weight: 40, arbitrary: fc.constant('\r\n') },
  { weight: 1, arbitrary: fc.constantFrom('\n', '\r', '\r\r\n', '\n\r', '\r\n ', '') },
);

const lines = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('X: y', 'X:', 'A:b', 'Cookie: a=b', 'X:  y  ', 'Y: \t', 'Z: é') },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      'Content-Length: 5',
      'content-length: 0',
      'Transfer-Encoding: chunked',
      'transfer-encoding:CHUNKED',
    ),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.constantFrom(
          'Content-Length',
          'Transfer-Encoding',
          'Host',
          'Connection',
          'Content_Length',
          'Expect',
        ),
        fc.constantFrom(':', ': ', ' : ', ':\t', '\0:', ':\x0b', ''),
        fc.constantFrom(
          '5',
          '+5',
          '5,5',
          '0x5',
          '05',
          '-0',
          '',
          '5 ',
          'chunked',
          'gzip, chunked',
          'chunked,',
          'x',
          'close',
          'a',
          '100-continue',
          'chunked, identity',
        ),
      )
      .map((parts) => parts.join('')),
  },
  { weight: 1, arbitrary: fc.string({ maxLength: 12, unit: 'binary-ascii' }) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        fc.string({ maxLength: 3, unit: 'binary-ascii' }),
        fc.string({ maxLength: 6, unit: 'binary-ascii' }),
      )
      .map((parts) => `X${parts.join(':')}`),
  },
);

const bodies = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('', 'hello', '5\r\nhello\r\n0\r\n\r\n', '0\r\n\r\n') },
  { weight: 2, arbitrary: fc.constantFrom(...ACCEPTED_BODIES.map(({ wire }) => wire)) },
  {
    weight: 2,
    arbitrary: fc
      .array(
        fc.tuple(
          fc.constantFrom('5', '005', '5 ', '5;a', '5;a=b', '5;a="b"', '5; a', '+5', '5;', '0', '0;a', 'g'),
          ends,
          fc.constantFrom('hello', '', 'hell', 'hello!'),
          ends,
        ),
        { maxLength: 3 },
      )
      .map((chunks) => `${chunks.flat().join('')}0\r\n\r\n`),
  },
);

const messages = fc
  .tuple(
    fc
      .tuple(words, fc.constant(' '), targets, fc.constant(' '), versions, ends)
      .map((parts) => parts.join('')),
    fc.oneof({ weight: 9, arbitrary: fc.constant('Host: a\r\n') }, { weight: 1, arbitrary: fc.constant('') }),
    fc.array(
      fc.tuple(lines, ends).map((parts) => parts.join('')),
      { maxLength: 4 },
    ),
    ends,
    bodies,
  )
  .map(([start, host, fields, end, body]) => start + host + fields.join('') + end + body);

/** One message or two, the bytes of which may have suffered. */
const wires = fc
  .tuple(
    fc.array(fc.oneof(messages, fc.constantFrom(...SHORT())), { minLength: 1, maxLength: 2 }),
    fc.option(
      fc.tuple(fc.nat(), fc.constantFrom('\0', '\n', '\r', ' ', '\t', ':', ',', '', '\x80', '0', 'x')),
    ),
  )
  .map(([parts, wound]) => {
    const wire = parts.join('');
    if (wound === null) return wire;
    const at = wound[0] % wire.length;
    return wire.slice(0, at) + wound[1] + wire.slice(at + 1);
  });

function SHORT(): string[] {
  return ACCEPTED_REQUESTS.map(({ wire }) => wire).filter((wire) => wire.length < 500);
}

it('reads requests as Node does, and passes nothing that Node refuses', { timeout: 60_000 }, async () => {
  let agreed = 0;
  const property = fc.asyncProperty(wires, async (wire) => {
    agreed += await agreements(wire);
  });
  await fc.assert(property, { numRuns: runs(3_000) });
  expect(agreed).toBeGreaterThan(300);
});

it('agrees with Node on every framing', { timeout: 60_000 }, async () => {
  let agreed = 0;
  for (const framing of framings()) {
    for (const body of ['', 'hello', '5\r\nhello\r\n0\r\n\r\n']) {
      agreed += await agreements(
        `POST / HTTP/1.1\r\nHost: a\r\n${framing}\r\n${body}GET /2 HTTP/1.1\r\nHost: a\r\n\r\n`,
      );
    }
  }
  expect(agreed).toBeGreaterThan(30);
});

it('agrees with Node wherever a byte is changed or put in', { timeout: 60_000 }, async () => {
  let agreed = 0;
  for (const wire of WHOLE) {
    for (let at = 0; at < wire.length; at += 1) {
      for (const byte of WOUNDS) {
        agreed += await agreements(wire.slice(0, at) + byte + wire.slice(at + 1));
        agreed += await agreements(wire.slice(0, at) + byte + wire.slice(at));
      }
    }
  }
  expect(agreed).toBeGreaterThan(800);
});

it('reads its own cases as Node does', async () => {
  for (const { wire } of ACCEPTED_REQUESTS) await agreements(wire);
});

const WHOLE: readonly string[] = [
  'GET /a?b HTTP/1.1\r\nHost: a:80\r\nX: y z\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;a="b"\r\nhello\r\n0\r\nX: y\r\n\r\n',
];

const WOUNDS = ['\0', '\t', '\n', '\x0b', '\r', ' ', '#', ',', ':', ';', '0', '_', 'a', '\x7f', '\xa0'];

function* framings(): Generator<string> {
  const lines = ['Content-Length', 'Transfer-Encoding'].flatMap((name) =>
    [':', ': ', ' : ', ':\t', ':\x0b', '\0:', ':\r\n '].flatMap((colon) =>
      VALUES.map((value) => `${name}${colon}${value}\r\n`),
    ),
  );
  yield* lines;
  for (const line of lines.filter((_, index) => index % 7 === 0)) {
    yield `Content-Length: 5\r\n${line}`;
    yield `Transfer-Encoding: chunked\r\n${line}`;
    yield `${line}Transfer-Encoding: chunked\r\n`;
  }
}

const VALUES = [
  ...[
    '5',
    '+5',
    '-5',
    '5,5',
    '5, 5',
    '5 5',
    '0x5',
    '05',
    '0',
    '',
    '5 ',
    '5\t',
    '5;',
    '5\x0b',
    '18446744073709551621',
    '\xb5',
  ],
  ...[
    'chunked',
    'Chunked',
    'gzip, chunked',
    'chunked, gzip',
    'chunked,',
    ',chunked',
    'chunked, chunked',
    '"chunked"',
  ],
  ...[
    'xchunked',
    'chunkedx',
    'chunked;a=b',
    'chunked x',
    'identity',
    'identity, chunked',
    'chunked, identity',
    '\xa0chunked',
  ],
];
