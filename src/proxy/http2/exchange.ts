import { emptyBody } from '../body.ts';
import { FrameBuffer } from '../codec/http2/frame-buffer.ts';
import type { Priority } from '../codec/http2/priority.ts';
import { H2_ERROR, type H2ErrorCode } from '../codec/http2/protocol.ts';
import { SendWindow } from '../codec/http2/window.ts';
import type { Body, Exchange, RawHeaders, ResponseHead, Sink } from '../exchange.ts';
import { passableTrailers } from '../hop-by-hop.ts';
import { isLongLived } from '../long-lived.ts';
import { filterFields } from '../raw-headers.ts';
import { FrameTracker, GOING_AWAY, isWebSocket } from '../websocket.ts';
import type { Output, Sender } from './output.ts';
import type { Http2Request } from './request.ts';
import type { Upload } from './upload.ts';

/** The connection of an exchange. */
export interface ExchangeOwner {
  readonly output: Output;
  /** Longest time that a client may take nothing, in milliseconds. */
  readonly stallMs: number;
  /** The stream is closed. `reset`: by RST_STREAM from this side. */
  streamClosed(exchange: Http2Exchange, reset: boolean): void;
}

/** One stream of a connection, and the sink that its response flows into. */
export class Http2Exchange implements Exchange, Sink, Sender {
  readonly id: number;
  readonly request: Http2Request;
  onClose: (complete: boolean) => void = ignore;
  /** An upgraded connection, an event stream or a call of gRPC: lasts as long as both sides like. */
  longLived = false;
  /** What the sink is given is written or copied before `write` returns. */
  readonly consumes = true;
  /** What the client sends; null when the head was all. */
  readonly upload: Upload | null;
  readonly window: SendWindow;
  readonly unsent = new FrameBuffer();
  priority: Priority | null;
  scheduled = false;
  readonly #owner: ExchangeOwner;
  #state: State = WAITING;
  #source: Body | null = null;
  /** The trailers, when the body has ended and not all of it has been sent. */
  #ending: RawHeaders | null = null;
  #frames: FrameTracker | null = null;
  /** When some of what is unsent has to be taken at the latest. */
  #stallDueMs = Number.POSITIVE_INFINITY;

  constructor(
    owner: ExchangeOwner,
    id: number,
    request: Http2Request,
    upload: Upload | null,
    windowBytes: number,
    priority: Priority | null,
  ) {
    this.#owner = owner;
    this.id = id;
    this.request = request;
    this.upload = upload;
    this.window = new SendWindow(windowBytes);
    this.priority = priority;
  }

  /** Of an upgrade everything that the client sends comes after the answer. */
  get body(): Body {
    return this.upload === null || this.request.upgrade !== null ? emptyBody : this.upload.body;
  }

