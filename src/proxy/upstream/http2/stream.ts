import { LengthCheck } from '../../codec/content-length.ts';
import { cutting } from '../../codec/field-kind.ts';
import type { FieldTable } from '../../codec/field-table.ts';
import type { HeaderList } from '../../codec/http2/hpack/header-list.ts';
import { H2_ERROR, type H2ErrorCode } from '../../codec/http2/protocol.ts';
import type { ResponseReader } from '../../codec/http2/response-reader.ts';
import { trailersFault } from '../../codec/http2/trailers.ts';
import { ReceiveWindow, SendWindow } from '../../codec/http2/window.ts';
import type { RawHeaders } from '../../exchange.ts';
import type { Failure } from '../../failure.ts';
import { type BodySource, PushedBody } from '../../pushed-body.ts';
import type { Http2Connection } from './connection.ts';
import { GatheredBytes } from './gathered-bytes.ts';
import { HeldBytes } from './held-bytes.ts';

/** Receive window of a stream at first, in bytes: what is kept for a client that does not read, at most. */
export const STREAM_WINDOW = 65_536;

/** The same for a client that has read all that came so far: then the way from the upstream is what takes time. */
const WIDEST_WINDOW = 1_048_576;

/** All windows together that have been widened, in bytes: what clients that stop reading later can make a worker keep. */
const MOST_WIDENED = 67_108_864;

/** Interim responses of one stream, in bytes and with a sum for each, as with HTTP/1.1. */
const INTERIM_BYTES = 262_144;
const INTERIM_OVERHEAD = 64;

/** Whoever uses a stream. */
export interface StreamUser {
  /** An interim response. The fields hold until this returns. */
  informed(status: number, fields: FieldTable): void;
  /** The final response; null = no body. The fields hold until this returns. */
  responded(status: number, fields: FieldTable, body: PushedBody | null): void;
  /** The whole response has come. What of the request has not been sent is of no interest any more. */
  completed(): void;
  /** The rest of the response is not wanted by its reader, and the stream is closed. */
  unwanted(): void;
  /** What was written has left. */
  drained(): void;
  /** There is no response, or no complete one. Whether the request can be sent again depends on how it was lost. */
  lost(failure: Failure, how: Loss): void;
}

/**
 * - `refused`: the upstream has not looked at the request, since it has too much to do
 * - `left`: it has not looked at it, since it was closing the connection
 * - `broken`: nobody knows
 */
export type Loss = 'refused' | 'left' | 'broken';

/**
 * One stream of a connection: a request on its way out, a response on its way in (RFC 9113 5, 8).
 *
 * One state machine, and therefore one file: how far each way has come decides what the other may still do.
 */
export class Http2Stream implements BodySource {
  readonly id: number;
  readonly sendWindow: SendWindow;
  readonly #connection: Http2Connection;
  readonly #user: StreamUser;
  readonly #method: string;
  readonly #receiveWindow = new ReceiveWindow(STREAM_WINDOW);
  /** Bytes that were taken as soon as they came, since the last that were not. */
  #flowed = 0;
  /** Written, and not sent for want of a window. */
  readonly #unsent = new HeldBytes();
  /** Come, and not taken by anybody. */
  readonly #untaken = new HeldBytes();
  /** Of what is being read. Handed over when all of that has been looked at. */
  readonly #fresh = new GatheredBytes();
  /** END_STREAM has been sent. */
  #sent: boolean;
  /** To be sent behind what is unsent; null = the request goes on. */
  #trailers: RawHeaders | null = null;
  #state: State = WAITING;
  #interimBytes = 0;
  #body: PushedBody | null = null;
  #length = new LengthCheck(-1);
  /** Those of a response that has come to its end, while its body still waits to be taken. */
  #lastWords: RawHeaders | null = null;

  constructor(
    connection: Http2Connection,
    id: number,
    user: StreamUser,
    method: string,
    sent: boolean,
    sendWindow: number,
  ) {
    this.#connection = connection;
    this.id = id;
    this.#user = user;
    this.#method = method;
    this.#sent = sent;
    this.sendWindow = new SendWindow(sendWindow);
  }

  // What goes to the upstream.

