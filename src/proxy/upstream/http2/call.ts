import type { UpstreamTimeouts } from '../../../routing/route.ts';
import { emptyBody } from '../../body.ts';
import { cutting } from '../../codec/field-kind.ts';
import type { FieldTable } from '../../codec/field-table.ts';
import { H2_ERROR } from '../../codec/http2/protocol.ts';
import type { Body, RawHeaders, Sink } from '../../exchange.ts';
import type { Failure } from '../../failure.ts';
import { passableTrailers } from '../../hop-by-hop.ts';
import { isGrpcRequest } from '../../long-lived.ts';
import type { Limits } from '../../protocol.ts';
import type { PushedBody } from '../../pushed-body.ts';
import { NOWHERE, type Sweep, type Timed } from '../../sweep.ts';
import { TableHead } from '../../table-head.ts';
import { isIdempotent } from '../framing.ts';
import { timeoutsOf } from '../timeouts.ts';
import type { Call, Receiver, UpstreamRequest } from '../upstreams.ts';
import type { Http2Connection } from './connection.ts';
import { Replay } from './replay.ts';
import type { Http2Stream, Loss, StreamUser } from './stream.ts';
import { switchedHeaders } from './web-socket.ts';

/** Where a call gets its connection. */
export interface Http2Line {
  /** Calls `begin` as soon as a connection has room. */
  queue(call: Http2Call): void;
  leave(call: Http2Call): void;
}

/** How often a request is sent, at most, that an upstream with too much to do refuses; it has to be told once. */
const MOST_REFUSALS = 3;

/** The same where a connection was closed before it. Each of them serves others, so that there is an end to it. */
const MOST_CONNECTIONS = 10;

/** One request to an upstream over HTTP/2, and the sink that its body flows into. */
export class Http2Call implements Call, StreamUser, Sink, Timed {
  /** What the sink is given is copied before `write` returns. */
  readonly consumes = true;
  place = NOWHERE;
  readonly #request: UpstreamRequest;
  readonly #receiver: Receiver;
  readonly #line: Http2Line;
  readonly #bodyIdleMs: number;
  readonly #timeouts: UpstreamTimeouts;
  readonly #sweep: Sweep;
  /** Null while it waits for a connection, and when it is over. */
  #stream: Http2Stream | null = null;
  #connection: Http2Connection | null = null;
  #state: State = WAITING;
  /** What flows to the upstream: the body of the request, after an upgrade the bytes of the client. */
  #source: Body;
  readonly #replay = new Replay();
  #attempts = 0;
  #informed = false;
  /** What comes from the upstream, while it is under way. */
  #body: PushedBody | null = null;
  #connectDueMs: number;
  #responseDueMs = NEVER;
  #stallDueMs = NEVER;
  #askedMs = 0;

  constructor(request: UpstreamRequest, receiver: Receiver, line: Http2Line, limits: Limits, sweep: Sweep) {
    this.#request = request;
    this.#receiver = receiver;
    this.#line = line;
    this.#bodyIdleMs = limits.bodyIdleMs;
    this.#timeouts = timeoutsOf(request.upstream, limits);
    this.#sweep = sweep;
    this.#source = request.body;
    this.#connectDueMs = performance.now() + this.#timeouts.connectMs;
  }

  start(): void {
    this.#sweep.add(this);
    this.#line.queue(this);
  }

  abort(): void {
    this.#leave();
    this.#source.cancel();
    this.#body?.fail({ kind: 'client-gone', message: 'nobody waits for the response' });
  }

  // For the line.

  /** There is a connection with room. */
  begin(connection: Http2Connection): void {
    const request = this.#request;
    if (request.upgrade !== null && !connection.peer.enableConnectProtocol) {
      const message = 'the upstream takes no WebSocket over HTTP/2 (RFC 8441); http:// or https:// would do';
      this.#giveUp({ kind: 'unsupported', message });
      return;
    }
    const stream = connection.request(request, this);
    if (stream === null) {
      this.#leave();
      this.#source.cancel();
      // What the upstream would say if it could be asked (RFC 6585 5).
      this.#receiver.respond({ status: 431, headers: ['Content-Length', '0'] }, emptyBody);
      return;
    }
    this.#connectDueMs = NEVER;
    this.#stream = stream;
    this.#connection = connection;
    this.#askedMs = performance.now();
    this.#attempts += 1;
    if (request.upgrade !== null || request.body.length === 0) {
      this.#awaitResponse();
    } else if (this.#attempts === 1) {
      request.body.flow(this);
    } else {
      this.#sendAgain(stream);
    }
  }

  /** There is none, and none to be had. */
  refused(failure: Failure): void {
    this.#giveUp(failure);
  }

  // What goes to the upstream.

