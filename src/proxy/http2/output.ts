import type { TLSSocket } from 'node:tls';
import type { FrameBuffer } from '../codec/http2/frame-buffer.ts';
import type { FrameWriter } from '../codec/http2/frame-writer.ts';
import { HpackEncoder } from '../codec/http2/hpack/encoder.ts';
import type { Priority } from '../codec/http2/priority.ts';
import type { H2ErrorCode } from '../codec/http2/protocol.ts';
import { DEFAULT_FRAME_SIZE } from '../codec/http2/protocol.ts';
import type { PeerSettings } from '../codec/http2/settings.ts';
import { SendWindow } from '../codec/http2/window.ts';
import type { RawHeaders, ResponseHead } from '../exchange.ts';
import { Outbox } from './outbox.ts';
import { encodeHead, encodeTrailers } from './response-fields.ts';
import { Schedule, type Scheduled } from './schedule.ts';

/** How much of one stream goes out before another has its turn, in bytes. */
const TURN_BYTES = DEFAULT_FRAME_SIZE;

/** A stream that sends. */
export interface Sender extends Scheduled {
  readonly window: SendWindow;
  /** What the client does not take yet. */
  readonly unsent: FrameBuffer;
  /** Some of what was unsent has left, or there is room for more; for as much as it likes if `unsent` is empty. */
  advanced(): void;
}

/**
 * Everything that goes out on one connection: frames, header blocks, and the bytes of bodies as far as the client's
 * windows (RFC 9113 5.2), the socket and the other streams allow.
 */
export class Output {
  /** For frames that need no more than to be written. `send` follows. */
  readonly frames: FrameWriter;
  readonly #outbox: Outbox;
  readonly #encoder = new HpackEncoder();
  readonly #window = new SendWindow();
  readonly #schedule = new Schedule<Sender>();
  #closed = false;
  /** WINDOW_UPDATE frames that there is a reason for. */
  #updatesDue = 0;

  /** @param onSent called after each write */
  constructor(socket: TLSSocket, stallMs: number, onSent: () => void) {
    this.#outbox = new Outbox(socket, stallMs, () => {
      this.#pump();
      onSent();
    });
    this.frames = this.#outbox.frames;
  }

  /** Bytes that wait for the write before them. */
  get waiting(): number {
    return this.#outbox.length;
  }

  /** When the write under way is to be over at the latest. */
  get dueMs(): number {
    return this.#outbox.dueMs;
  }

  /** Whether there are bytes that only the window of the connection keeps back. */
  get starved(): boolean {
    return this.#schedule.size > 0 && this.#window.available === 0;
  }

  send(): void {
    if (!this.#closed) this.#outbox.send();
  }

  /** Sends what there is, then ends the connection. */
  end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#outbox.end();
  }

  head(id: number, head: ResponseHead, trailers: boolean, endStream: boolean): void {
    encodeHead(this.#encoder, head, trailers);
    this.frames.headers(id, this.#encoder.block(), endStream);
    this.send();
  }

  /** Bytes of a body. They are sent or copied. False: no more before `advanced` has left nothing unsent. */
  data(stream: Sender, bytes: Buffer): boolean {
    const { window, unsent } = stream;
    let sent = 0;
    if (unsent.length === 0 && this.#schedule.size === 0 && !this.#outbox.full) {
      sent = Math.min(bytes.length, window.available, this.#window.available);
      if (sent > 0) this.#put(stream, bytes, 0, sent);
      if (sent === bytes.length) {
        if (!this.#outbox.full) return true;
        // It has its turn when there is room again.
        this.#schedule.add(stream);
        return false;
      }
    }
    hold(unsent, bytes, sent);
    if (window.available > 0) this.#schedule.add(stream);
    return false;
  }

  /** The body is complete, and nothing of it unsent. */
  finish(id: number, trailers: RawHeaders): void {
    if (trailers.length > 0) {
      encodeTrailers(this.#encoder, trailers);
      this.frames.headers(id, this.#encoder.block(), true);
    } else if (!this.frames.endStream(id)) {
      this.frames.dataHead(id, 0, true);
    }
    this.send();
  }

  reset(id: number, error: H2ErrorCode): void {
    this.frames.rstStream(id, error);
    this.send();
  }

  windowUpdate(id: number, increment: number): void {
    this.frames.windowUpdate(id, increment);
    this.send();
  }

  /**
   * Whether a WINDOW_UPDATE can be the answer to something: two for each DATA frame that was sent, one for the stream
   * and one for the connection.
   */
  expectedUpdate(): boolean {
    if (this.#updatesDue === 0) return false;
    this.#updatesDue -= 1;
    return true;
  }

  /** No response comes for a while. */
  rest(): void {
    this.#encoder.rest();
  }

  /** The stream is over: what it has not sent it never will. */
  forget(stream: Sender): void {
    this.#schedule.remove(stream);
  }

  prioritize(stream: Sender, priority: Priority): void {
    this.#schedule.change(stream, priority);
  }

  /** The client opened the window of the connection. False = too far. */
  grow(increment: number): boolean {
    const ok = this.#window.grow(increment);
    this.#pump();
    return ok;
  }

  /** The client opened the window of a stream, by WINDOW_UPDATE or for all streams. */
  opened(stream: Sender): void {
    if (stream.unsent.length === 0 || stream.window.available === 0) return;
    this.#schedule.add(stream);
    this.#pump();
  }

  /** Follows the client's settings, and acknowledges them. */
  apply({ headerTableSize, maxFrameSize }: PeerSettings): void {
    this.#encoder.setPeerTableBytes(headerTableSize);
    // More would only make others wait.
    this.frames.frameBytes = Math.min(maxFrameSize, TURN_BYTES);
    this.frames.settingsAck();
    this.send();
  }

  #pump(): void {
    if (this.#closed) return;
    while (!this.#outbox.full && this.#window.available > 0) {
      const stream = this.#schedule.first();
      if (stream === null) break;
      const { unsent, window } = stream;
      if (unsent.length === 0) {
        this.#schedule.remove(stream);
        stream.advanced();
        continue;
      }
      const length = Math.min(unsent.length, TURN_BYTES, window.available, this.#window.available);
      const from = unsent.peek(length);
      this.#put(stream, unsent.bytes, from, from + length);
      unsent.take(length);
      if (unsent.length === 0 || window.available === 0) this.#schedule.remove(stream);
      else this.#schedule.next(stream);
      stream.advanced();
    }
  }

  #put(stream: Sender, bytes: Buffer, from: number, to: number): void {
    stream.window.spend(to - from);
    this.#window.spend(to - from);
    this.#updatesDue += 2 * Math.ceil((to - from) / this.frames.frameBytes);
    this.frames.data(stream.id, bytes, from, to, false);
    this.send();
  }
}

/** Keeps what the client does not take yet: the chunk will be written over. */
function hold(unsent: FrameBuffer, bytes: Buffer, from: number): void {
  if (unsent.length > 0) {
    unsent.push(bytes, from, bytes.length);
    unsent.keep();
    return;
  }
  const copy = Buffer.allocUnsafe(bytes.length - from);
  bytes.copy(copy, 0, from);
  unsent.push(copy, 0, copy.length);
}