  /** Takes all of a chunk, and copies it. False = nothing more before `drained`. */
  write(chunk: Buffer): boolean {
    if (this.#state === OVER || this.#sent) return false;
    const from = this.#unsent.length === 0 ? this.#send(chunk, 0, chunk.length) : 0;
    if (from < chunk.length) this.#unsent.push(chunk, from, chunk.length);
    else if (!this.#connection.congested) return true;
    this.#connection.block(this);
    return false;
  }

  /** That was all. */
  end(trailers: RawHeaders): void {
    if (this.#state === OVER || this.#sent) return;
    this.#trailers = trailers;
    if (this.#unsent.length === 0) this.#finish(trailers);
  }

  /** There may be room to send. */
  pump(): void {
    if (this.#state === OVER) return;
    const unsent = this.#unsent;
    if (unsent.length > 0) unsent.drop(this.#send(unsent.bytes, unsent.from, unsent.to));
    if (unsent.length > 0) this.#connection.block(this);
    else if (this.#trailers === null && this.#connection.congested) this.#connection.block(this);
    else {
      if (this.#trailers !== null) this.#finish(this.#trailers);
      this.#user.drained();
    }
  }

  /** Both sides carry bytes from here on, and end on their own. */
  becomeTunnel(): void {
    this.#state = TUNNEL;
  }

  /** Nobody wants the response. */
  reset(error: H2ErrorCode): void {
    if (this.#state === OVER) return;
    this.#connection.writer.rstStream(this.id, error);
    this.#connection.flushSoon();
    this.#close();
  }

  /** Sends as much as may be sent of `bytes[from, to)`; returns where the rest begins. */
  #send(bytes: Buffer, from: number, to: number): number {
    const connection = this.#connection;
    if (connection.congested) return from;
    const length = Math.min(to - from, this.sendWindow.available, connection.sendWindow.available);
    if (length === 0) return from;
    this.sendWindow.spend(length);
    connection.sendWindow.spend(length);
    connection.writer.data(this.id, bytes, from, from + length, false);
    connection.flushSoon();
    return from + length;
  }

  #finish(trailers: RawHeaders): void {
    const connection = this.#connection;
    this.#sent = true;
    if (trailers.length === 0) connection.writer.data(this.id, NO_BYTES, 0, 0, true);
    else connection.writer.headers(this.id, connection.encodeTrailers(trailers), true);
    connection.flushSoon();
    if (this.#state !== ENDED) return;
    this.#close();
    this.#user.completed();
  }

  // What comes from the upstream.

  takeHeaders(list: HeaderList, head: ResponseReader, endStream: boolean): void {
    if (this.#state === OVER) return;
    if (this.#state === ENDED) {
      this.malformed(H2_ERROR.streamClosed, 'stream-closed');
      return;
    }
    if (this.#state !== WAITING) {
      this.#takeTrailers(list, endStream);
      return;
    }
    const fault = head.read(list);
    if (fault !== null) {
      this.malformed(H2_ERROR.protocolError, fault);
    } else if (head.status > 599) {
      this.malformed(H2_ERROR.protocolError, 'status-invalid');
    } else if (head.status >= 200) {
      this.#takeHead(list.fields, head, endStream);
    } else if (endStream) {
      this.malformed(H2_ERROR.protocolError, 'no-final-response');
    } else {
      this.#takeInterim(list.fields, head);
    }
  }

  takeData(bytes: Buffer, from: number, to: number, flowBytes: number, endStream: boolean): void {
    if (this.#state === OVER) return;
    const body = this.#body;
    if (!this.#receiveWindow.receive(flowBytes)) {
      this.malformed(H2_ERROR.flowControlError, 'stream-window-exceeded');
    } else if (this.#state === ENDED) {
      this.malformed(H2_ERROR.streamClosed, 'stream-closed');
    } else if (this.#state === WAITING || (body === null && to > from)) {
      this.malformed(H2_ERROR.protocolError, 'data-unexpected');
    } else if (!this.#length.add(to - from)) {
      this.malformed(H2_ERROR.protocolError, 'content-length-mismatch');
    } else {
      this.#giveBack(flowBytes - (to - from));
      if (body !== null && from < to) this.#pass(body, bytes, from, to);
      if (endStream) this.#complete([]);
    }
  }

  /** The upstream broke a rule on this stream. */
  malformed(error: H2ErrorCode, reason: string): void {
    if (this.#state === OVER) return;
    this.reset(error);
    this.#user.lost({ kind: 'protocol', message: `the response is malformed: ${reason}` }, 'broken');
  }

  /** The upstream, or its connection, has ended the stream. */
  lost(failure: Failure, how: Loss): void {
    if (this.#state === OVER) return;
    this.#close();
    this.#user.lost(failure, how);
  }

  // The reader of the body.

  wanted(): void {
    // Otherwise its turn comes when all that was read has been looked at.
    if (this.#fresh.length === 0) this.deliver();
  }

  /** Hands over what has come, if it is wanted. */
  deliver(): void {
    const body = this.#body;
    const fresh = this.#fresh;
    const untaken = this.#untaken;
    if (body === null || body.over) {
      fresh.release();
      return;
    }
    if (body.ready) {
      const bytes = untaken.length > 0 ? untaken.view : fresh.view;
      this.#flowed += fresh.length;
      if (this.#state !== OVER) this.#giveBack(bytes.length);
      if (bytes.length > 0) body.push(bytes);
      untaken.clear();
    } else {
      this.#flowed = 0;
      untaken.push(fresh.view, 0, fresh.length);
    }
    fresh.release();
    const trailers = this.#lastWords;
    if (trailers === null || untaken.length > 0) return;
    this.#lastWords = null;
    body.finish(trailers);
  }

  unwanted(): void {
    this.#fresh.release();
    this.#untaken.clear();
    this.#lastWords = null;
    this.reset(H2_ERROR.cancel);
    this.#user.unwanted();
  }

  #takeHead(fields: FieldTable, head: ResponseReader, endStream: boolean): void {
    const { status, contentLength } = head;
    this.#state = RESPONDING;
    const bodiless = this.#method === 'HEAD' || status === 204 || status === 304;
    if (!bodiless) this.#length = new LengthCheck(contentLength);
    if (endStream && !this.#length.complete) {
      this.malformed(H2_ERROR.protocolError, 'content-length-mismatch');
      return;
    }
    if (endStream || bodiless) {
      this.#user.responded(status, fields, null);
      if (endStream) this.#complete([]);
      return;
    }
    const body = new PushedBody(this, contentLength < 0 ? null : contentLength, true);
    this.#body = body;
    this.#user.responded(status, fields, body);
  }

  #takeInterim(fields: FieldTable, { status }: ResponseReader): void {
    this.#interimBytes += fields.end + INTERIM_OVERHEAD;
    if (this.#interimBytes > INTERIM_BYTES) {
      this.malformed(H2_ERROR.enhanceYourCalm, 'no end of interim responses');
    } else {
      this.#user.informed(status, fields);
    }
  }

  #takeTrailers(list: HeaderList, endStream: boolean): void {
    const fault = endStream ? trailersFault(list) : 'trailers-without-end';
    if (fault === null) this.#complete(list.fields.toRawHeaders(ALL));
    else this.malformed(H2_ERROR.protocolError, fault);
  }

  #pass(body: PushedBody, bytes: Buffer, from: number, to: number): void {
    const fresh = this.#fresh;
    if (body.over) {
      this.#giveBack(to - from);
    } else if (body.ready && this.#untaken.length === 0) {
      if (fresh.length === 0) this.#connection.feed(this);
      fresh.push(bytes, from, to);
    } else {
      this.#flowed = 0;
      this.#untaken.push(bytes, from, to);
    }
  }

  /** The response has come to its end. */
  #complete(trailers: RawHeaders): void {
    // Whoever got the last bytes may have gone in the middle of it.
    if (this.#state === OVER) return;
    if (!this.#length.complete) {
      this.malformed(H2_ERROR.protocolError, 'content-length-mismatch');
      return;
    }
    const body = this.#body;
    if (this.#sent) {
      this.#close();
      this.#user.completed();
    } else if (this.#state === TUNNEL) {
      this.#state = ENDED;
    } else {
      // RFC 9113 8.1: the upstream has answered without waiting for the rest of the request.
      this.reset(H2_ERROR.cancel);
      this.#user.completed();
    }
    if (body === null) return;
    if (this.#fresh.length > 0 || this.#untaken.length > 0 || !body.ready) this.#lastWords = trailers;
    else body.finish(trailers);
  }

  #close(): void {
    if (this.#state === OVER) return;
    this.#state = OVER;
    widened -= this.#receiveWindow.size - STREAM_WINDOW;
    this.#unsent.clear();
    this.#connection.forget(this);
  }

  #giveBack(bytes: number): void {
    const window = this.#receiveWindow;
    let increment = window.release(bytes);
    if (increment === 0) return;
    const { size } = window;
    if (this.#flowed >= size && size < WIDEST_WINDOW && widened + size <= MOST_WIDENED) {
      this.#flowed = 0;
      widened += size;
      increment += window.widen(size);
    }
    this.#connection.writer.windowUpdate(this.id, increment);
    this.#connection.flushSoon();
  }
}

/** By how much the windows of all streams of this worker are wider than at first. */
let widened = 0;

/** Only what is never passed on in any case. */
const ALL = cutting();

const NO_BYTES = Buffer.alloc(0);

type State = typeof WAITING | typeof RESPONDING | typeof TUNNEL | typeof ENDED | typeof OVER;
/** There is no final response yet. */
const WAITING = 0;
const RESPONDING = 1;
const TUNNEL = 2;
/** A tunnel whose other side has ended, while ours goes on. */
const ENDED = 3;
/** No more frames in either direction. The body may still wait to be taken. */
const OVER = 4;
