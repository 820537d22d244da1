import { emptyBody } from '../body.ts';
import { cutting } from '../codec/field-kind.ts';
import { writeLastChunk } from '../codec/http1/chunk-writer.ts';
import { fieldLines } from '../codec/http1/field-line.ts';
import type { ResponseParser } from '../codec/http1/response-parser.ts';
import type { Body, RawHeaders, Sink } from '../exchange.ts';
import type { Failure } from '../failure.ts';
import { passableTrailers } from '../hop-by-hop.ts';
import { gathered } from '../outgoing.ts';
import type { Limits } from '../protocol.ts';
import type { PushedBody } from '../pushed-body.ts';
import { fieldValue, tokensOf } from '../raw-headers.ts';
import { NOWHERE, type Sweep, type Timed } from '../sweep.ts';
import { TableHead } from '../table-head.ts';
import { failureOf } from './classify.ts';
import type { ConnectionUser, UpstreamConnection } from './connection.ts';
import { isIdempotent } from './framing.ts';
import type { Pool } from './pool.ts';
import { writeRequestHead } from './request-head.ts';
import type { Call, Receiver, UpstreamRequest } from './upstreams.ts';

/**
 * One request to an upstream, and the sink that its body flows into. Both ways in one file, since a request may be sent
 * again only by what has come back, and a connection be kept only by what was sent.
 */
export class Http1Call implements Call, ConnectionUser, Sink, Timed {
  place = NOWHERE;
  readonly #request: UpstreamRequest;
  readonly #receiver: Receiver;
  readonly #pool: Pool;
  readonly #limits: Limits;
  readonly #sweep: Sweep;
  #connection: UpstreamConnection | null = null;
  #state: State = WAITING;
  /** What flows to the upstream: the body of the request, after 101 the bytes of the client. */
  #source: Body;
  #chunked: boolean;
  /** Bytes of the source have been asked for. */
  #begun = false;
  /** The source has ended, and all of it has been written. */
  #sent = false;
  #informed = false;
  /** What comes from the upstream, while it is under way. */
  #body: PushedBody | null = null;
  #connectDueMs = NEVER;
  #responseDueMs = NEVER;
  #stallDueMs = NEVER;

  constructor(request: UpstreamRequest, receiver: Receiver, pool: Pool, limits: Limits, sweep: Sweep) {
    this.#request = request;
    this.#receiver = receiver;
    this.#pool = pool;
    this.#limits = limits;
    this.#sweep = sweep;
    this.#source = request.body;
    this.#chunked = request.body.length === null;
  }

  start(): void {
    this.#sweep.add(this);
    const { upstream } = this.#request;
    this.#ask(this.#pool.take(upstream, this) ?? this.#pool.open(upstream, this));
  }

  abort(): void {
    this.#leave();
    this.#source.cancel();
    this.#body?.fail({ kind: 'client-gone', message: 'nobody waits for the response' });
  }

  // What goes to the upstream.

