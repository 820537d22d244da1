import type { Limits } from '../protocol.ts';
import type { Sweep } from '../sweep.ts';
import { Dialer } from './dialer.ts';
import { Http1Upstreams } from './http1-upstreams.ts';
import { Http2Upstreams } from './http2/http2-upstreams.ts';
import type { Call, Receiver, UpstreamRequest, Upstreams } from './upstreams.ts';

/** Upstreams of every kind, each asked in the protocol that it speaks. */
export class AnyUpstreams implements Upstreams {
  readonly #http1: Http1Upstreams;
  readonly #http2: Http2Upstreams;

  constructor(limits: Limits, sweep: Sweep) {
    const dialer = new Dialer();
    this.#http1 = new Http1Upstreams(limits, sweep, dialer);
    this.#http2 = new Http2Upstreams(limits, sweep, dialer);
  }

  send(request: UpstreamRequest, receiver: Receiver): Call {
    const upstreams = request.upstream.scheme === 'h2c' ? this.#http2 : this.#http1;
    return upstreams.send(request, receiver);
  }

  close(): void {
    this.#http1.close();
    this.#http2.close();
  }
}