  inform(head: ResponseHead): void {
    if (this.#state === WAITING) this.#owner.output.head(this.id, head, false, false);
  }

  respond(head: ResponseHead, body: Body): void {
    if (this.#state !== WAITING) {
      body.cancel();
      return;
    }
    const { method, upgrade } = this.request;
    const { status } = head;
    this.#state = RESPONDING;
    // Whoever asked for a tunnel would take it for one (RFC 8441 4).
    if (upgrade !== null && status >= 200 && status < 300) {
      body.cancel();
      this.#owner.output.head(this.id, NO_TUNNEL, false, true);
      this.#complete();
      return;
    }
    this.longLived = isLongLived(head);
    const bodiless = method === 'HEAD' || status === 204 || status === 304;
    if (bodiless || body.length === 0) {
      body.cancel();
      this.#owner.output.head(this.id, head, false, true);
      this.#complete();
      return;
    }
    this.#owner.output.head(this.id, head, body.length === null, false);
    this.#source = body;
    body.flow(this);
  }

  /** The answer to an extended CONNECT is 200, and has nothing of HTTP/1.1's handshake (RFC 8441 5). */
  upgrade(head: ResponseHead, fromUpstream: Body): Body {
    const { upload } = this;
    if (this.#state !== WAITING || upload === null) {
      fromUpstream.cancel();
      return emptyBody;
    }
    this.#state = TUNNEL;
    this.longLived = true;
    if (isWebSocket(head)) this.#frames = new FrameTracker();
    const headers = filterFields(
      head.headers,
      (key) => key !== 'sec-websocket-accept' && key !== 'content-length',
    );
    this.#owner.output.head(this.id, { status: 200, headers }, false, false);
    this.#source = fromUpstream;
    fromUpstream.flow(this);
    return upload.body;
  }

  abort(): void {
    this.reset(H2_ERROR.internalError);
  }

  /** Ends what has run too long; a WebSocket is told why. */
  cut(): void {
    const { output } = this.#owner;
    if (this.#frames?.betweenFrames === true && this.unsent.length === 0) {
      output.data(this, GOING_AWAY);
      if (this.unsent.length === 0) output.finish(this.id, NONE);
    }
    this.reset(H2_ERROR.cancel);
  }

  /** Ends the stream from this side. */
  reset(error: H2ErrorCode): void {
    if (this.#state === OVER) return;
    this.#owner.output.reset(this.id, error);
    this.#owner.streamClosed(this, true);
    this.closed();
  }

  // The response.

  write(chunk: Buffer): boolean {
    if (this.#state !== RESPONDING && this.#state !== TUNNEL) return false;
    if (chunk.length === 0) return true;
    this.#frames?.push(chunk);
    const more = this.#owner.output.data(this, chunk);
    if (!more) this.#watch();
    return more;
  }

  end(trailers: RawHeaders): void {
    if (this.#state !== RESPONDING && this.#state !== TUNNEL) return;
    this.#source = null;
    if (this.unsent.length > 0) this.#ending = trailers;
    else this.#finish(trailers);
  }

  fail(): void {
    this.#source = null;
    this.abort();
  }

  // For the output.

  advanced(): void {
    if (this.unsent.length > 0) {
      this.#stallDueMs = Number.POSITIVE_INFINITY;
      this.#watch();
      return;
    }
    this.unsent.keep();
    this.#stallDueMs = Number.POSITIVE_INFINITY;
    if (this.#ending !== null) this.#finish(this.#ending);
    else this.#source?.resume();
  }

  // For the connection.

  /** The client has said all it had to say. */
  uploadEnded(): void {
    if (this.#state === SENT) this.#over(false);
  }

  /** The stream is gone. */
  closed(): void {
    const state = this.#state;
    if (state === OVER) return;
    this.#state = OVER;
    const source = this.#source;
    this.#source = null;
    this.#owner.output.forget(this);
    source?.cancel();
    this.onClose(state === TUNNEL || state === SENT);
    this.upload?.close();
    this.request.release();
  }

  tick(nowMs: number): void {
    if (nowMs >= this.#stallDueMs) this.reset(H2_ERROR.cancel);
    else if (this.upload !== null && nowMs >= this.upload.dueMs) this.upload.expire();
  }

  /** Whether the stream's own window is what keeps it: for others the connection is to blame. */
  #watch(): void {
    if (this.window.available > 0 || this.#stallDueMs !== Number.POSITIVE_INFINITY) return;
    this.#stallDueMs = performance.now() + this.#owner.stallMs;
  }

  #finish(trailers: RawHeaders): void {
    this.#ending = null;
    this.#owner.output.finish(this.id, this.#state === TUNNEL ? NONE : passableTrailers(trailers));
    if (this.#state === TUNNEL && this.upload?.ended === false) this.#state = SENT;
    else this.#complete();
  }

  /** The whole response is on its way. RFC 9113 8.1: it ends a request that is not complete, too. */
  #complete(): void {
    const early = this.upload !== null && !this.upload.ended;
    if (early) this.#owner.output.reset(this.id, H2_ERROR.noError);
    this.#over(early);
  }

  #over(reset: boolean): void {
    this.#state = OVER;
    this.#owner.output.forget(this);
    this.#owner.streamClosed(this, reset);
    this.onClose(true);
    this.upload?.close();
    this.request.release();
  }
}

/** An upstream that answers the wish for a tunnel with something else than 101. */
const NO_TUNNEL: ResponseHead = { status: 502, headers: ['Content-Length', '0'] };

const NONE: RawHeaders = [];

type State = typeof WAITING | typeof RESPONDING | typeof TUNNEL | typeof SENT | typeof OVER;
const WAITING = 0;
const RESPONDING = 1;
const TUNNEL = 2;
/** A tunnel whose upstream has no more to say. */
const SENT = 3;
const OVER = 4;

function ignore(): void {}
