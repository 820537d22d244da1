import { connectionFault, type H2Fault } from './fault.ts';
import { FrameBuffer } from './frame-buffer.ts';
import { frameFault } from './frame-rules.ts';
import { HeaderBlock } from './header-block.ts';
import { CLIENT_PREFACE, DEFAULT_FRAME_SIZE, FLAG, FRAME, FRAME_HEAD, H2_ERROR } from './protocol.ts';

/** Bounds of what a FrameReader takes. */
export interface FrameLimits {
  /** SETTINGS_MAX_FRAME_SIZE as the peer knows it, in bytes. */
  readonly frameBytes: number;
  /** Of one header block, HEADERS and CONTINUATION together, in bytes as they are on the wire. */
  readonly blockBytes: number;
  /** CONTINUATION frames of one header block. Without it a block can grow for ever by frames of nothing. */
  readonly continuations: number;
}

export const FRAME_LIMITS: FrameLimits = {
  frameBytes: DEFAULT_FRAME_SIZE,
  blockBytes: 32_768,
  continuations: 8,
};

/**
 * - `frame`: the properties of the reader say which
 * - `stream-fault`: this frame is a stream error, `fault`. If it is HEADERS the block has to be decoded all the same,
 *   since both sides must keep the same table
 * - `connection-fault`: `fault`; the reader is of no more use
 * - `more`: everything that came has been read
 */
export type Reading = 'frame' | 'stream-fault' | 'connection-fault' | 'more';

/**
 * Reads the frames of a connection (RFC 9113 4, 6), and before them the client's preface.
 *
 * ```ts
 * reader.push(bytes, from, to);                       // as it came from the socket
 * for (let got = reader.next(); got !== 'more'; got = reader.next()) {
 *   if (got === 'connection-fault') return close(reader.fault);
 *   if (got === 'stream-fault') …                     // see Reading
 *   switch (reader.type) {
 *     case FRAME.data: body(reader.streamId, reader.bytes, reader.from, reader.to); break;
 *     case FRAME.headers: decoder.decode(reader.bytes, reader.from, reader.to, list); break;
 *     …
 * ```
 *
 * Frames are given whole and without padding, DATA in pieces as they come if that is wanted; the payload holds until the
 * next call of `next` or `push`, that of DATA as long as the pieces that were pushed. A header block is given as one
 * HEADERS, however many CONTINUATION frames it came in. Sizes, flags, stream identifiers and the order of frames are
 * checked here, in one state machine and therefore one file. What depends on the state of a stream is the engine's: whether it is open, idle or closed,
 * and whether its identifier is greater than all before.
 */
export class FrameReader {
  /** One of FRAME, or a type that nobody knows and that is to be ignored (RFC 9113 5.5). */
  type = 0;
  /** 0 = the connection. */
  streamId = 0;
  /** SETTINGS and PING. */
  ack = false;
  /** DATA and HEADERS. */
  endStream = false;
  /** The payload without padding and without fields of the frame: data, header block, settings, debug data … */
  bytes: Buffer = NO_BYTES;
  from = 0;
  to = 0;
  /** HEADERS: how many CONTINUATION frames it came in besides. */
  continuations = 0;
  /** DATA: how much of the flow-control window the frame takes; padding counts (RFC 9113 6.9.1). */
  flowBytes = 0;
  /** RST_STREAM and GOAWAY: the error code; WINDOW_UPDATE: the increment. */
  value = 0;
  /** GOAWAY: the last stream that was processed; PRIORITY_UPDATE: the stream that it is about. */
  otherStreamId = 0;
  /** After `stream-fault` and `connection-fault`. */
  fault: H2Fault = connectionFault(H2_ERROR.internalError, 'none');
  readonly #role: 'server' | 'client';
  readonly #limits: FrameLimits;
  readonly #input = new FrameBuffer();
  readonly #block: HeaderBlock;
  readonly #inPieces: boolean;
  #prefaceRead: number;
  #settingsRead = false;
  /** Of a DATA frame whose beginning has been given: what is still to come, in bytes, and whether it ends its stream. */
  #pieceLeft = 0;
  #pieceEnds = false;

  /**
   * @param role whose side we are on: a server reads the preface and knows odd streams only
   * @param inPieces give DATA as it comes, each piece like a frame of its own, and so without a copy
   */
  constructor(role: 'server' | 'client', limits: FrameLimits = FRAME_LIMITS, inPieces = false) {
    this.#role = role;
    this.#limits = limits;
    this.#inPieces = inPieces;
    this.#block = new HeaderBlock(limits.blockBytes, limits.continuations);
    this.#prefaceRead = role === 'server' ? 0 : CLIENT_PREFACE.length;
  }

  /** More has come. All frames of what came before have to be read by then. */
  push(bytes: Buffer, from: number, to: number): void {
    this.#input.push(bytes, from, to);
  }

