import type { Socket } from 'node:net';
import type { ClientConnection, EngineOptions } from '../client-connection.ts';
import type { Limits } from '../protocol.ts';
import type { Sweep } from '../sweep.ts';
import { Http1Connection } from './connection.ts';

/** HTTP/1.0 and HTTP/1.1 with clients. It is given connections and never listens. */
export class Http1Server {
  readonly #options: EngineOptions;
  readonly #limits: Limits;
  readonly #sweep: Sweep;

  constructor(options: EngineOptions, limits: Limits, sweep: Sweep) {
    this.#options = options;
    this.#limits = limits;
    this.#sweep = sweep;
  }

  accept(socket: Socket): ClientConnection {
    return new Http1Connection(socket, this.#options, this.#limits, this.#sweep);
  }
}
