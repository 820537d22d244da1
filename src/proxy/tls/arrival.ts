import type { Socket } from 'node:net';
import { NOWHERE, type Timed } from '../sweep.ts';
import { type Opening, readOpening } from './client-hello.ts';

/** Who waits for what an {@link Arrival} says. */
export interface Host {
  /** What it begins with can be judged. The socket is paused, and `bytes` have been taken from it. */
  opened(arrival: Arrival, opening: Opening, bytes: Buffer): void;
  /** It is closed; also told of one that has opened. */
  left(arrival: Arrival): void;
}

/** A connection on whose first bytes somebody waits. */
export class Arrival implements Timed {
  place = NOWHERE;
  readonly socket: Socket;
  readonly #host: Host;
  readonly #dueMs: number;
  readonly #read: (piece: Buffer) => void;
  /** What has come so far, when it was not enough. */
  #held: Buffer[] | null = null;
  #have = 0;
  #need = 1;

  /** @param dueMs when it has to have said enough, of `performance.now()` */
  constructor(socket: Socket, host: Host, dueMs: number) {
    this.socket = socket;
    this.#host = host;
    this.#dueMs = dueMs;
    // Bound, and no closures: docs/decisions/0020.
    this.#read = this.#take.bind(this);
    socket.on('data', this.#read);
    socket.on('close', host.left.bind(host, this));
    socket.on('error', ignore);
  }

  tick(nowMs: number): void {
    if (nowMs >= this.#dueMs) this.socket.destroy();
  }

  #take(piece: Buffer): void {
    this.#have += piece.length;
    if (this.#have < this.#need) {
      this.#held ??= [];
      this.#held.push(piece);
      return;
    }
    const bytes = this.#held === null ? piece : Buffer.concat([...this.#held, piece]);
    const opening = readOpening(bytes);
    if (opening.kind === 'incomplete') {
      this.#need = opening.need;
      this.#held = [bytes];
      return;
    }
    this.socket.pause();
    this.socket.off('data', this.#read);
    this.#host.opened(this, opening, bytes);
  }
}

/** The close that follows says all there is to say. */
function ignore(): void {}
