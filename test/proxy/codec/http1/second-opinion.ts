import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type Duplex, duplexPair } from 'node:stream';
import { expect } from 'vitest';
import { ChunkedDecoder } from '../../../../src/proxy/codec/http1/chunked-decoder.ts';
import { RequestParser } from '../../../../src/proxy/codec/http1/request-parser.ts';

/**
 * The parser of Node as a second opinion: how many requests both read, and in the same way. Fails when one is read in
 * two ways, or by us alone, but for what {@link STRICTER} lists.
 */
export async function agreements(wire: string): Promise<number> {
  const bytes = Buffer.from(wire, 'latin1');
  const ours = readOurs(bytes);
  const theirs = await readTheirs(bytes);
  for (const [index, request] of ours.entries()) {
    const other = theirs[index];
    if (other === undefined && STRICTER.some(({ is }) => is(request, wire))) return index;
    expect(other, JSON.stringify(wire)).toEqual(request);
  }
  return ours.length;
}

interface Reading {
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly fields: readonly string[];
  readonly body: string;
}

/** What Node refuses although RFC 9110 and 9112 allow it, and nobody could read it in another way. */
const STRICTER: readonly {
  readonly why: string;
  readonly is: (request: Reading, wire: string) => boolean;
}[] = [
  { why: 'Node takes registered methods only', is: ({ method }) => !NODE_METHODS.has(method) },
  {
    why: 'Node takes a tab behind a coding for part of it; we pass on a line of our own',
    is: (_, wire) => /transfer-encoding:[^\r]*\t\r/i.test(wire),
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
