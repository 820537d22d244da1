import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { atEndOfTurn, type Deferred } from './end-of-turn.ts';

/** Room for what many small messages need in one turn of the event loop, in bytes. */
const SIZE = 131_072;

/**
 * Small writes to many sockets, one after the other in one buffer that is used again and again. They leave at the end of the
 * turn: by then whoever reads them is awake from the first, and need not be woken for each.
 */
export class GatheredWrites implements Deferred {
  bytes: Buffer = Buffer.allocUnsafeSlow(SIZE);
  /** Where the next write begins in `bytes`. */
  at = 0;
  /** How often all that was gathered has been sent. */
  batch = 0;
  #sockets: Socket[] = [];
  #ends: number[] = [];

  /** How many bytes there is room for without sending anything. */
  get room(): number {
    return this.bytes.length - this.at;
  }

  /** Makes room for `length` bytes from `at` on. What was gathered before may be sent for it. */
  reserve(length: number): void {
    if (this.at + length <= this.bytes.length) return;
    this.send();
    if (length > this.bytes.length) this.bytes = Buffer.allocUnsafeSlow(length);
  }

  /** `bytes` from `at` to `to` are for `socket`, on which nothing waits to be written. */
  add(socket: Socket, to: number): void {
    const last = this.#sockets.length - 1;
    this.at = to;
    if (last >= 0 && this.#sockets[last] === socket) {
      this.#ends[last] = to;
      return;
    }
    if (last < 0) atEndOfTurn(this);
    this.#sockets.push(socket);
    this.#ends.push(to);
  }

  atEndOfTurn(): void {
    this.send();
  }

  /** Sends everything now. */
  send(): void {
    const { bytes } = this;
    const sockets = this.#sockets;
    let from = 0;
    let isKept = false;
    for (let index = 0; index < sockets.length; index += 1) {
      const socket = sockets[index];
      const to = this.#ends[index] ?? from;
      if (socket?.writable === true) {
        socket.write(bytes.subarray(from, to));
        // TLS has encrypted it by now. Of the rest, what the system has not taken it takes later, from where it lies.
        if (socket.writableLength > 0 && !(socket instanceof TLSSocket)) isKept = true;
      }
      from = to;
    }
    if (isKept) this.bytes = Buffer.allocUnsafeSlow(SIZE);
    sockets.length = 0;
    this.#ends.length = 0;
    this.at = 0;
    this.batch += 1;
  }
}
