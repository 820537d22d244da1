import {
  type FrameLimits,
  FrameReader,
  type Reading,
} from '../../../../src/proxy/codec/http2/frame-reader.ts';
import { CLIENT_PREFACE, FRAME } from '../../../../src/proxy/codec/http2/protocol.ts';

/** A frame, byte by byte, right or wrong. */
export function frame(type: number, flags: number, streamId: number, payload: Buffer | string = ''): Buffer {
  const body = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload;
  const head = Buffer.alloc(9);
  head.writeUIntBE(body.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, body]);
}

/** What a client begins with. */
export const OPENING = Buffer.concat([CLIENT_PREFACE, frame(FRAME.settings, 0, 0)]);

/** One frame or fault, with everything that a reader says about it. */
export interface Seen {
  readonly reading: Reading;
  readonly type?: number;
  readonly streamId?: number;
  readonly payload?: string;
  readonly ack?: boolean;
  readonly endStream?: boolean;
  readonly continuations?: number;
  readonly flowBytes?: number;
  readonly value?: number;
  readonly otherStreamId?: number;
  readonly fault?: object;
}

/** All that a reader makes of bytes that arrive in these pieces, up to a connection error. */
export function readAll(
  pieces: readonly Buffer[],
  role: 'server' | 'client' = 'server',
  limits?: FrameLimits,
  inPieces = false,
): Seen[] {
  const reader = new FrameReader(role, limits, inPieces);
  const seen: Seen[] = [];
  for (const piece of pieces) {
    // The piece lies in the middle of memory that is used for other things right after.
    const memory = Buffer.concat([Buffer.alloc(3, 0xee), piece, Buffer.alloc(3, 0xee)]);
    reader.push(memory, 3, 3 + piece.length);
    for (let reading = reader.next(); reading !== 'more'; reading = reader.next()) {
      seen.push(seeing(reader, reading));
      if (reading === 'connection-fault') return seen;
    }
    memory.fill(0xee);
  }
  return seen;
}

function seeing(reader: FrameReader, reading: Reading): Seen {
  if (reading === 'connection-fault') return { reading, fault: reader.fault };
  const { type, streamId, ack, endStream, continuations, flowBytes, value, otherStreamId } = reader;
  return {
    reading,
    type,
    streamId,
    payload: reader.bytes.toString('latin1', reader.from, reader.to),
    ...(type === FRAME.settings || type === FRAME.ping ? { ack } : {}),
    ...(type === FRAME.data || type === FRAME.headers ? { endStream } : {}),
    ...(type === FRAME.data ? { flowBytes } : {}),
    ...(type === FRAME.headers && continuations > 0 ? { continuations } : {}),
    ...(type === FRAME.rstStream || type === FRAME.windowUpdate || type === FRAME.goaway ? { value } : {}),
    ...(type === FRAME.goaway || type === FRAME.priorityUpdate ? { otherStreamId } : {}),
    ...(reading === 'stream-fault' ? { fault: reader.fault } : {}),
  };
}
