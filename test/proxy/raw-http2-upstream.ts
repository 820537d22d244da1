import net from 'node:net';
import { onTestFinished } from 'vitest';
import { FrameReader } from '../../src/proxy/codec/http2/frame-reader.ts';
import { FLAG, FRAME } from '../../src/proxy/codec/http2/protocol.ts';
import { frame } from './codec/http2/frames.ts';
import { listen } from './fixture.ts';

/** A frame that came. */
export interface Came {
  readonly type: number;
  readonly streamId: number;
  readonly ack: boolean;
  readonly endStream: boolean;
  readonly value: number;
  readonly payload: Buffer;
}

export interface RawHttp2Connection {
  readonly socket: net.Socket;
  readonly came: Came[];
}

export interface RawHttp2Upstream {
  readonly scheme: 'h2c';
  readonly host: string;
  readonly port: number;
  readonly connections: readonly RawHttp2Connection[];
}

/**
 * An upstream that sends the frames it is told: `opening` on each new connection, and whatever `onFrame` writes. It answers
 * nothing on its own.
 */
export async function rawHttp2Upstream(
  onFrame: (connection: RawHttp2Connection, came: Came, nth: number) => void,
  opening: (nth: number) => Buffer | string = () => SETTINGS,
): Promise<RawHttp2Upstream> {
  const connections: RawHttp2Connection[] = [];
  const server = net.createServer((socket) => {
    const connection: RawHttp2Connection = { socket, came: [] };
    const nth = connections.push(connection) - 1;
    const reader = new FrameReader('server');
    socket.on('error', () => {});
    socket.write(opening(nth));
    socket.on('data', (chunk: Buffer) => {
      reader.push(chunk, 0, chunk.length);
      for (let got = reader.next(); got === 'frame'; got = reader.next()) {
        const { type, streamId, ack, endStream, value } = reader;
        const payload = Buffer.from(reader.bytes.subarray(reader.from, reader.to));
        const came = { type, streamId, ack, endStream, value, payload };
        connection.came.push(came);
        onFrame(connection, came, nth);
      }
    });
  });
  const port = await listen(server);
  onTestFinished(() => {
    server.close();
    for (const { socket } of connections) socket.destroy();
  });
  return { scheme: 'h2c', host: '127.0.0.1', port, connections };
}

/** SETTINGS with these identifiers and values. */
export function settings(...values: readonly (readonly [identifier: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(values.length * 6);
  values.forEach(([identifier, value], index) => {
    payload.writeUInt16BE(identifier, index * 6);
    payload.writeUInt32BE(value, index * 6 + 2);
  });
  return frame(FRAME.settings, 0, 0, payload);
}

export const SETTINGS = settings();

/** HEADERS with these fields, in this order and as they are. */
export function headers(
  streamId: number,
  fields: readonly (readonly [name: string, value: string])[],
  flags: number = FLAG.endHeaders,
): Buffer {
  return frame(FRAME.headers, flags, streamId, block(fields));
}

/** A header block that no table is needed for, so that it can be sent at any time. */
export function block(fields: readonly (readonly [name: string, value: string])[]): Buffer {
  return Buffer.concat(
    fields.map(([name, value]) => Buffer.concat([Buffer.from([0]), text(name), text(value)])),
  );
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const length = [127];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) length.push((rest % 128) + 128);
  return Buffer.concat([Buffer.from([...length, rest]), bytes]);
}

/** A whole response without a body. */
export function okResponse(streamId: number): Buffer {
  return headers(streamId, [[':status', '200']], FLAG.endHeaders | FLAG.endStream);
}

/** 32 bits. */
export function uint32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, index * 4);
  return bytes;
}