  write(chunk: Buffer): boolean {
    if (this.#state === OVER) return false;
    const stream = this.#stream;
    if (this.#state === WAITING) this.#replay.keep(chunk, stream === null);
    // Between two connections: it goes out with the rest.
    if (stream === null) return false;
    if (stream.write(chunk)) return true;
    if (this.#stallDueMs === NEVER) this.#stallDueMs = performance.now() + this.#bodyIdleMs;
    return false;
  }

  end(trailers: RawHeaders): void {
    if (this.#state === OVER) return;
    const passed = this.#state === TUNNEL ? [] : passableTrailers(trailers);
    this.#replay.trailers = passed;
    this.#stream?.end(passed);
    if (this.#stallDueMs === NEVER) this.#awaitResponse();
  }

  fail(failure: Failure): void {
    this.#giveUp(failure);
  }

  drained(): void {
    this.#stallDueMs = NEVER;
    if (this.#replay.trailers === null) this.#source.resume();
    else this.#awaitResponse();
  }

  // What comes from the upstream.

  informed(status: number, fields: FieldTable): void {
    this.#informed = true;
    if (this.#responseDueMs !== NEVER) this.#awaitResponse();
    this.#receiver.inform({ status, headers: fields.toRawHeaders(ALL) });
  }

  responded(status: number, fields: FieldTable, body: PushedBody | null): void {
    this.#responseDueMs = NEVER;
    this.#replay.forget();
    this.#body = body;
    const { upgrade } = this.#request;
    if (upgrade !== null && status < 300 && body !== null) {
      this.#state = TUNNEL;
      this.#stream?.becomeTunnel();
      const headers = switchedHeaders(this.#request, fields.toRawHeaders(ALL));
      this.#source = this.#receiver.upgrade({ status: 101, headers }, body);
      this.#source.flow(this);
      return;
    }
    this.#state = RESPONDING;
    this.#receiver.respond(new TableHead(status, fields), body ?? emptyBody);
    // The request to switch is over, and its stream waits for nothing more.
    if (upgrade !== null) this.#stream?.end([]);
  }

  completed(): void {
    const sent = this.#replay.trailers !== null || this.#request.body.length === 0;
    this.#part();
    if (!sent) this.#source.cancel();
  }

  unwanted(): void {
    this.#part();
    this.#source.cancel();
  }

  lost(failure: Failure, how: Loss): void {
    const connection = this.#connection;
    this.#stream = null;
    if (this.#maySendAgain(connection, failure, how)) {
      this.#responseDueMs = NEVER;
      this.#stallDueMs = NEVER;
      this.#connectDueMs = performance.now() + this.#timeouts.connectMs;
      this.#line.queue(this);
      return;
    }
    this.#giveUp(failure);
  }

  // The clock.

  tick(nowMs: number): void {
    const { connectMs, responseMs } = this.#timeouts;
    if (nowMs >= this.#connectDueMs) {
      this.#giveUp({ kind: 'connect-timeout', message: `no connection within ${connectMs} ms` });
    } else if (nowMs >= this.#responseDueMs) {
      const connection = this.#connection;
      if (connection !== null && connection.silentSinceMs < this.#askedMs) connection.probe();
      this.#giveUp({ kind: 'response-timeout', message: `no response within ${responseMs} ms` });
    } else if (nowMs >= this.#stallDueMs) {
      this.#giveUp({ kind: 'stalled', message: `took no data for ${this.#bodyIdleMs} ms` });
    }
  }

  /** How long the response of a gRPC call may take is for the client to say, in its `grpc-timeout`. */
  #awaitResponse(): void {
    if (this.#state !== WAITING || this.#stream === null || isGrpcRequest(this.#request)) return;
    this.#responseDueMs = performance.now() + this.#timeouts.responseMs;
  }

  /**
   * What the upstream has refused to look at can be sent again as long as all of it is still there. What was on a connection
   * that broke, once, where asking twice does no harm.
   */
  #maySendAgain(connection: Http2Connection | null, { kind }: Failure, how: Loss): boolean {
    if (this.#state !== WAITING || this.#informed || !this.#replay.whole) return false;
    if (how === 'refused') return this.#attempts < MOST_REFUSALS;
    if (how === 'left') return this.#attempts < MOST_CONNECTIONS;
    const { method, body } = this.#request;
    const broke = kind === 'reset' && connection !== null && connection.proven && !connection.socket.writable;
    return broke && this.#attempts === 1 && body.length === 0 && isIdempotent(method);
  }

  #sendAgain(stream: Http2Stream): void {
    const { chunks, trailers } = this.#replay;
    let more = true;
    for (const chunk of chunks) more = stream.write(chunk);
    if (trailers !== null) {
      stream.end(trailers);
      this.#awaitResponse();
    } else if (more) {
      this.#source.resume();
    } else {
      this.#stallDueMs = performance.now() + this.#bodyIdleMs;
    }
  }

  /** There is no response, or after its beginning no complete one. */
  #giveUp(failure: Failure): void {
    const state = this.#state;
    const body = this.#body;
    const resendable = this.#isResendable(failure);
    this.#leave();
    if (!resendable) this.#source.cancel();
    const cut = state === RESPONDING && body !== null && !body.over;
    if (state === WAITING || cut) this.#receiver.fail({ ...failure, resendable });
    body?.fail(failure);
  }

  /** See {@link Failure}. */
  #isResendable({ kind }: Failure): boolean {
    if (this.#state !== WAITING || this.#informed) return false;
    if (this.#attempts === 0) return true;
    const { method, body } = this.#request;
    return kind === 'reset' && body.length === 0 && isIdempotent(method);
  }

  /** Closes the stream; nothing more comes of it. */
  #leave(): void {
    const stream = this.#stream;
    this.#part();
    stream?.reset(H2_ERROR.cancel);
  }

  /** Has no more to do with stream and line. */
  #part(): void {
    if (this.#stream === null && this.#state === WAITING) this.#line.leave(this);
    this.#stream = null;
    this.#connection = null;
    this.#state = OVER;
    this.#replay.forget();
    this.#sweep.delete(this);
  }
}

/** Only what is never passed on in any case. */
const ALL = cutting();

const NEVER = Number.POSITIVE_INFINITY;

type State = typeof WAITING | typeof RESPONDING | typeof TUNNEL | typeof OVER;
/** There is no final response yet. */
const WAITING = 0;
const RESPONDING = 1;
const TUNNEL = 2;
const OVER = 3;
