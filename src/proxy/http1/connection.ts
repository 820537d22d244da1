import type { Socket } from 'node:net';
import { emptyBody } from '../body.ts';
import { type ClientConnection, type EngineOptions, FAREWELL_MS } from '../client-connection.ts';
import { cutting } from '../codec/field-kind.ts';
import { FRAMING_ONLY } from '../codec/head-only.ts';
import { ChunkedDecoder } from '../codec/http1/chunked-decoder.ts';
import { HeadCollector } from '../codec/http1/head-collector.ts';
import { RequestParser } from '../codec/http1/request-parser.ts';
import { ConnectionMemo } from '../connection-memo.ts';
import { readDirectly } from '../direct-reads.ts';
import type { Body, RawHeaders } from '../exchange.ts';
import { Outgoing } from '../outgoing.ts';
import type { Limits } from '../protocol.ts';
import { type BodySource, PushedBody } from '../pushed-body.ts';
import { NOWHERE, type Sweep, type Timed } from '../sweep.ts';
import { upgradeOf } from '../upgrade.ts';
import { Http1Exchange, Http1Request } from './exchange.ts';
import { refusalBytes, refusalStatus } from './refusal.ts';

/** How long a client may go on sending a request that has been answered already. */
const LINGER_MS = 10_000;

/** Requests in a row that came before the one ahead of them was answered. After them the connection closes. */
const PIPELINED = 100;

/** So many bytes may come before the request ahead of them is answered; more are left to wait in the kernel. */
const PIPELINED_BYTES = 65_536;

/** More requests than this among those bytes, and the client is cut off. */
const NOT_TAKEN = 1_000;

/**
 * A client's HTTP/1 connection: one exchange at a time, in order. What comes behind it waits unread, so that requests
 * reach upstreams in the order in which they were sent (RFC 9112 9.3.2) and nobody multiplies work by pipelining.
 *
 * Bytes that came are taken in steps: a head, a piece of a body; whatever changes the state asks for the next step.
 *
 * It is a long file, because it is one state machine: what is read, who is stopped and which limit runs follow from
 * the same few fields, and whoever changes one has to see the others.
 */
export class Http1Connection implements ClientConnection, BodySource, Timed {
  place = NOWHERE;
  /** A 100 has been sent for the current request. */
  continued = false;
  /** What is written to the client. */
  readonly out: Outgoing;
  readonly #socket: Socket;
  readonly #options: EngineOptions;
  readonly #limits: Limits;
  readonly #sweep: Sweep;
  readonly #remoteAddress: string | null;
  readonly #parser: RequestParser;
  readonly #head: HeadCollector;
  readonly #memo = new ConnectionMemo();
  #chunked: ChunkedDecoder | null = null;
  #state: State = HEAD;
  /** What has not been taken yet: `#input` from `#from` on. */
  #input: Buffer | null = null;
  #from = 0;
  #stepping = false;
  #paused = false;
  /** The client has closed its side. */
  #ended = false;
  #exchange: Http1Exchange | null = null;
  /** The body that is being read. */
  #body: PushedBody | null = null;
  /** Of a body with a length, in bytes. */
  #left = 0;
  #pipelined = 0;
  #used = false;
  #finishing = false;
  #last = false;
  #readDueMs: number;
  #writeDueMs = Number.POSITIVE_INFINITY;

