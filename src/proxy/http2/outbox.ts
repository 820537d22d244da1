import type { TLSSocket } from 'node:tls';
import { FrameWriter } from '../codec/http2/frame-writer.ts';
import { atEndOfTurn, type Deferred } from '../end-of-turn.ts';

/**
 * So many bytes are not kept until the end of the turn; and if they wait for the write before them, no more bodies are
 * taken until there is room again.
 */
const ROOM = 65_536;

/**
 * The frames on their way to one client. What is written in one turn of the event loop leaves in one write, and there is
 * never more than one write under way: so TLS encrypts it at once, and its memory is free again.
 */
export class Outbox implements Deferred {
  readonly frames = new FrameWriter(true);
  /** When the write under way, or the last one, is to be over at the latest. */
  dueMs = Number.POSITIVE_INFINITY;
  readonly #socket: TLSSocket;
  readonly #stallMs: number;
  readonly #onRoom: () => void;
  #writing = false;
  #queued = false;
  #ended = false;

  /** @param onRoom called after each write: there may be room again */
  constructor(socket: TLSSocket, stallMs: number, onRoom: () => void) {
    this.#socket = socket;
    this.#stallMs = stallMs;
    this.#onRoom = onRoom;
  }

  /** Bytes that wait for the write before them. */
  get length(): number {
    return this.frames.length;
  }

  get full(): boolean {
    return this.frames.length >= ROOM;
  }

  /** Frames have been written: they leave at the end of the turn, large ones at once. */
  send(): void {
    if (this.#writing) return;
    if (this.full) this.#write();
    else if (!this.#queued) {
      this.#queued = true;
      atEndOfTurn(this);
    }
  }

  atEndOfTurn(): void {
    this.#queued = false;
    if (!this.#writing) this.#write();
  }

  /** Sends what there is and then ends the connection. */
  end(): void {
    const socket = this.#socket;
    if (this.frames.length > 0 && socket.writable) socket.write(this.frames.take());
    socket.end();
    this.#ended = true;
    if (socket.writableLength > 0) this.dueMs = Math.min(this.dueMs, performance.now() + this.#stallMs);
  }

  #write(): void {
    if (this.frames.length === 0 || !this.#socket.writable) return;
    this.#writing = true;
    this.dueMs = performance.now() + this.#stallMs;
    this.#socket.write(this.frames.peek(), this.#written);
    this.frames.clear();
  }

  readonly #written = (): void => {
    this.#writing = false;
    if (!this.#ended) this.dueMs = Number.POSITIVE_INFINITY;
    this.#onRoom();
    if (!this.#writing) this.#write();
  };
}
