import type { OnReadOpts, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Upstream } from '../../../routing/route.ts';
import type { Failure } from '../../failure.ts';
import type { Limits } from '../../protocol.ts';
import type { Sweep } from '../../sweep.ts';
import type { Dialer } from '../dialer.ts';
import { timeoutsOf } from '../timeouts.ts';
import type { Http2Call, Http2Line } from './call.ts';
import { type ConnectionOwner, type ConnectionTimes, Http2Connection } from './connection.ts';

/** Connections to one upstream at once. */
const MOST_CONNECTIONS = 100;

/** All connections to one upstream, and the calls that wait for room on one. */
export class Http2Pool implements Http2Line, ConnectionOwner {
  readonly #upstream: Upstream;
  readonly #dialer: Dialer;
  readonly #sweep: Sweep;
  readonly #times: ConnectionTimes;
  /** Tells that nothing is left. */
  readonly #onEmpty: () => void;
  readonly #connections = new Set<Http2Connection>();
  readonly #waiting = new Set<Http2Call>();
  /** How many streams a connection had room for when it was opened last. */
  #streamsEach = Number.POSITIVE_INFINITY;

  constructor(upstream: Upstream, limits: Limits, dialer: Dialer, sweep: Sweep, onEmpty: () => void) {
    this.#upstream = upstream;
    this.#dialer = dialer;
    this.#sweep = sweep;
    this.#times = { ...timeoutsOf(upstream, limits), pingMs: limits.upstreamPingMs };
    this.#onEmpty = onEmpty;
  }

  queue(call: Http2Call): void {
    this.#waiting.add(call);
    this.#serve();
  }

  leave(call: Http2Call): void {
    this.#waiting.delete(call);
  }

  /** Takes over a socket on which the upstream has chosen HTTP/2. */
  adopt(socket: TLSSocket): void {
    this.#add(() => socket);
  }

  /** Lets what runs come to its end, and keeps nothing. */
  close(): void {
    for (const connection of this.#connections) connection.retire();
  }

  opened(connection: Http2Connection): void {
    this.#streamsEach = connection.room;
    this.#serve();
  }

  freed(connection: Http2Connection): void {
    this.#streamsEach = Math.max(this.#streamsEach, connection.room);
    if (this.#waiting.size > 0) this.#serve();
  }

  closed(connection: Http2Connection, failure: Failure): void {
    this.#connections.delete(connection);
    if (!connection.settled) {
      // What is wrong with this one will be wrong with the next.
      for (const call of [...this.#waiting]) call.refused(failure);
    }
    this.#serve();
    if (this.#connections.size === 0 && this.#waiting.size === 0) this.#onEmpty();
  }

  /** Gives room to those who wait, in their order, and sees to it that there will be enough. */
  #serve(): void {
    const waiting = this.#waiting;
    for (const connection of this.#connections) {
      while (connection.room > 0) {
        const [call] = waiting;
        if (call === undefined) return;
        waiting.delete(call);
        call.begin(connection);
      }
    }
    // An upstream that takes no requests at all will say so when that changes.
    if (this.#streamsEach === 0 && this.#connections.size > 0) return;
    let opening = 0;
    for (const connection of this.#connections) if (connection.opening) opening += 1;
    while (opening * this.#streamsEach < waiting.size || (opening === 0 && waiting.size > 0)) {
      if (this.#connections.size >= MOST_CONNECTIONS) return;
      this.#open();
      opening += 1;
    }
  }

  #open(): void {
    this.#add((onread) => this.#dialer.dial(this.#upstream, ['h2'], onread));
  }

  #add(open: (onread: OnReadOpts) => Socket): void {
    this.#connections.add(new Http2Connection(open, this, this.#times, this.#sweep));
  }
}
