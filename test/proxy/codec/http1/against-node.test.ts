import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type Duplex, duplexPair } from 'node:stream';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ChunkedDecoder } from '../../../../src/proxy/codec/http1/chunked-decoder.ts';
import { RequestParser } from '../../../../src/proxy/codec/http1/request-parser.ts';
import { ACCEPTED_BODIES } from './chunked-cases.ts';
import { ACCEPTED_REQUESTS } from './request-cases.ts';

/**
 * The parser of Node as a second opinion: whatever both take for a request must be the same request to both, and
 * nothing may pass here that Node refuses, but for what {@link STRICTER} lists.
 */
interface Reading {
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly fields: readonly string[];
  readonly body: string;
}

/** What Node refuses although RFC 9110 and 9112 allow it, and nobody could read it in another way. */
const STRICTER: readonly { readonly why: string; readonly is: (request: Reading) => boolean }[] = [
  { why: 'Node takes registered methods only', is: ({ method }) => !NODE_METHODS.has(method) },
  {
    why: 'Node looks into the authority of an absolute target in its own way',
    is: ({ target }) => /^https?:/i.test(target),
  },
];

const NODE_METHODS = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'OPTIONS',
  'PATCH',
  'CONNECT',
  'TRACE',
  'PROPFIND',
]);

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
  const agreed = { messages: 0 };
  await fc.assert(
    fc.asyncProperty(wires, async (wire) => {
      const bytes = Buffer.from(wire, 'latin1');
      const ours = readOurs(bytes);
      const theirs = await readTheirs(bytes);
      for (const [index, request] of ours.entries()) {
        const other = theirs[index];
        if (other === undefined && STRICTER.some(({ is }) => is(request))) return;
        expect(other).toEqual(request);
        agreed.messages += 1;
      }
    }),
    { numRuns: 3_000 },
  );
  expect(agreed.messages).toBeGreaterThan(300);
});

it('reads its own cases as Node does', async () => {
  for (const { wire } of ACCEPTED_REQUESTS) {
    const bytes = Buffer.from(wire, 'latin1');
    const [ours] = readOurs(bytes);
    const [theirs] = await readTheirs(bytes);
    if (ours === undefined || STRICTER.some(({ is }) => is(ours))) continue;
    expect(theirs).toEqual(ours);
  }
});

/** All whole requests up to the first fault, or up to one after which there are no more. */
function readOurs(bytes: Buffer): Reading[] {
  const parser = new RequestParser();
  const chunked = new ChunkedDecoder();
  const readings: Reading[] = [];
  let at = 0;
  for (;;) {
    parser.reset();
    if (parser.parse(bytes, at, bytes.length) !== 'done') return readings;
    let end = at + parser.length;
    let body = '';
    if (parser.body === 'length') {
      body = bytes.toString('latin1', end, end + parser.contentLength);
      end += parser.contentLength;
      if (end > bytes.length) return readings;
    } else if (parser.body === 'chunked') {
      chunked.reset();
      const verdict = chunked.read(bytes, end, bytes.length, (piece, from, to) => {
        body += piece.toString('latin1', from, to);
      });
      if (verdict !== 'done') return readings;
      end = chunked.end;
    }
    readings.push({
      method: parser.method,
      target: parser.targetText(),
      version: `1.${parser.minorVersion}`,
      fields: allFields(parser),
      body,
    });
    at = end;
    if (!parser.keepAlive || parser.upgrade || parser.method === 'CONNECT') return readings;
  }
}

/** Also those that would not be passed on. */
function allFields(parser: RequestParser): string[] {
  const { fields } = parser;
  return Array.from({ length: fields.count }, (_, index) => [fields.name(index), fields.value(index)]).flat();
}

async function readTheirs(bytes: Buffer): Promise<Reading[]> {
  const taken: { request: IncomingMessage; body: string }[] = [];
  const server = createServer({ keepAliveTimeout: 0, connectionsCheckingInterval: 2 ** 30 });
  const take = (request: IncomingMessage) => {
    const entry = { request, body: '' };
    taken.push(entry);
    request.on('error', () => {});
    request.on('data', (chunk: Buffer) => {
      entry.body += chunk.toString('latin1');
    });
  };
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    take(request);
    request.on('end', () => response.end());
  };
  server.on('request', answer);
  server.on('checkContinue', answer);
  server.on('checkExpectation', answer);
  // What came whole before the fault or the other protocol is still on its way to us.
  const leave = (socket: Duplex) => setImmediate(() => socket.destroy());
  server.on('clientError', (_, socket) => leave(socket));
  for (const event of ['connect', 'upgrade'] as const) {
    server.on(event, (request, socket) => {
      take(request);
      leave(socket);
    });
  }
  const [client, remote] = duplexPair();
  const closed = Promise.race([once(client, 'close'), once(remote, 'close')]);
  client.on('error', () => {});
  remote.on('error', () => {});
  client.resume();
  server.emit('connection', remote);
  client.end(bytes);
  await closed;
  return taken
    .filter(({ request }) => request.complete)
    .map(({ request, body }) => ({
      method: request.method ?? '',
      target: request.url ?? '',
      version: request.httpVersion,
      fields: request.rawHeaders,
      body,
    }));
}
