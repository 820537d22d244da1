import type { TLSSocket } from 'node:tls';
import type { Random } from '../../platform/random.ts';
import type { ClientConnection, EngineOptions } from '../client-connection.ts';
import { FRAME_LIMITS } from '../codec/http2/frame-reader.ts';
import { HeaderList, LIST_LIMITS } from '../codec/http2/hpack/header-list.ts';
import { RequestReader } from '../codec/http2/request-reader.ts';
import type { Limits } from '../protocol.ts';
import type { Sweep } from '../sweep.ts';
import { Http2Connection, type ServerParts } from './connection.ts';

/** Fields of a head in HTTP/2 that are none in HTTP/1.1, or fewer: pseudo-fields, and the crumbs of a cookie. */
const MORE_FIELDS = LIST_LIMITS.fields - 100;

/** HTTP/2 with clients (RFC 9113). It is given connections and never listens. */
export class Http2Server {
  readonly #options: EngineOptions;
  readonly #limits: Limits;
  readonly #sweep: Sweep;
  readonly #parts: ServerParts;

  constructor(options: EngineOptions, limits: Limits, sweep: Sweep, random: Random) {
    this.#options = options;
    this.#limits = limits;
    this.#sweep = sweep;
    const list = new HeaderList({ bytes: limits.headBytes, fields: limits.headFields + MORE_FIELDS });
    this.#parts = {
      list,
      reader: new RequestReader(list, true),
      frameLimits: { ...FRAME_LIMITS, blockBytes: Math.max(FRAME_LIMITS.blockBytes, 2 * limits.headBytes) },
      random,
    };
  }

  accept(socket: TLSSocket): ClientConnection {
    return new Http2Connection(socket, this.#options, this.#limits, this.#sweep, this.#parts);
  }
}
