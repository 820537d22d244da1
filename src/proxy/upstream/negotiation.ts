import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Upstream } from '../../routing/route.ts';
import type { Failure } from '../failure.ts';
import type { Limits } from '../protocol.ts';
import { NOWHERE, type Sweep, type Timed } from '../sweep.ts';
import { failureOf, type Phase } from './classify.ts';
import type { Dialer } from './dialer.ts';
import type { Http1Upstreams } from './http1-upstreams.ts';
import type { Http2Upstreams } from './http2/http2-upstreams.ts';
import { timeoutsOf } from './timeouts.ts';
import type { Call, Receiver, UpstreamRequest, Upstreams } from './upstreams.ts';

/** How long it holds that an upstream has chosen HTTP/1.1, in milliseconds. */
const HOLDS_MS = 60_000;

/** TLS upstreams that are offered both protocols, and asked in the one that they choose (RFC 7301). */
export class NegotiatedUpstreams implements Upstreams {
  readonly #limits: Limits;
  readonly #sweep: Sweep;
  readonly #dialer: Dialer;
  readonly #http1: Http1Upstreams;
  readonly #http2: Http2Upstreams;
  readonly #underWay = new Map<string, Negotiation>();
  /** Until when HTTP/1.1 is not to be questioned, as `performance.now()` tells. */
  readonly #http1UntilMs = new Map<string, number>();

  constructor(limits: Limits, sweep: Sweep, dialer: Dialer, http1: Http1Upstreams, http2: Http2Upstreams) {
    this.#limits = limits;
    this.#sweep = sweep;
    this.#dialer = dialer;
    this.#http1 = http1;
    this.#http2 = http2;
  }

  send(request: UpstreamRequest, receiver: Receiver): Call {
    const { upstream } = request;
    if (this.#http2.has(upstream)) return this.#http2.send(request, receiver);
    const key = this.#dialer.keyOf(upstream);
    if ((this.#http1UntilMs.get(key) ?? 0) > performance.now()) return this.#http1.send(request, receiver);
    const call = new WaitingCall(request, receiver);
    let negotiation = this.#underWay.get(key);
    if (negotiation === undefined) {
      negotiation = this.#negotiate(upstream, key);
      this.#underWay.set(key, negotiation);
    }
    negotiation.waiting.add(call);
    call.onAbort = () => this.#underWay.get(key)?.waiting.delete(call);
    return call;
  }

  close(): void {
    for (const { socket } of this.#underWay.values()) socket.destroy();
  }

  #negotiate(upstream: Upstream, key: string): Negotiation {
    const socket = this.#dialer.dial(upstream, BOTH, null);
    const negotiation = new Negotiation(socket, timeoutsOf(upstream, this.#limits).connectMs);
    this.#sweep.add(negotiation);
    const over = () => {
      this.#sweep.delete(negotiation);
      this.#underWay.delete(key);
      socket.removeListener('close', onClose);
    };
    const onClose = () => {
      over();
      const failure = negotiation.failure();
      for (const call of [...negotiation.waiting]) call.fail(failure);
    };
    socket.once('close', onClose);
    socket.once('secureConnect', () => {
      over();
      if (socket instanceof TLSSocket) this.#settle(upstream, key, socket, negotiation.waiting);
    });
    return negotiation;
  }

  #settle(upstream: Upstream, key: string, socket: TLSSocket, waiting: ReadonlySet<WaitingCall>): void {
    const chosen = socket.alpnProtocol === 'h2' ? this.#http2 : this.#http1;
    if (chosen === this.#http1) this.#http1UntilMs.set(key, performance.now() + HOLDS_MS);
    else this.#http1UntilMs.delete(key);
    chosen.adopt(upstream, socket);
    for (const call of waiting) call.goOn(chosen);
  }
}

const BOTH: readonly string[] = ['h2', 'http/1.1'];

/** A socket on its way to an upstream, and the calls that wait for what comes of it. */
class Negotiation implements Timed {
  place = NOWHERE;
  readonly socket: Socket;
  readonly waiting = new Set<WaitingCall>();
  readonly #connectMs: number;
  readonly #dueMs: number;
  #phase: Phase = 'connecting';
  #error: Error | null = null;
  #late = false;

  constructor(socket: Socket, connectMs: number) {
    this.socket = socket;
    this.#connectMs = connectMs;
    this.#dueMs = performance.now() + connectMs;
    socket.once('connect', () => {
      this.#phase = 'securing';
    });
    socket.on('error', (error) => {
      this.#error ??= error;
    });
  }

  failure(): Failure {
    if (!this.#late) return failureOf(this.#error, this.#phase);
    return { kind: 'connect-timeout', message: `no connection within ${this.#connectMs} ms` };
  }

  tick(nowMs: number): void {
    if (nowMs < this.#dueMs) return;
    this.#late = true;
    this.socket.destroy();
  }
}

/** A call of which nobody knows yet how it will be made. */
class WaitingCall implements Call {
  onAbort: () => void = () => {};
  readonly #request: UpstreamRequest;
  readonly #receiver: Receiver;
  #call: Call | null = null;

  constructor(request: UpstreamRequest, receiver: Receiver) {
    this.#request = request;
    this.#receiver = receiver;
  }

  goOn(upstreams: Upstreams): void {
    this.#call = upstreams.send(this.#request, this.#receiver);
  }

  /** Nothing of the request has been sent, so that another upstream may be asked. */
  fail(failure: Failure): void {
    this.#receiver.fail({ ...failure, resendable: true });
  }

  abort(): void {
    if (this.#call !== null) {
      this.#call.abort();
      return;
    }
    this.onAbort();
    this.#request.body.cancel();
  }
}
