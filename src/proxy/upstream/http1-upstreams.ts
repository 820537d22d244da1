import type { TLSSocket } from 'node:tls';
import type { Upstream } from '../../routing/route.ts';
import type { Limits } from '../protocol.ts';
import type { Sweep } from '../sweep.ts';
import { Http1Call } from './call.ts';
import type { Dialer } from './dialer.ts';
import { Pool } from './pool.ts';
import type { Call, Receiver, UpstreamRequest, Upstreams } from './upstreams.ts';

/** Upstreams over HTTP/1.1. */
export class Http1Upstreams implements Upstreams {
  readonly #limits: Limits;
  readonly #sweep: Sweep;
  readonly #pool: Pool;

  constructor(limits: Limits, sweep: Sweep, dialer: Dialer) {
    this.#limits = limits;
    this.#sweep = sweep;
    this.#pool = new Pool(limits, sweep, dialer);
  }

  send(request: UpstreamRequest, receiver: Receiver): Call {
    const call = new Http1Call(request, receiver, this.#pool, this.#limits, this.#sweep);
    call.start();
    return call;
  }

  /** Takes over a socket on which the upstream has chosen HTTP/1.1. */
  adopt(upstream: Upstream, socket: TLSSocket): void {
    this.#pool.adopt(upstream, socket);
  }

  close(): void {
    this.#pool.close();
  }
}