  /** What has begun and is not complete, once everything that came has been read. */
  get partial(): 'nothing' | 'header-block' | 'frame' {
    const input = this.#input;
    if (this.#block.open) return 'header-block';
    if (this.#pieceLeft > 0) return 'frame';
    if (input.length === 0) return 'nothing';
    const head = input.peek(FRAME_HEAD);
    return head >= 0 && input.bytes[head + 3] === FRAME.headers ? 'header-block' : 'frame';
  }

  /**
   * How many bytes the frame that has begun lacks, or its head; 0 = none has begun. Whoever pushes no more than these at
   * first spares all that follows a copy.
   */
  get missing(): number {
    const input = this.#input;
    const { length } = input;
    if (length === 0) return 0;
    const head = input.peek(FRAME_HEAD);
    if (head < 0) return FRAME_HEAD - length;
    const payload = input.bytes.readUIntBE(head, 3);
    return FRAME_HEAD + payload - length;
  }

  next(): Reading {
    if (this.#prefaceRead < CLIENT_PREFACE.length && !this.#readPreface()) return this.#afterPreface();
    for (;;) {
      const input = this.#input;
      if (this.#pieceLeft > 0) return this.#readPiece();
      const head = input.peek(FRAME_HEAD);
      if (head < 0) return this.#keep();
      const bytes = input.bytes;
      const length = ((bytes[head] ?? 0) << 16) | ((bytes[head + 1] ?? 0) << 8) | (bytes[head + 2] ?? 0);
      // What is too long is refused before it is waited for.
      if (length > this.#limits.frameBytes) return this.#fail(H2_ERROR.frameSizeError, 'frame-too-large');
      const start = input.peek(FRAME_HEAD + length);
      if (start < 0) {
        if (!this.#beginPieces(head, length)) return this.#keep();
        continue;
      }
      const reading = this.#readFrame(input.bytes, start, length);
      input.take(FRAME_HEAD + length);
      if (reading !== 'more') return reading;
    }
  }

  /** Whether this is DATA that can be given in pieces. */
  #beginPieces(head: number, length: number): boolean {
    const { bytes } = this.#input;
    const flags = bytes[head + 4] ?? 0;
    const plain = bytes[head + 3] === FRAME.data && (flags & FLAG.padded) === 0;
    if (!this.#inPieces || !plain || this.#block.open || !this.#settingsRead) return false;
    const streamId = bytes.readUInt32BE(head + 5) & 0x7fff_ffff;
    if (frameFault(this.#role, FRAME.data, flags, streamId, length) !== null) return false;
    this.#input.take(FRAME_HEAD);
    this.type = FRAME.data;
    this.streamId = streamId;
    this.#pieceLeft = length;
    this.#pieceEnds = (flags & FLAG.endStream) !== 0;
    return true;
  }

  #readPiece(): Reading {
    const input = this.#input;
    const length = Math.min(input.length, this.#pieceLeft);
    if (length === 0) return this.#keep();
    this.bytes = input.bytes;
    this.from = input.peek(length);
    this.to = this.from + length;
    this.flowBytes = length;
    input.take(length);
    this.#pieceLeft -= length;
    this.endStream = this.#pieceLeft === 0 && this.#pieceEnds;
    return 'frame';
  }

  /** `more` = the frame is part of something that is not complete. */
  #readFrame(bytes: Buffer, head: number, length: number): Reading {
    const type = bytes[head + 3] ?? 0;
    const flags = bytes[head + 4] ?? 0;
    // The highest bit is reserved and ignored (RFC 9113 4.1).
    const streamId = bytes.readUInt32BE(head + 5) & 0x7fff_ffff;
    const payload = head + FRAME_HEAD;
    this.type = type;
    this.streamId = streamId;
    this.bytes = bytes;
    this.from = payload;
    this.to = payload + length;
    this.flowBytes = length;
    if (!this.#settingsRead) {
      if (type !== FRAME.settings || (flags & FLAG.ack) !== 0) {
        return this.#fail(H2_ERROR.protocolError, 'settings-missing');
      }
      this.#settingsRead = true;
    }
    if (this.#block.open && (type !== FRAME.continuation || streamId !== this.#block.streamId)) {
      return this.#fail(H2_ERROR.protocolError, 'header-block-interrupted');
    }
    const fault = frameFault(this.#role, type, flags, streamId, length);
    if (fault !== null) return this.#refuse(fault);
    this.ack = (flags & FLAG.ack) !== 0;
    this.endStream = (flags & FLAG.endStream) !== 0;
    if ((flags & FLAG.padded) !== 0 && (type === FRAME.data || type === FRAME.headers) && !this.#unpad()) {
      return this.#fail(H2_ERROR.protocolError, 'padding-too-long');
    }
    switch (type) {
      case FRAME.headers:
        return this.#readHeaders(flags);
      case FRAME.continuation:
        return this.#readContinuation(flags);
      case FRAME.priority:
        return this.#dependsOnItself() ? this.#refuse(SELF_DEPENDENCY) : 'frame';
      case FRAME.rstStream:
        this.value = bytes.readUInt32BE(payload);
        return 'frame';
      case FRAME.goaway:
        this.otherStreamId = bytes.readUInt32BE(payload) & 0x7fff_ffff;
        this.value = bytes.readUInt32BE(payload + 4);
        this.from += 8;
        return 'frame';
      case FRAME.windowUpdate:
        return this.#readWindowUpdate(payload);
      case FRAME.priorityUpdate:
        this.otherStreamId = bytes.readUInt32BE(payload) & 0x7fff_ffff;
        this.from += 4;
        return this.otherStreamId === 0 ? this.#fail(H2_ERROR.protocolError, 'stream-zero') : 'frame';
      default:
        return 'frame';
    }
  }

  /** RFC 9113 6.1, 6.2: what is left must be at least as long as the padding. */
  #unpad(): boolean {
    const padding = this.from < this.to ? (this.bytes[this.from] ?? 0) : this.to;
    this.from += 1;
    this.to -= padding;
    return this.from <= this.to;
  }

  #readHeaders(flags: number): Reading {
    let fault: H2Fault | null = null;
    this.continuations = 0;
    if ((flags & FLAG.priority) !== 0) {
      if (this.to - this.from < PRIORITY_BYTES) return this.#fail(H2_ERROR.frameSizeError, 'frame-too-small');
      if (this.#dependsOnItself()) fault = SELF_DEPENDENCY;
      this.from += PRIORITY_BYTES;
    }
    if (this.to - this.from > this.#limits.blockBytes) {
      return this.#fail(H2_ERROR.enhanceYourCalm, 'header-block-too-large');
    }
    if ((flags & FLAG.endHeaders) !== 0) return fault === null ? 'frame' : this.#refuse(fault);
    this.#block.begin(this.streamId, this.endStream, fault, this.bytes, this.from, this.to);
    return 'more';
  }

  #readContinuation(flags: number): Reading {
    const block = this.#block;
    if (!block.open) return this.#fail(H2_ERROR.protocolError, 'continuation-unexpected');
    const fault = block.add(this.bytes, this.from, this.to);
    if (fault !== null) return this.#refuse(fault);
    if ((flags & FLAG.endHeaders) === 0) return 'more';
    block.open = false;
    this.type = FRAME.headers;
    this.continuations = block.continuations;
    this.endStream = block.endStream;
    this.bytes = block.bytes;
    this.from = 0;
    this.to = block.length;
    return block.fault === null ? 'frame' : this.#refuse(block.fault);
  }

  #readWindowUpdate(payload: number): Reading {
    this.value = this.bytes.readUInt32BE(payload) & 0x7fff_ffff;
    if (this.value > 0) return 'frame';
    const scope = this.streamId === 0 ? 'connection' : 'stream';
    return this.#refuse({ scope, error: H2_ERROR.protocolError, reason: 'window-update-of-zero' });
  }

  /** RFC 7540 5.3.1. The scheme is gone, but a stream that depends on itself was never sense. */
  #dependsOnItself(): boolean {
    return (this.bytes.readUInt32BE(this.from) & 0x7fff_ffff) === this.streamId;
  }

  /** False when the preface is not complete, or wrong. */
  #readPreface(): boolean {
    const input = this.#input;
    while (this.#prefaceRead < CLIENT_PREFACE.length) {
      const at = input.peek(1);
      if (at < 0 || input.bytes[at] !== CLIENT_PREFACE[this.#prefaceRead]) return false;
      input.take(1);
      this.#prefaceRead += 1;
    }
    return true;
  }

  #afterPreface(): Reading {
    return this.#input.peek(1) < 0 ? 'more' : this.#fail(H2_ERROR.protocolError, 'preface-invalid');
  }

  #keep(): 'more' {
    this.#input.keep();
    this.#block.release();
    this.bytes = NO_BYTES;
    return 'more';
  }

  #refuse(fault: H2Fault): Reading {
    this.fault = fault;
    return fault.scope === 'stream' ? 'stream-fault' : 'connection-fault';
  }

  #fail(error: H2Fault['error'], reason: string): Reading {
    return this.#refuse(connectionFault(error, reason));
  }
}

const NO_BYTES = Buffer.alloc(0);

/** Of the priority fields in HEADERS, in bytes. */
const PRIORITY_BYTES = 5;

const SELF_DEPENDENCY: H2Fault = {
  scope: 'stream',
  error: H2_ERROR.protocolError,
  reason: 'depends-on-itself',
};
