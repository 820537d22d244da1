import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { writeChunk } from './codec/http1/chunk-writer.ts';
import { CR, LF } from './codec/octets.ts';
import { GatheredWrites } from './gathered-writes.ts';

/** Pieces up to this many bytes are gathered; to copy larger ones would cost more than to write them at once. */
const SMALL = 16_384;

/** The size of a chunk in hexadecimal digits, and the ends of its two lines. */
const CHUNK_FRAME = 12;

/**
 * What goes out on one socket, in order. Small pieces leave together at the end of the turn of the event loop, with those of
 * other sockets; large ones at once.
 */
export class Outgoing {
  /** Whether the socket can be written to by now; false while it connects. */
  open: boolean;
  readonly #socket: Socket;
  readonly #secure: boolean;
  /** In which batch there are bytes of this socket. */
  #batch = -1;

  constructor(socket: Socket, open: boolean) {
    this.#socket = socket;
    this.#secure = socket instanceof TLSSocket;
    this.open = open;
  }

  /** Takes what a writer has put into {@link gathered} from its `at` to `to`. */
  wrote(to: number): void {
    if (this.#gathers) this.#add(to);
    else this.#socket.write(Buffer.from(gathered.bytes.subarray(gathered.at, to)));
  }

  /**
   * Bytes that may be written over afterwards.
   *
   * @param kept they are not: nobody writes over them
   */
  write(bytes: Buffer, kept = false): void {
    const { length } = bytes;
    // What follows a small piece in the same turn leaves with it, where there is room.
    if (length <= SMALL || (this.#batch === gathered.batch && length <= gathered.room)) {
      gathered.reserve(length);
      bytes.copy(gathered.bytes, gathered.at);
      this.wrote(gathered.at + length);
      return;
    }
    this.flush();
    // TLS encrypts at once what nothing waits before; everything else could be kept.
    const atOnce = kept || (this.#secure && this.open && this.#socket.writableLength === 0);
    this.#socket.write(atOnce ? bytes : Buffer.from(bytes));
  }

  /** The same as one chunk (RFC 9112 7.1); there must be bytes. */
  writeChunk(bytes: Buffer): void {
    const { length } = bytes;
    if (length > SMALL) {
      this.write(writeChunk(bytes, 0, length), true);
      return;
    }
    gathered.reserve(length + CHUNK_FRAME);
    const target = gathered.bytes;
    let at = gathered.at + target.write(length.toString(16), gathered.at, 'latin1');
    at = endLine(target, at);
    at += bytes.copy(target, at);
    this.wrote(endLine(target, at));
  }

  /** Each character is one byte. */
  writeText(text: string): void {
    gathered.reserve(text.length);
    this.wrote(gathered.at + gathered.bytes.write(text, gathered.at, 'latin1'));
  }

  /** Sends now what was gathered. */
  flush(): void {
    if (this.#batch === gathered.batch) gathered.send();
  }

  /** Ends the writing side after all that was written. */
  end(): void {
    this.flush();
    this.#socket.end();
  }

  /** Closes the socket as soon as all that was written before has left. */
  destroySoon(): void {
    this.flush();
    this.#socket.destroySoon();
  }

  /** Closes the socket; what was written before leaves as far as the system takes it. */
  destroy(): void {
    this.flush();
    this.#socket.destroy();
  }

  get #gathers(): boolean {
    return this.#batch === gathered.batch || (this.open && this.#socket.writableLength === 0);
  }

  #add(to: number): void {
    this.#batch = gathered.batch;
    gathered.add(this.#socket, to);
  }
}

/** For all sockets. */
export const gathered = new GatheredWrites();

function endLine(target: Buffer, at: number): number {
  target[at] = CR;
  target[at + 1] = LF;
  return at + 2;
}