  constructor(socket: Socket, options: EngineOptions, limits: Limits, sweep: Sweep) {
    this.#socket = socket;
    this.out = new Outgoing(socket, true);
    this.#options = options;
    this.#limits = limits;
    this.#sweep = sweep;
    this.#remoteAddress = socket.remoteAddress ?? null;
    const { headBytes, headFields } = limits;
    this.#parser = new RequestParser({ bytes: headBytes, fields: headFields, targetBytes: headBytes }, false);
    this.#head = new HeadCollector(this.#parser, headBytes);
    this.#readDueMs = performance.now() + limits.headTimeoutMs;
    sweep.add(this);
    // Bound, and no closures: docs/decisions/0020.
    readDirectly(socket, this.#onData.bind(this));
    socket.on('drain', this.#onDrain.bind(this));
    socket.on('end', this.#onEnd.bind(this));
    socket.on('close', this.#onClose.bind(this));
    socket.on('error', ignore);
  }

  // For the drain.

  finish(): void {
    this.#finishing = true;
    // A connection without a request yet has one on its way: it gets its answer, and then the close. So may have an idle
    // one, which is why it is not closed at once.
    if (this.#state === HEAD && this.#used && !this.#head.started) this.#expectLast();
  }

  /** One more request is answered, with the word that it is the last, if it comes soon. */
  #expectLast(): void {
    this.#readDueMs = Math.min(this.#readDueMs, performance.now() + FAREWELL_MS);
    this.#regulate();
  }

  giveWay(): boolean {
    if (this.#state !== HEAD || !this.#used || this.#head.started || this.#finishing) return false;
    this.finish();
    return true;
  }

  cut(what: 'requests' | 'all'): boolean {
    const exchange = this.#exchange;
    if (exchange === null || exchange.answered) {
      this.#socket.destroy();
      return false;
    }
    if (what === 'requests' && exchange.longLived) return false;
    exchange.cut();
    return true;
  }

  // For the exchange.

  get writable(): boolean {
    return this.#socket.writable;
  }

  /** Whether more should be written; if not, the exchange hears when. */
  hasRoom(): boolean {
    if (!this.#socket.writableNeedDrain) return true;
    if (this.#writeDueMs === Number.POSITIVE_INFINITY) {
      this.#writeDueMs = performance.now() + this.#limits.bodyIdleMs;
    }
    return false;
  }

  /** Whether the connection ends after the current response, which it does when `last` or for reasons of its own. */
  closesAfter(last: boolean): boolean {
    this.#last =
      last ||
      this.#finishing ||
      this.#ended ||
      this.#state === CLOSING ||
      !this.#parser.keepAlive ||
      // What follows a request to switch may be the other protocol already.
      this.#exchange?.request.upgrade !== null ||
      // The client may wait for 100, or send the body all the same: who knows.
      (this.#parser.expectContinue && this.#body !== null && !this.continued) ||
      (this.#pipelined >= PIPELINED && this.#input !== null);
    return this.#last;
  }

  /** The response has been sent. */
  answered(): void {
    const nothingFollows = !this.#parser.keepAlive && this.#state === ANSWER && this.#input === null;
    // Who said that this was the last request sends no more (RFC 9112 9.6), so that nothing can be lost.
    if (nothingFollows && this.#body === null) this.#closeWhenWritten();
    else if (this.#last || this.#state === CLOSING) this.#close();
    else if (this.#body === null) this.#next();
    else {
      this.#body.cancel();
      this.#readDueMs = performance.now() + LINGER_MS;
    }
  }

  /** From here on both sides carry bytes without HTTP. Returns those of the client. */
  becomeTunnel(): Body {
    const body = new PushedBody(this, null, false);
    this.#body = body;
    this.#state = TUNNEL;
    // One side may end while the other goes on.
    this.#socket.allowHalfOpen = true;
    return body;
  }

  /** The upstream has no more to say. */
  endTunnel(): void {
    this.out.end();
  }

  destroy(): void {
    this.out.destroy();
  }

  /** Says something last. */
  farewell(bytes: Buffer): void {
    this.out.write(bytes);
    this.#close();
  }

  // For the body of the request.

  wanted(): void {
    if (this.#state === BODY) this.#readDueMs = performance.now() + this.#limits.bodyIdleMs;
    this.#step();
  }

  unwanted(): void {
    this.#readDueMs = Number.POSITIVE_INFINITY;
    if (this.#state === TUNNEL) this.#socket.destroy();
    else this.#step();
  }

  // For the clock.

  tick(nowMs: number): void {
    if (nowMs >= this.#writeDueMs) this.#socket.destroy();
    else if (nowMs >= this.#readDueMs) this.#onSilence(nowMs);
  }

  #onSilence(nowMs: number): void {
    this.#readDueMs = Number.POSITIVE_INFINITY;
    if (this.#state === HEAD && this.#head.started) {
      this.#refuse(408);
    } else if (this.#state === HEAD && this.#used) {
      this.#closeWhenWritten();
    } else if (this.#state === CLOSING && this.#socket.writableLength > 0) {
      // Until then it has not been silent: it has not heard the last word.
      this.#readDueMs = nowMs + FAREWELL_MS;
    } else if (this.#state === BODY && this.#body?.over === false) {
      this.#breakBody('client-timeout', `no data for ${this.#limits.bodyIdleMs} ms`);
    } else {
      this.#socket.destroy();
    }
  }

  #onData(chunk: Buffer): void {
    if (this.#state === CLOSING) return;
    if (this.#input === null) {
      this.#input = chunk;
      this.#from = 0;
    } else {
      this.#input = Buffer.concat([this.#input.subarray(this.#from), chunk]);
      this.#from = 0;
    }
    this.#step();
  }

  #onDrain(): void {
    this.#writeDueMs = Number.POSITIVE_INFINITY;
    this.#exchange?.drained();
  }

  #onEnd(): void {
    this.#ended = true;
    this.#afterInput();
  }

  #onClose(): void {
    this.#sweep.delete(this);
    this.#state = CLOSING;
    this.#input = null;
    const body = this.#body;
    this.#body = null;
    this.#exchange?.closed();
    body?.fail({ kind: 'client-gone', message: 'the connection was closed' });
    this.#options.closed(this);
  }

  /** Takes what can be taken of the bytes that came. */
  #step(): void {
    if (this.#stepping) return;
    this.#stepping = true;
    while (this.#input !== null && this.#take(this.#input));
    this.#stepping = false;
    this.#regulate();
    if (this.#ended) this.#afterInput();
  }

  /** Takes one thing; false when nothing more can be taken now. */
  #take(input: Buffer): boolean {
    switch (this.#state) {
      case HEAD:
        return this.#takeHead(input);
      case BODY:
        return this.#takeBody(input);
      case ANSWER:
        return false;
      case TUNNEL:
        if (this.#body?.ready !== true) return false;
        this.#input = null;
        this.#body.push(input.subarray(this.#from));
        return true;
      case CLOSING:
        this.#input = null;
        return false;
      default:
        return this.#state satisfies never;
    }
  }

  #takeHead(input: Buffer): boolean {
    const begun = this.#head.started;
    const verdict = this.#head.push(input, this.#from, input.length);
    if (verdict === 'fault') {
      this.#refuse(refusalStatus(this.#parser));
      return false;
    }
    if (verdict === 'more') {
      this.#input = null;
      if (!begun && this.#used) this.#readDueMs = performance.now() + this.#limits.headTimeoutMs;
      return false;
    }
    this.#consume(input, this.#head.end);
    this.#begin();
    return true;
  }

  #begin(): void {
    const parser = this.#parser;
    this.#used = true;
    this.continued = false;
    this.#last = false;
    this.#readDueMs = Number.POSITIVE_INFINITY;
    let upgrade: string | null = null;
    if (parser.body === 'none') {
      this.#state = ANSWER;
      // Only a request without body is upgraded, and only to something that is passed on.
      if (parser.upgrade) upgrade = upgradeOf(parser.fields.toRawHeaders(ALL));
    } else {
      this.#state = BODY;
      this.#left = parser.contentLength;
      this.#body = new PushedBody(this, parser.body === 'length' ? parser.contentLength : null, false);
      if (parser.body === 'chunked') {
        this.#chunked ??= new ChunkedDecoder(FRAMING_ONLY);
        this.#chunked.reset();
      }
    }
    const request = new Http1Request(parser, this.#memo, this.#options.scheme, this.#remoteAddress, upgrade);
    const exchange = new Http1Exchange(this, request, this.#body ?? emptyBody);
    this.#exchange = exchange;
    // Behind a request that was not answered yet: whoever answers could mix up the two.
    if (upgrade !== null && this.#pipelined > 0) this.#options.refuse(exchange, 400);
    else this.#options.handle(exchange);
  }

  #takeBody(input: Buffer): boolean {
    const body = this.#body;
    if (body === null || !(body.ready || body.over)) return false;
    if (this.#left < 0) return this.#takeChunks(input, body);
    const from = this.#from;
    const to = Math.min(from + this.#left, input.length);
    this.#left -= to - from;
    this.#consume(input, to);
    if (!body.over) body.push(from === 0 && to === input.length ? input : input.subarray(from, to));
    if (this.#left === 0) this.#received(body, NONE);
    else this.#awaitMore(body);
    return true;
  }

  #takeChunks(input: Buffer, body: PushedBody): boolean {
    const chunked = this.#chunked;
    if (chunked === null) return false;
    const verdict = chunked.read(input, this.#from, input.length, this.#takePiece);
    if (verdict === 'done') {
      this.#consume(input, chunked.end);
      this.#received(body, chunked.trailers.count === 0 ? NONE : chunked.trailers.toRawHeaders(ALL));
      return true;
    }
    this.#input = null;
    if (verdict === 'more') this.#awaitMore(body);
    else this.#breakBody('client-malformed', `the body is malformed: ${chunked.fault}`);
    return false;
  }

  readonly #takePiece = (bytes: Buffer, from: number, to: number): void => {
    const body = this.#body;
    if (body !== null && !body.over) body.push(bytes.subarray(from, to));
  };

  #awaitMore(body: PushedBody): void {
    if (body.over) return;
    this.#readDueMs = body.ready ? performance.now() + this.#limits.bodyIdleMs : Number.POSITIVE_INFINITY;
  }

  /** The request has come whole. */
  #received(body: PushedBody, trailers: RawHeaders): void {
    if (this.#state !== BODY) return;
    this.#body = null;
    this.#state = ANSWER;
    this.#readDueMs = Number.POSITIVE_INFINITY;
    body.finish(trailers);
    if (this.#exchange?.answered === true) this.#next();
  }

  /** The rest of the request cannot be read: its exchange is answered, and then the connection ends. */
  #breakBody(kind: 'client-timeout' | 'client-malformed', message: string): void {
    const body = this.#body;
    this.#body = null;
    this.#state = CLOSING;
    this.#input = null;
    if (this.#exchange?.answered === true) this.#close();
    else body?.fail({ kind, message });
  }

  /** Makes ready for the next request. */
  #next(): void {
    this.#exchange = null;
    this.#head.reset();
    this.#state = HEAD;
    const { headTimeoutMs, keepAliveMs } = this.#limits;
    if (this.#input !== null) {
      this.#pipelined++;
      this.#readDueMs = performance.now() + headTimeoutMs;
      this.#step();
      return;
    }
    this.#pipelined = 0;
    this.#readDueMs = performance.now() + keepAliveMs;
    if (this.#finishing) this.#expectLast();
    else if (this.#ended) this.out.end();
    else this.#regulate();
  }

  /** What came is not HTTP, or came too slowly. */
  #refuse(status: number): void {
    this.#options.refused(status, this.#remoteAddress);
    if (this.#socket.writable) this.out.write(refusalBytes(status));
    this.#close();
  }

  /**
   * Ends the connection once everything is written. What still comes is read and dropped for a while: closing with
   * unread bytes would send a reset, which can overtake the response.
   */
  #close(): void {
    const body = this.#body;
    this.#body = null;
    this.#state = CLOSING;
    this.#input = null;
    body?.cancel();
    this.#readDueMs = performance.now() + (body !== null ? LINGER_MS : FAREWELL_MS);
    this.out.end();
    this.#boundWriting();
    this.#regulate();
  }

  /** Ends the connection of a client that has nothing more to say. */
  #closeWhenWritten(): void {
    this.#state = CLOSING;
    this.#readDueMs = Number.POSITIVE_INFINITY;
    this.out.destroySoon();
    this.#boundWriting();
  }

  /** What is left to write may stall for as long as a body may pause, although nobody waits for room by now. */
  #boundWriting(): void {
    if (this.#socket.writableLength === 0) return;
    this.#writeDueMs = Math.min(this.#writeDueMs, performance.now() + this.#limits.bodyIdleMs);
  }

  #consume(input: Buffer, to: number): void {
    if (to === input.length) this.#input = null;
    else this.#from = to;
  }

  /** Stops the client while nothing more is taken. */
  #regulate(): void {
    const full = this.#isFull();
    if (full === this.#paused) return;
    this.#paused = full;
    if (full) this.#socket.pause();
    else this.#socket.resume();
  }

  #isFull(): boolean {
    const input = this.#input;
    if (input === null) return false;
    if (this.#state !== ANSWER) return true;
    if (input.length - this.#from <= PIPELINED_BYTES) return false;
    if (!this.#paused && countHeads(input, this.#from) > NOT_TAKEN) this.#socket.destroy();
    return true;
  }

  /** The client has closed its side; what came before that may still wait. */
  #afterInput(): void {
    if (this.#input !== null || !this.#ended) return;
    if (this.#state === HEAD) this.out.end();
    else if (this.#state === BODY) this.#socket.destroy();
    else if (this.#state === TUNNEL) this.#body?.finish([]);
  }
}

/** Only what is never passed on in any case. */
const ALL = cutting();

const NONE: RawHeaders = [];

type State = typeof HEAD | typeof BODY | typeof ANSWER | typeof TUNNEL | typeof CLOSING;
/** The next head is waited for. */
const HEAD = 0;
/** The body of the current request is being read. */
const BODY = 1;
/** The request has come whole, its answer has not been sent. */
const ANSWER = 2;
const TUNNEL = 3;
/** Nothing more is taken. */
const CLOSING = 4;

function countHeads(bytes: Buffer, from: number): number {
  let count = 0;
  for (let at = bytes.indexOf(END_OF_HEAD, from); at >= 0; at = bytes.indexOf(END_OF_HEAD, at + 4)) count++;
  return count;
}

const END_OF_HEAD = Buffer.from('\r\n\r\n');

/** The close that follows says all there is to say. */
function ignore(): void {}
