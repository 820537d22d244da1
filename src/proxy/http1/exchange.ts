import { cutting, FIELD } from '../codec/field-kind.ts';
import type { FieldTable } from '../codec/field-table.ts';
import { writeLastChunk } from '../codec/http1/chunk-writer.ts';
import { fieldLines } from '../codec/http1/field-line.ts';
import type { RequestParser } from '../codec/http1/request-parser.ts';
import type { ConnectionMemo } from '../connection-memo.ts';
import type { Body, Exchange, RawHeaders, RequestHead, ResponseHead, Sink } from '../exchange.ts';
import { passableTrailers } from '../hop-by-hop.ts';
import { isLongLived } from '../long-lived.ts';
import { gathered } from '../outgoing.ts';
import { fieldValue } from '../raw-headers.ts';
import { FrameTracker, GOING_AWAY, isWebSocket } from '../websocket.ts';
import type { Http1Connection } from './connection.ts';
import { plainHead, writeResponseHead } from './response-head.ts';

/** One request of an HTTP/1 connection, and the sink that its response flows into. */
export class Http1Exchange implements Exchange, Sink {
  readonly request: Http1Request;
  readonly body: Body;
  onClose: (complete: boolean) => void = ignore;
  /** An upgraded connection or an event stream: lasts as long as both sides like. */
  longLived = false;
  /** What the sink is given is written or copied before `write` returns. */
  readonly consumes = true;
  readonly #connection: Http1Connection;
  #state: State = WAITING;
  #chunked = false;
  #source: Body | null = null;
  #frames: FrameTracker | null = null;

  constructor(connection: Http1Connection, request: Http1Request, body: Body) {
    this.#connection = connection;
    this.request = request;
    this.body = body;
  }

  /** Whether the whole response has been sent. */
  get answered(): boolean {
    return this.#state === OVER;
  }

  /** Whether the final response has begun. */
  get begun(): boolean {
    return this.#state !== WAITING;
  }

  inform(head: ResponseHead): void {
    if (this.#state !== WAITING || this.request.protocol === 'HTTP/1.0') return;
    if (head.status === 100) this.#connection.continued = true;
    this.#connection.out.writeText(plainHead(head));
  }

  respond(head: ResponseHead, body: Body): void {
    const connection = this.#connection;
    if (this.#state !== WAITING || !connection.writable) {
      body.cancel();
      this.abort();
      return;
    }
    const { method, protocol } = this.request;
    const { status } = head;
    const bodiless = method === 'HEAD' || status === 204 || status === 304;
    const unknown = !bodiless && body.length === null;
    this.#chunked = unknown && protocol === 'HTTP/1.1';
    this.longLived = isLongLived(head);
    const close = connection.closesAfter(head.last === true || (unknown && !this.#chunked));
    let framing = this.#chunked ? 'Transfer-Encoding: chunked\r\n' : '';
    if (close) framing += 'Connection: close\r\n';
    else if (protocol === 'HTTP/1.0') framing += 'Connection: keep-alive\r\n';
    // HTTP/2 needs no length to say that there is nothing.
    if (!bodiless && body.length === 0 && !hasLength(head)) framing += 'Content-Length: 0\r\n';
    connection.out.wrote(writeResponseHead(gathered, head, this.#chunked, framing));
    this.#state = RESPONDING;
    if (bodiless || body.length === 0) {
      body.cancel();
      this.#finish();
      return;
    }
    this.#source = body;
    body.flow(this);
  }

  upgrade(head: ResponseHead, fromUpstream: Body): Body {
    const connection = this.#connection;
    this.#state = TUNNEL;
    this.longLived = true;
    if (isWebSocket(head)) this.#frames = new FrameTracker();
    const { status, headers } = head;
    const fromClient = connection.becomeTunnel();
    connection.out.writeText(plainHead({ status, headers: ['Connection', 'Upgrade', ...headers] }));
    this.#source = fromUpstream;
    fromUpstream.flow(this);
    return fromClient;
  }

  abort(): void {
    this.#connection.destroy();
  }

  /** Ends what has run too long; a WebSocket is told why. */
  cut(): void {
    if (this.#frames?.betweenFrames === true && this.#connection.writable) {
      this.#connection.farewell(GOING_AWAY);
    } else {
      this.abort();
    }
  }

  write(chunk: Buffer): boolean {
    const connection = this.#connection;
    if (!this.#running || !connection.writable) return false;
    if (chunk.length === 0) return true;
    if (this.#chunked) {
      connection.out.writeChunk(chunk);
    } else {
      this.#frames?.push(chunk);
      connection.out.write(chunk);
    }
    return connection.hasRoom();
  }

  end(trailers: RawHeaders): void {
    if (!this.#running) return;
    this.#source = null;
    if (this.#state === TUNNEL) {
      this.#connection.endTunnel();
      return;
    }
    if (this.#chunked) this.#connection.out.write(writeLastChunk(fieldLines(passableTrailers(trailers))));
    this.#finish();
  }

  fail(): void {
    this.#source = null;
    this.abort();
  }

  /** What was written has left. */
  drained(): void {
    if (this.#state === FLUSHING) this.#complete();
    else this.#source?.resume();
  }

  /** The connection is gone. */
  closed(): void {
    const source = this.#source;
    const state = this.#state;
    this.#source = null;
    this.#state = OVER;
    if (state === OVER) return;
    source?.cancel();
    this.onClose(state === TUNNEL);
  }

  get #running(): boolean {
    return this.#state === RESPONDING || this.#state === TUNNEL;
  }

  #finish(): void {
    this.#source = null;
    this.#state = FLUSHING;
    if (this.#connection.hasRoom()) this.#complete();
  }

  #complete(): void {
    this.#state = OVER;
    this.onClose(true);
    this.#connection.answered();
  }
}

/** A request head; its target and fields become strings only when somebody asks. */
export class Http1Request implements RequestHead {
  readonly method: string;
  readonly scheme: 'http' | 'https';
  readonly protocol: 'HTTP/1.0' | 'HTTP/1.1';
  readonly authority = null;
  readonly table: FieldTable;
  readonly memo: ConnectionMemo;
  readonly upgrade: string | null;
  readonly remoteAddress: string | null;
  readonly #parser: RequestParser;
  #target: string | null = null;
  #headers: RawHeaders | null = null;

  constructor(
    parser: RequestParser,
    memo: ConnectionMemo,
    scheme: 'http' | 'https',
    remoteAddress: string | null,
    upgrade: string | null,
  ) {
    this.#parser = parser;
    this.memo = memo;
    this.method = parser.method;
    this.scheme = scheme;
    this.protocol = parser.minorVersion === 0 ? 'HTTP/1.0' : 'HTTP/1.1';
    this.table = parser.fields;
    this.upgrade = upgrade;
    this.remoteAddress = remoteAddress;
  }

  get target(): string {
    this.#target ??= this.#parser.targetText();
    return this.#target;
  }

  get headers(): RawHeaders {
    this.#headers ??= this.table.toRawHeaders(ALL);
    return this.#headers;
  }
}

/** Only what is never passed on in any case. */
const ALL = cutting();

type State = typeof WAITING | typeof RESPONDING | typeof TUNNEL | typeof FLUSHING | typeof OVER;
const WAITING = 0;
const RESPONDING = 1;
const TUNNEL = 2;
/** The whole response has been written, and waits in the socket. */
const FLUSHING = 3;
const OVER = 4;

function hasLength(head: ResponseHead): boolean {
  const { table } = head;
  return table === undefined
    ? fieldValue(head.headers, 'content-length') !== null
    : table.find(FIELD.contentLength) >= 0;
}

function ignore(): void {}
