import { once } from 'node:events';
import { createServer, type Http2Server, type OutgoingHttpHeaders } from 'node:http2';
import { type AddressInfo, connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { FrameReader } from '../../../../../src/proxy/codec/http2/frame-reader.ts';
import { FrameWriter } from '../../../../../src/proxy/codec/http2/frame-writer.ts';
import { HpackDecoder } from '../../../../../src/proxy/codec/http2/hpack/decoder.ts';
import { HpackEncoder } from '../../../../../src/proxy/codec/http2/hpack/encoder.ts';
import { HeaderList } from '../../../../../src/proxy/codec/http2/hpack/header-list.ts';
import { FRAME, SETTING } from '../../../../../src/proxy/codec/http2/protocol.ts';
import { runs } from '../../../../fuzz-runs.ts';
import { linesOf } from './decoded.ts';

/**
 * Node's HTTP/2 as a second opinion: what our encoder writes its decoder reads, and the other way round, over
 * connections on which both tables are filled, shrunk and emptied.
 */
type Field = readonly [name: string, value: string];

interface Exchange {
  readonly request: readonly Field[];
  readonly response: readonly Field[];
}

const requestNames = fc.constantFrom(
  'accept',
  'cookie',
  'authorization',
  'user-agent',
  'x-a',
  'x-b',
  'x-long-name-of-something',
  'if-none-match',
);
const responseNames = fc.constantFrom(
  'server',
  'vary',
  'x-c',
  'x-d',
  'etag',
  'content-type',
  'strict-transport-security',
  'x-request-id',
);
const values = fc.oneof(
  fc.constantFrom(
    'a',
    'gzip, deflate',
    'text/html; charset=utf-8',
    'x'.repeat(200),
    'y'.repeat(1_500),
    '"tag"',
  ),
  fc.string({
    unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
    minLength: 1,
    maxLength: 60,
  }),
  fc.string({
    unit: fc.integer({ min: 0xa1, max: 0xff }).map((code) => String.fromCharCode(code)),
    minLength: 1,
    maxLength: 20,
  }),
);

/** Each name once: how Node joins repeated ones is not at issue. */
const fieldsOf = (names: fc.Arbitrary<string>) =>
  fc.uniqueArray(fc.tuple(names, values), { maxLength: 6, selector: ([name]) => name });

const connections = fc.record({
  /** SETTINGS_HEADER_TABLE_SIZE of either side. */
  theirTable: fc.constantFrom(0, 64, 500, 4_096, 65_536),
  ourTable: fc.constantFrom(0, 64, 500, 4_096, 16_384),
  exchanges: fc.array(fc.record({ request: fieldsOf(requestNames), response: fieldsOf(responseNames) }), {
    minLength: 1,
    maxLength: 15,
  }),
});

it('writes what Node reads, and reads what Node writes', { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(connections, async ({ theirTable, ourTable, exchanges }) => {
      const peer = new NodePeer(await serverWith(theirTable), theirTable, ourTable);
      try {
        for (const exchange of exchanges) {
          const { received, answered } = await peer.exchange(exchange);
          expect(received).toEqual(exchange.request.map(([name, value]) => `${name}: ${value}`));
          expect(answered.slice(1)).toEqual(exchange.response.map(([name, value]) => `${name}: ${value}`));
          expect(answered[0]).toBe(':status: 200');
        }
      } finally {
        peer.close();
      }
    }),
    { numRuns: runs(100) },
  );
});

const servers = new Map<number, Http2Server>();

/** A server with that SETTINGS_HEADER_TABLE_SIZE. One sees a single connection at a time. */
async function serverWith(tableBytes: number): Promise<Http2Server> {
  const running = servers.get(tableBytes);
  if (running !== undefined) return running;
  const server = createServer({ settings: { headerTableSize: tableBytes } });
  servers.set(tableBytes, server);
  // Connections end when all has been seen, in the middle of what a slow server has still to say.
  server.on('session', (session) => session.on('error', () => {}));
  server.on('stream', (stream) => stream.on('error', () => {}));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

afterAll(() => {
  for (const server of servers.values()) server.close();
});

/** A connection to a server of Node. */
class NodePeer {
  readonly #socket: Socket;
  readonly #server: Http2Server;
  readonly #writer = new FrameWriter();
  readonly #reader = new FrameReader('client');
  readonly #encoder = new HpackEncoder();
  readonly #decoder: HpackDecoder;
  #streamId = 1;

  constructor(server: Http2Server, theirTable: number, ourTable: number) {
    this.#server = server;
    this.#decoder = new HpackDecoder(ourTable);
    this.#encoder.setPeerTableBytes(theirTable);
    this.#socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    // Whoever waits for it hears of it.
    this.#socket.on('error', () => {});
    this.#writer.preface();
    this.#writer.settings([[SETTING.headerTableSize, ourTable]]);
  }

  async exchange({ request, response }: Exchange): Promise<{ received: string[]; answered: string[] }> {
    const streamId = this.#streamId;
    this.#streamId += 2;
    this.#encoder.begin();
    for (const [name, value] of [
      [':method', 'GET'],
      [':scheme', 'http'],
      [':path', `/${streamId % 5}`],
      [':authority', 'a.example'],
      ...request,
    ] as const) {
      this.#encoder.text(name, value);
    }
    this.#writer.headers(streamId, this.#encoder.block(), true);
    this.#socket.write(this.#writer.take());
    const [stream, headers, , raw] = await once(this.#server, 'stream');
    expect([headers[':path'], headers[':authority']]).toEqual([`/${streamId % 5}`, 'a.example']);
    const outgoing: OutgoingHttpHeaders = Object.fromEntries(response);
    stream.respond(outgoing, { endStream: true, sendDate: false });
    return { received: pairs(raw).slice(4), answered: await this.#readHeaders(streamId) };
  }

  close(): void {
    this.#socket.destroy();
  }

  async #readHeaders(streamId: number): Promise<string[]> {
    const list = new HeaderList({ bytes: 100_000, fields: 100 });
    for (;;) {
      for (let got = this.#reader.next(); got !== 'more'; got = this.#reader.next()) {
        expect([got, this.#reader.fault.reason]).toEqual(['frame', 'none']);
        if (this.#reader.type === FRAME.settings && !this.#reader.ack) this.#writer.settingsAck();
        if (this.#reader.type !== FRAME.headers) continue;
        expect(this.#reader.streamId).toBe(streamId);
        const { bytes, from, to } = this.#reader;
        expect(this.#decoder.decode(bytes, from, to, list)).toBe(null);
        return linesOf(list);
      }
      const chunk: Buffer | null = this.#socket.read();
      if (chunk === null) await once(this.#socket, 'readable');
      else this.#reader.push(chunk, 0, chunk.length);
    }
  }
}

function pairs(raw: readonly string[]): string[] {
  return Array.from({ length: raw.length / 2 }, (_, index) => `${raw[2 * index]}: ${raw[2 * index + 1]}`);
}
