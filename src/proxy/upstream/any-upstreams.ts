import { isGrpcRequest } from '../long-lived.ts';
import type { Limits } from '../protocol.ts';
import type { Sweep } from '../sweep.ts';
import { Dialer } from './dialer.ts';
import { Http1Upstreams } from './http1-upstreams.ts';
import { Http2Upstreams } from './http2/http2-upstreams.ts';
import { NegotiatedUpstreams } from './negotiation.ts';
import type { Call, Receiver, UpstreamRequest, Upstreams } from './upstreams.ts';

/** Upstreams of every kind, each asked in the protocol that suits it and the request. */
export class AnyUpstreams implements Upstreams {
  readonly #http1: Http1Upstreams;
  readonly #http2: Http2Upstreams;
  readonly #negotiated: NegotiatedUpstreams;

  constructor(limits: Limits, sweep: Sweep) {
    const dialer = new Dialer();
    this.#http1 = new Http1Upstreams(limits, sweep, dialer);
    this.#http2 = new Http2Upstreams(limits, sweep, dialer);
    this.#negotiated = new NegotiatedUpstreams(limits, sweep, dialer, this.#http1, this.#http2);
  }

  send(request: UpstreamRequest, receiver: Receiver): Call {
    return this.#for(request).send(request, receiver);
  }

  close(): void {
    this.#negotiated.close();
    this.#http1.close();
    this.#http2.close();
  }

  /** HTTP/2 where it is needed: see docs/decisions/0010. */
  #for(request: UpstreamRequest): Upstreams {
    const { scheme } = request.upstream;
    if (scheme === 'h2c') return this.#http2;
    return scheme === 'https' && isGrpcRequest(request) ? this.#negotiated : this.#http1;
  }
}