  #ask(connection: UpstreamConnection): void {
    this.#connection = connection;
    const { method, body } = this.#request;
    connection.expect(method);
    if (connection.phase !== 'open') this.#connectDueMs = performance.now() + this.#connectMs;
    if (body.length === 0) {
      this.#sent = true;
      connection.out.wrote(writeRequestHead(gathered, this.#request));
      this.#awaitResponse();
    } else if (connection.phase === 'open') this.#sendWithBody(connection);
  }

  #sendWithBody(connection: UpstreamConnection): void {
    this.#begun = true;
    // The upstream may have something to say before the body comes, so the head does not wait for it longer than this turn.
    connection.out.wrote(writeRequestHead(gathered, this.#request));
    this.#source.flow(this);
  }

  write(chunk: Buffer): boolean {
    const connection = this.#connection;
    if (connection === null || !connection.writable) return false;
    if (chunk.length === 0) return true;
    const { out, socket } = connection;
    if (this.#chunked) out.writeChunk(chunk);
    else out.write(chunk, true);
    if (!socket.writableNeedDrain) return true;
    if (this.#stallDueMs === NEVER) this.#stallDueMs = performance.now() + this.#limits.bodyIdleMs;
    return false;
  }

  end(trailers: RawHeaders): void {
    const connection = this.#connection;
    if (connection === null) return;
    this.#sent = true;
    if (this.#state === TUNNEL) {
      connection.out.end();
      return;
    }
    if (this.#chunked) connection.out.write(writeLastChunk(fieldLines(passableTrailers(trailers))));
    if (this.#state === WAITING) this.#awaitResponse();
  }

  fail(failure: Failure): void {
    this.#giveUp(failure);
  }

  drained(): void {
    this.#stallDueMs = NEVER;
    if (!this.#sent) this.#source.resume();
  }

  // What comes from the upstream.

  opened(): void {
    this.#connectDueMs = NEVER;
    const connection = this.#connection;
    if (this.#state !== WAITING || connection === null) return;
    if (this.#sent) this.#awaitResponse();
    // Not before: while there is no connection, the whole of the request can still go elsewhere.
    else this.#sendWithBody(connection);
  }

  informed(head: ResponseParser): void {
    this.#informed = true;
    if (this.#sent) this.#awaitResponse();
    this.#receiver.inform({ status: head.status, headers: head.fields.toRawHeaders(ALL) });
  }

  switched(head: ResponseParser): void {
    const connection = this.#connection;
    if (connection === null) return;
    const headers = head.fields.toRawHeaders(ALL);
    const chosen = fieldValue(headers, 'upgrade')?.toLowerCase() ?? '';
    const asked = tokensOf(['upgrade', this.#request.upgrade ?? ''], 'upgrade');
    if (!asked.includes(chosen)) {
      this.malformed('switched to a protocol that nobody asked for');
      return;
    }
    this.#state = TUNNEL;
    this.#responseDueMs = NEVER;
    this.#sent = false;
    this.#chunked = false;
    const fromUpstream = connection.becomeTunnel();
    this.#body = fromUpstream;
    this.#source = this.#receiver.upgrade({ status: 101, headers }, fromUpstream);
    this.#source.flow(this);
  }

  responded(head: ResponseParser, body: PushedBody | null): void {
    this.#state = RESPONDING;
    this.#responseDueMs = NEVER;
    this.#body = body;
    this.#receiver.respond(new TableHead(head.status, head.fields), body ?? emptyBody);
  }

  completed(reusable: boolean): void {
    const connection = this.#connection;
    if (connection === null) return;
    this.#body = null;
    // A response may be over before the request has been sent whole. Then the connection must not be used again.
    if (reusable && this.#sent) {
      this.#connection = null;
      this.#state = OVER;
      this.#sweep.delete(this);
      this.#pool.put(this.#request.upstream, connection);
      return;
    }
    this.#leave();
    this.#source.cancel();
  }

  malformed(message: string): void {
    this.#giveUp({ kind: 'protocol', message });
  }

  closed(error: Error | null): void {
    const connection = this.#connection;
    if (connection === null) return;
    const failure = failureOf(error, connection.phase);
    if (failure.kind === 'reset' && this.#maySendAgain(connection)) {
      this.#responseDueMs = NEVER;
      this.#ask(this.#pool.open(this.#request.upstream, this));
      return;
    }
    this.#giveUp({ ...failure, resendable: this.#isResendable(connection) });
  }

  // The clock.

  tick(nowMs: number): void {
    const { bodyIdleMs } = this.#limits;
    if (nowMs >= this.#connectDueMs) {
      const message = `no connection within ${this.#connectMs} ms`;
      this.#giveUp({ kind: 'connect-timeout', message, resendable: true });
    } else if (nowMs >= this.#responseDueMs) {
      this.#giveUp({ kind: 'response-timeout', message: `no response within ${this.#responseMs} ms` });
    } else if (nowMs >= this.#stallDueMs) {
      this.#giveUp({ kind: 'stalled', message: `took no data for ${bodyIdleMs} ms` });
    }
  }

  /** A connection that is not open yet has a limit of its own. */
  #awaitResponse(): void {
    if (this.#connection?.phase !== 'open') return;
    this.#responseDueMs = performance.now() + this.#responseMs;
  }

  get #connectMs(): number {
    return this.#request.upstream.timeouts?.connectMs ?? this.#limits.upstreamConnectMs;
  }

  get #responseMs(): number {
    return this.#request.upstream.timeouts?.responseMs ?? this.#limits.upstreamResponseMs;
  }

  /** A kept connection may have been closed by the upstream at the very moment of its use: once, ask again on a new one. */
  #maySendAgain(connection: UpstreamConnection): boolean {
    return connection.reused && this.#isRepeatable(connection);
  }

  /** See {@link Failure}. */
  #isResendable(connection: UpstreamConnection): boolean {
    if (connection.phase !== 'open') return this.#state === WAITING && !this.#begun;
    return this.#isRepeatable(connection);
  }

  /** Nothing of a response has come, and asking twice does no harm. */
  #isRepeatable(connection: UpstreamConnection): boolean {
    const { method, body } = this.#request;
    return (
      this.#state === WAITING &&
      connection.silent &&
      !this.#informed &&
      body.length === 0 &&
      isIdempotent(method)
    );
  }

  /** There is no response, or after its beginning no complete one. */
  #giveUp(failure: Failure): void {
    const state = this.#state;
    const body = this.#body;
    this.#leave();
    if (failure.resendable !== true) this.#source.cancel();
    const cut = state === RESPONDING && body !== null && !body.over;
    if (state === WAITING || cut) this.#receiver.fail(failure);
    body?.fail(failure);
  }

  /** Closes the connection; nothing more comes of it. */
  #leave(): void {
    const connection = this.#connection;
    this.#connection = null;
    this.#state = OVER;
    this.#sweep.delete(this);
    connection?.destroy();
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
