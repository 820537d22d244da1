import tls from 'node:tls';
import { onTestFinished } from 'vitest';
import { HpackDecoder } from '../../../src/proxy/codec/http2/hpack/decoder.ts';
import { HeaderList } from '../../../src/proxy/codec/http2/hpack/header-list.ts';
import { FRAME } from '../../../src/proxy/codec/http2/protocol.ts';
import { frame, OPENING } from '../codec/http2/frames.ts';
import { until } from '../fixture.ts';

/** One frame that came. */
export interface Came {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** A client that sends whatever it is told, and keeps what comes. */
export interface RawH2 {
  readonly socket: tls.TLSSocket;
  readonly frames: readonly Came[];
  /** Frames of one type, perhaps of one stream. */
  of(type: number, stream?: number): readonly Came[];
  send(...bytes: readonly Buffer[]): RawH2;
  /** The fields of a HEADERS frame: all have to be asked for, in order. */
  fields(came: Came): Record<string, string>;
  /** Resolves with the GOAWAY that ends the connection, as soon as it comes. */
  goaway(): Promise<{ readonly last: number; readonly error: number; readonly reason: string }>;
  /** Bytes of the bodies that came, of one stream. */
  received(stream: number): number;
}

/** A connection of HTTP/2 to 127.0.0.1, by default with preface and empty settings. */
export async function connectRawH2(port: number, opening: Buffer = OPENING): Promise<RawH2> {
  const options = { host: '127.0.0.1', port, servername: 'example.test', ALPNProtocols: ['h2'] };
  const socket = tls.connect({ ...options, rejectUnauthorized: false });
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('secureConnect', resolve));
  const frames: Came[] = [];
  let input = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    input = Buffer.concat([input, chunk]);
    while (input.length >= 9 && input.length >= 9 + input.readUIntBE(0, 3)) {
      const end = 9 + input.readUIntBE(0, 3);
      frames.push({
        type: input.readUInt8(3),
        flags: input.readUInt8(4),
        stream: input.readUInt32BE(5),
        payload: Buffer.from(input.subarray(9, end)),
      });
      input = input.subarray(end);
    }
  });
  socket.write(opening);
  const decoder = new HpackDecoder();
  const of = (type: number, stream?: number) =>
    frames.filter((came) => came.type === type && (stream === undefined || came.stream === stream));
  const raw: RawH2 = {
    socket,
    frames,
    of,
    send(...bytes) {
      if (socket.writable) socket.write(Buffer.concat(bytes));
      return raw;
    },
    fields({ payload }) {
      const list = new HeaderList();
      const fault = decoder.decode(payload, 0, payload.length, list);
      if (fault !== null) throw new Error(fault);
      const { fields } = list;
      return Object.fromEntries(
        Array.from({ length: fields.count }, (_, index) => [fields.name(index), fields.value(index)]),
      );
    },
    async goaway() {
      await until(() => of(FRAME.goaway).length > 0 || socket.destroyed);
      const payload = of(FRAME.goaway).at(-1)?.payload ?? Buffer.alloc(8, 0xff);
      const [last, error] = [payload.readUInt32BE(0), payload.readUInt32BE(4)];
      return { last, error, reason: payload.toString('latin1', 8) };
    },
    received: (stream) => of(FRAME.data, stream).reduce((sum, { payload }) => sum + payload.length, 0),
  };
  return raw;
}

/** A header block of literals that touch no table. */
export function block(fields: readonly (readonly [name: string, value: string])[]): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), literal(name), literal(value)]));
}

/** The block of a request for example.test. */
export function request(more: Readonly<Record<string, string>> = {}): Buffer {
  const fields = {
    ':method': 'GET',
    ':scheme': 'https',
    ':path': '/',
    ':authority': 'example.test',
    ...more,
  };
  return block(Object.entries(fields));
}

/** HEADERS of a whole request, or of one whose body is to come. */
export function head(stream: number, more: Readonly<Record<string, string>> = {}, end = true): Buffer {
  return frame(FRAME.headers, end ? 0x5 : 0x4, stream, request(more));
}

/** A number of four bytes, as WINDOW_UPDATE, RST_STREAM and others have it. */
export function uint32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, 4 * index);
  return bytes;
}

/** SETTINGS with these identifiers and values. */
export function settings(...pairs: readonly (readonly [identifier: number, value: number])[]): Buffer {
  const bytes = Buffer.alloc(6 * pairs.length);
  for (const [index, [identifier, value]] of pairs.entries()) {
    bytes.writeUInt16BE(identifier, 6 * index);
    bytes.writeUInt32BE(value, 6 * index + 2);
  }
  return frame(FRAME.settings, 0, 0, bytes);
}

/** RFC 7541 5.2, without Huffman. */
function literal(text: string): Buffer {
  const bytes: number[] = [];
  let { length } = text;
  if (length < 127) bytes.push(length);
  else {
    bytes.push(127);
    length -= 127;
    for (; length >= 128; length >>= 7) bytes.push((length & 127) | 128);
    bytes.push(length);
  }
  return Buffer.concat([Buffer.from(bytes), Buffer.from(text, 'latin1')]);
}
