import type { TLSSocket } from 'node:tls';
import type { Upstream } from '../../../routing/route.ts';
import type { Limits } from '../../protocol.ts';
import type { Sweep } from '../../sweep.ts';
import type { Dialer } from '../dialer.ts';
import type { Call, Receiver, UpstreamRequest, Upstreams } from '../upstreams.ts';
import { Http2Call } from './call.ts';
import { Http2Pool } from './pool.ts';
import { asksForWebSocket } from './web-socket.ts';

/** Upstreams over HTTP/2 (RFC 9113). */
export class Http2Upstreams implements Upstreams {
  readonly #limits: Limits;
  readonly #sweep: Sweep;
  readonly #dialer: Dialer;
  readonly #pools = new Map<string, Http2Pool>();

  constructor(limits: Limits, sweep: Sweep, dialer: Dialer) {
    this.#limits = limits;
    this.#sweep = sweep;
    this.#dialer = dialer;
  }

  send(request: UpstreamRequest, receiver: Receiver): Call {
    // Who cannot switch answers as if it had not been asked to (RFC 9110 7.8), and HTTP/2 can switch to WebSocket only.
    const ignored = request.upgrade !== null && !asksForWebSocket(request);
    const pool = this.#poolOf(request.upstream);
    const sent = ignored ? withoutUpgrade(request) : request;
    const call = new Http2Call(sent, receiver, pool, this.#limits, this.#sweep);
    call.start();
    return call;
  }

  /** Whether there are connections to an upstream. */
  has(upstream: Upstream): boolean {
    return this.#pools.has(this.#dialer.keyOf(upstream));
  }

  /** Takes over a socket on which the upstream has chosen HTTP/2. */
  adopt(upstream: Upstream, socket: TLSSocket): void {
    this.#poolOf(upstream).adopt(socket);
  }

  close(): void {
    for (const pool of this.#pools.values()) pool.close();
  }

  #poolOf(upstream: Upstream): Http2Pool {
    const key = this.#dialer.keyOf(upstream);
    let pool = this.#pools.get(key);
    if (pool === undefined) {
      pool = new Http2Pool(upstream, this.#limits, this.#dialer, this.#sweep, () => this.#pools.delete(key));
      this.#pools.set(key, pool);
    }
    return pool;
  }
}

function withoutUpgrade({ upstream, method, path, headers, passed, body }: UpstreamRequest): UpstreamRequest {
  return { upstream, method, path, headers, passed, body, upgrade: null };
}
