import { FrameBuffer } from '../codec/http2/frame-buffer.ts';
import { DEFAULT_WINDOW } from '../codec/http2/protocol.ts';
import { ReceiveWindow } from '../codec/http2/window.ts';
import type { RawHeaders } from '../exchange.ts';
import { type BodySource, PushedBody } from '../pushed-body.ts';

/** The largest window of a stream, in bytes. It begins with the standard one and grows while the upstream keeps up. */
const LARGEST = 1_048_576;

/** Whom an upload tells what it does with the bytes. */
export interface UploadOwner {
  /** So many more bytes, or fewer, wait for the upstream. */
  held(difference: number): void;
  /** The client may send so many more bytes on a stream. */
  allow(id: number, increment: number): void;
}

/** What a client sends on one stream after its request head: checked, counted, and held as long as nobody takes it. */
export class Upload implements BodySource {
  readonly body: PushedBody;
  /** The client has said that it is complete. */
  ended = false;
  /** When the next bytes have to come at the latest. */
  dueMs = Number.POSITIVE_INFINITY;
  readonly #owner: UploadOwner;
  readonly #id: number;
  readonly #idleMs: number;
  readonly #window = new ReceiveWindow(DEFAULT_WINDOW);
  readonly #held = new FrameBuffer();
  /** What is still to come, in bytes; -1 when nobody knows. */
  #left: number;
  #trailers: RawHeaders = NONE;
  #pushing = false;

  /**
   * @param id of the stream
   * @param length as the head says; -1 when it does not
   * @param idleMs longest silence while more is wanted; infinite where silence is normal
   */
  constructor(owner: UploadOwner, id: number, length: number, idleMs: number) {
    this.#owner = owner;
    this.#id = id;
    this.#idleMs = idleMs;
    this.#left = length;
    this.body = new PushedBody(this, length < 0 ? null : length, false);
  }

  /**
   * DATA came. `flowBytes` of it counted against the window. Says what is wrong with it: more than the window allowed, or
   * than the head said.
   */
  receive(bytes: Buffer, from: number, to: number, flowBytes: number): 'ok' | 'window' | 'length' {
    const length = to - from;
    if (!this.#window.receive(flowBytes)) return 'window';
    if (this.#left >= 0) {
      if (length > this.#left) return 'length';
      this.#left -= length;
    }
    // Padding is dealt with already.
    if (flowBytes > length) this.#taken(flowBytes - length);
    if (length === 0 || this.body.over) return 'ok';
    if (this.#held.length === 0 && this.body.ready && !this.#pushing) {
      this.body.push(from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to));
      this.#taken(length);
      this.#expectMore();
    } else {
      this.#held.push(bytes, from, to);
      this.#held.keep();
      this.#owner.held(length);
    }
    return 'ok';
  }

  /** The client's last word. False if it is not as long as the head said. */
  end(trailers: RawHeaders): boolean {
    if (this.#left > 0) return false;
    this.ended = true;
    this.#trailers = trailers;
    this.#pass();
    return true;
  }

  wanted(): void {
    this.#pass();
  }

  unwanted(): void {
    this.dueMs = Number.POSITIVE_INFINITY;
    this.#drop();
  }

  /** Nothing came for too long. */
  expire(): void {
    this.dueMs = Number.POSITIVE_INFINITY;
    this.body.fail({ kind: 'client-timeout', message: `no data for ${this.#idleMs} ms` });
    this.#drop();
  }

  /** The stream is over. */
  close(): void {
    this.dueMs = Number.POSITIVE_INFINITY;
    this.body.fail({ kind: 'client-gone', message: 'the stream was closed' });
    this.#drop();
  }

  /** Gives on what is held, and the end, as far as it is wanted. */
  #pass(): void {
    if (this.#pushing) return;
    const { body } = this;
    const held = this.#held;
    this.#pushing = true;
    while (held.length > 0 && body.ready) {
      const { length } = held;
      const from = held.peek(length);
      const piece = held.bytes.subarray(from, from + length);
      held.take(length);
      held.keep();
      this.#owner.held(-length);
      body.push(piece);
      this.#taken(length);
    }
    this.#pushing = false;
    if (this.ended && held.length === 0 && body.ready) {
      this.dueMs = Number.POSITIVE_INFINITY;
      body.finish(this.#trailers);
    } else {
      this.#expectMore();
    }
  }

  #expectMore(): void {
    const waits = this.body.ready && !this.ended;
    this.dueMs = waits ? performance.now() + this.#idleMs : Number.POSITIVE_INFINITY;
  }

  /** So many bytes are out of the way: lets the client send as many, and more than before if everything flows. */
  #taken(bytes: number): void {
    if (this.ended || this.body.over) return;
    let increment = this.#window.release(bytes);
    if (increment === 0) return;
    const { size } = this.#window;
    if (this.body.ready && this.#held.length === 0 && size < LARGEST) {
      increment += this.#window.widen(Math.min(size, LARGEST - size));
    }
    this.#owner.allow(this.#id, increment);
  }

  #drop(): void {
    const { length } = this.#held;
    if (length === 0) return;
    this.#held.take(length);
    this.#held.keep();
    this.#owner.held(-length);
  }
}

const NONE: RawHeaders = [];
