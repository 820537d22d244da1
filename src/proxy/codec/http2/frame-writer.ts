import { CLIENT_PREFACE, DEFAULT_FRAME_SIZE, FLAG, FRAME, FRAME_HEAD, type H2ErrorCode } from './protocol.ts';

/**
 * Writes frames one behind the other, so that many go out with one write (RFC 9113 4, 6).
 *
 * ```ts
 * writer.headers(1, encoder.block(), false);
 * writer.data(1, bytes, 0, bytes.length, true);
 * socket.write(writer.take());
 * ```
 *
 * It holds no memory between `take` or `clear` and the next frame. Flow control is the engine's.
 */
export class FrameWriter {
  /** The peer's SETTINGS_MAX_FRAME_SIZE, in bytes. What is longer is split. */
  frameBytes = DEFAULT_FRAME_SIZE;
  #out: Buffer = NO_BYTES;
  #at = 0;
  /** Where the head of the last frame is; -1 = none. */
  #last = -1;

  readonly #reuses: boolean;

  /** @param reuses whether everything is used up before `clear`, and nothing taken: then memory is used again */
  constructor(reuses = false) {
    this.#reuses = reuses;
  }

  /** Bytes that wait to be taken. */
  get length(): number {
    return this.#at;
  }

  /** All that was written since the last time. It is the caller's. */
  take(): Buffer {
    const taken = this.#out.subarray(0, this.#at);
    this.#out = NO_BYTES;
    this.#at = 0;
    this.#last = -1;
    return taken;
  }

  /** The same where it lies, for whoever has used it up before {@link clear} or the next frame. */
  peek(): Buffer {
    return this.#out.subarray(0, this.#at);
  }

  /** Forgets all that was written, and leaves the memory to the next writer. */
  clear(): void {
    if (this.#reuses && this.#out.length === SLAB && spares.length < SPARES) spares.push(this.#out);
    this.#out = NO_BYTES;
    this.#at = 0;
    this.#last = -1;
  }

  /** Lets the last frame end its stream. False if that is not DATA of this stream, or has been taken. */
  endStream(streamId: number): boolean {
    const at = this.#last;
    const out = this.#out;
    if (at < 0 || out[at + 3] !== FRAME.data || out.readUInt32BE(at + 5) !== streamId) return false;
    out[at + 4] = FLAG.endStream;
    return true;
  }

  /** What a client sends first; SETTINGS must follow. */
  preface(): void {
    this.#reserve(CLIENT_PREFACE.length);
    this.#at += CLIENT_PREFACE.copy(this.#out, this.#at);
  }

  /** DATA: copies `bytes[from, to)`, which may be empty. */
  data(streamId: number, bytes: Buffer, from: number, to: number, endStream: boolean): void {
    let start = from;
    do {
      const end = Math.min(to, start + this.frameBytes);
      this.dataHead(streamId, end - start, endStream && end === to);
      this.#reserve(end - start);
      if (end > start) this.#at += bytes.copy(this.#out, this.#at, start, end);
      start = end;
    } while (start < to);
  }

  /** Only the head of a DATA frame. `length` bytes, not more than `frameBytes`, have to follow behind `take`. */
  dataHead(streamId: number, length: number, endStream: boolean): void {
    this.#head(FRAME.data, endStream ? FLAG.endStream : 0, streamId, length);
  }

  /** HEADERS, with as many CONTINUATION frames as a block of that length needs. Also for trailers. */
  headers(streamId: number, block: Buffer, endStream: boolean): void {
    let start = 0;
    let type: number = FRAME.headers;
    let flags: number = endStream ? FLAG.endStream : 0;
    do {
      const end = Math.min(block.length, start + this.frameBytes);
      if (end === block.length) flags |= FLAG.endHeaders;
      this.#head(type, flags, streamId, end - start);
      this.#reserve(end - start);
      this.#at += block.copy(this.#out, this.#at, start, end);
      start = end;
      type = FRAME.continuation;
      flags = 0;
    } while (start < block.length);
  }

  /** SETTINGS: identifiers (of SETTING) and values. */
  settings(settings: readonly (readonly [identifier: number, value: number])[]): void {
    this.#head(FRAME.settings, 0, 0, settings.length * 6);
    this.#reserve(settings.length * 6);
    for (const [identifier, value] of settings) {
      this.#at = this.#out.writeUInt16BE(identifier, this.#at);
      this.#at = this.#out.writeUInt32BE(value, this.#at);
    }
  }

  settingsAck(): void {
    this.#head(FRAME.settings, FLAG.ack, 0, 0);
  }

  /** PING with 8 bytes of `bytes`; `ack` answers one with the bytes that it had. */
  ping(bytes: Buffer, from: number, ack: boolean): void {
    this.#head(FRAME.ping, ack ? FLAG.ack : 0, 0, 8);
    this.#reserve(8);
    this.#at += bytes.copy(this.#out, this.#at, from, from + 8);
  }

  rstStream(streamId: number, error: H2ErrorCode): void {
    this.#head(FRAME.rstStream, 0, streamId, 4);
    this.#uint32(error);
  }

  windowUpdate(streamId: number, increment: number): void {
    this.#head(FRAME.windowUpdate, 0, streamId, 4);
    this.#uint32(increment);
  }

  /** GOAWAY. `lastStreamId`: the last one that was or may have been processed; `debug`: a word for people. */
  goaway(lastStreamId: number, error: H2ErrorCode, debug = ''): void {
    this.#head(FRAME.goaway, 0, 0, 8 + debug.length);
    this.#uint32(lastStreamId);
    this.#uint32(error);
    this.#reserve(debug.length);
    this.#at += this.#out.write(debug, this.#at, 'latin1');
  }

  #uint32(value: number): void {
    this.#reserve(4);
    this.#at = this.#out.writeUInt32BE(value, this.#at);
  }

  #head(type: number, flags: number, streamId: number, length: number): void {
    this.#reserve(FRAME_HEAD);
    const out = this.#out;
    const at = this.#at;
    out[at] = length >>> 16;
    out[at + 1] = length >>> 8;
    out[at + 2] = length;
    out[at + 3] = type;
    out[at + 4] = flags;
    out[at + 5] = streamId >>> 24;
    out[at + 6] = streamId >>> 16;
    out[at + 7] = streamId >>> 8;
    out[at + 8] = streamId;
    this.#last = at;
    this.#at = at + FRAME_HEAD;
  }

  #reserve(length: number): void {
    const needed = this.#at + length;
    if (needed <= this.#out.length) return;
    const larger =
      this.#reuses && needed > SMALLEST && needed <= SLAB
        ? (spares.pop() ?? Buffer.allocUnsafeSlow(SLAB))
        : Buffer.allocUnsafe(Math.max(needed, 2 * this.#out.length, SMALLEST));
    this.#out.copy(larger, 0, 0, this.#at);
    this.#out = larger;
  }
}

const SMALLEST = 1_024;

/** Enough for what one turn has for one client, in bytes: two reads of an upstream, and their frames. */
const SLAB = 139_264;

/** Memory for whoever writes next. */
const spares: Buffer[] = [];
const SPARES = 32;

const NO_BYTES = Buffer.alloc(0);
