import type { TLSSocket } from 'node:tls';
import type { Random } from '../../platform/random.ts';
import { type ClientConnection, type EngineOptions, FAREWELL_MS } from '../client-connection.ts';
import { cutting } from '../codec/field-kind.ts';
import { connectionFault, type H2Fault, streamFault } from '../codec/http2/fault.ts';
import { FloodBudget, type FloodKind } from '../codec/http2/flood-budget.ts';
import { type FrameLimits, FrameReader } from '../codec/http2/frame-reader.ts';
import { HpackDecoder } from '../codec/http2/hpack/decoder.ts';
import type { HeaderList } from '../codec/http2/hpack/header-list.ts';
import { MESSAGE_FAULTS, type MessageFault } from '../codec/http2/message-faults.ts';
import { parsePriority } from '../codec/http2/priority.ts';
import {
  DEFAULT_WINDOW,
  FRAME,
  H2_ERROR,
  type H2ErrorCode,
  LARGEST_WINDOW,
  SETTING,
} from '../codec/http2/protocol.ts';
import type { RequestReader } from '../codec/http2/request-reader.ts';
import { PeerSettings } from '../codec/http2/settings.ts';
import { trailersFault } from '../codec/http2/trailers.ts';
import { readDirectly } from '../direct-reads.ts';
import type { RawHeaders } from '../exchange.ts';
import { isGrpcRequest } from '../long-lived.ts';
import type { Limits } from '../protocol.ts';
import { NOWHERE, type Sweep, type Timed } from '../sweep.ts';
import { ClosedStreams } from './closed-streams.ts';
import { type ExchangeOwner, Http2Exchange } from './exchange.ts';
import { Output } from './output.ts';
import { Priorities } from './priorities.ts';
import { hasTooManyFields, RequestSource, readRequest, refusedRequest } from './request.ts';
import { Upload, type UploadOwner } from './upload.ts';
import { CONNECTION_WINDOW, UploadBudget } from './upload-budget.ts';

/** Streams that a client may have open at once. */
const STREAMS = 100;

/** With more than this waiting to be written nothing is read any more: whoever asks has to listen, too. */
const BACKLOG_BYTES = 262_144;

/** How long a connection keeps the memory of requests when there are none, in milliseconds. */
const RESTS_AFTER_MS = 5_000;

/** What is the same for all connections, since it is used up in one step. */
export interface ServerParts {
  readonly list: HeaderList;
  readonly reader: RequestReader;
  readonly frameLimits: FrameLimits;
  /** For the keys of WebSocket handshakes with upstreams. */
  readonly random: Random;
}

/**
 * A client's HTTP/2 connection: what comes is read, checked and given to the streams.
 *
 * It is a long file, because it is one state machine: which frame may come when, and what it means, follows from the
 * same few fields.
 */
export class Http2Connection implements ClientConnection, ExchangeOwner, UploadOwner, Timed {
  readonly output: Output;
  readonly stallMs: number;
  place = NOWHERE;
  readonly #socket: TLSSocket;
  readonly #options: EngineOptions;
  readonly #limits: Limits;
  readonly #sweep: Sweep;
  readonly #parts: ServerParts;
  readonly #source: RequestSource;
  readonly #reader: FrameReader;
  readonly #decoder = new HpackDecoder();
  readonly #peer = new PeerSettings();
  readonly #floods = new FloodBudget();
  readonly #uploads: UploadBudget;
  readonly #priorities = new Priorities();
  readonly #streams = new Map<number, Http2Exchange>();
  readonly #closed = new ClosedStreams();
  /** The last stream that the client opened. */
  #lastId = 0;
  /** Streams after this one are not taken on any more. */
  #lastTaken = LARGEST_WINDOW;
  #state: State = OPEN;
  #paused = false;
  /** When a connection without streams ends, or a client that was sent away has to be gone. */
  #idleDueMs: number;
  /** When a connection without streams gives up the memory of requests. */
  #restDueMs = NEVER;
  /** When the frame that has begun has to be complete. */
  #frameDueMs = NEVER;
  /** When the window of the connection has to open. */
  #windowDueMs = NEVER;
  /** When the second GOAWAY is sent, even if the client has not acknowledged the first. */
  #lastWordDueMs = NEVER;

  constructor(socket: TLSSocket, options: EngineOptions, limits: Limits, sweep: Sweep, parts: ServerParts) {
    this.#socket = socket;
    this.#options = options;
    this.#limits = limits;
    this.#sweep = sweep;
    this.#parts = parts;
    this.#source = new RequestSource(socket.remoteAddress ?? null);
    this.stallMs = limits.bodyIdleMs;
    this.#reader = new FrameReader('server', parts.frameLimits, true);
    this.output = new Output(socket, limits.bodyIdleMs, () => this.#regulate());
    this.#uploads = new UploadBudget((increment) => this.output.windowUpdate(0, increment));
    this.#idleDueMs = performance.now() + limits.headTimeoutMs;
    sweep.add(this);
    this.output.frames.settings([
      [SETTING.maxConcurrentStreams, STREAMS],
      [SETTING.maxHeaderListSize, limits.headBytes],
      [SETTING.enableConnectProtocol, 1],
      [SETTING.noRfc7540Priorities, 1],
    ]);
    this.output.windowUpdate(0, CONNECTION_WINDOW - DEFAULT_WINDOW);
    // Bound, and no closures: docs/decisions/0020.
    readDirectly(socket, this.#onData.bind(this));
    // A client that closes its side has left: HTTP/2 knows no half.
    socket.on('end', socket.destroy.bind(socket, undefined));
    socket.on('close', this.#onClose.bind(this));
    socket.on('error', ignore);
  }

  // For the drain.

  /** First says that this is the end, then, when the client knows, refuses new streams (RFC 9113 6.8). */
  finish(): void {
    if (this.#state !== OPEN) return;
    this.#state = LEAVING;
    this.output.frames.goaway(LARGEST_WINDOW, H2_ERROR.noError);
    this.output.frames.ping(DRAIN_PING, 0, false);
    this.output.send();
    this.#lastWordDueMs = performance.now() + FAREWELL_MS;
  }

  giveWay(): boolean {
    if (this.#state !== OPEN || this.#streams.size > 0 || this.#lastId === 0) return false;
    this.finish();
    return true;
  }

  cut(what: 'requests' | 'all'): boolean {
    const cut = [...this.#streams.values()].filter((exchange) => what === 'all' || !exchange.longLived);
    for (const exchange of cut) exchange.cut();
    if (this.#streams.size === 0) this.#leave(H2_ERROR.noError, '');
    return cut.length > 0;
  }

  // For the exchanges.

  streamClosed(exchange: Http2Exchange, reset: boolean): void {
    if (!this.#streams.delete(exchange.id)) return;
    this.#closed.add(exchange.id, reset);
    if (this.#streams.size > 0) return;
    const nowMs = performance.now();
    this.#idleDueMs = nowMs + this.#limits.keepAliveMs;
    this.#restDueMs = nowMs + RESTS_AFTER_MS;
    if (this.#state === LAST) this.#leave(H2_ERROR.noError, '');
  }

  held(difference: number): void {
    this.#uploads.held(difference);
  }

  allow(id: number, increment: number): void {
    this.output.windowUpdate(id, increment);
  }

  // For the clock.

  tick(nowMs: number): void {
    for (const exchange of this.#streams.values()) exchange.tick(nowMs);
    if (this.#streams.size === 0 || !this.output.starved) this.#windowDueMs = NEVER;
    else if (this.#windowDueMs === NEVER) this.#windowDueMs = nowMs + this.stallMs;
    if (this.#streams.size === 0) this.#rest(nowMs);
    const idle = this.#streams.size === 0 && nowMs >= this.#idleDueMs;
    if (nowMs >= this.output.dueMs) this.#socket.destroy();
    else if (idle && this.#state === CLOSING) this.#endFarewell(nowMs);
    else if (idle) this.#leave(H2_ERROR.noError, '');
    else if (nowMs >= this.#windowDueMs) this.#leave(H2_ERROR.flowControlError, 'window-closed');
    else if (nowMs >= this.#frameDueMs) this.#leave(H2_ERROR.enhanceYourCalm, 'frame-too-slow');
    else if (nowMs >= this.#lastWordDueMs) this.#sayLastWord();
  }

  /** The client has had its time to close, unless it has not even heard the last word. */
  #endFarewell(nowMs: number): void {
    if (this.#socket.writableLength > 0) this.#idleDueMs = nowMs + FAREWELL_MS;
    else this.#socket.destroy();
  }

  /** Nothing is under way: what requests need is made again for the next one. */
  #rest(nowMs: number): void {
    this.#source.tables.trim(1);
    if (nowMs < this.#restDueMs) return;
    this.#restDueMs = NEVER;
    this.#source.tables.trim(0);
    this.#decoder.rest();
    this.output.rest();
  }

  // What comes.

  #onData(chunk: Buffer): void {
    const reader = this.#reader;
    if (this.#isClosing) return;
    reader.push(chunk, 0, chunk.length);
    let progress = false;
    for (let reading = reader.next(); reading !== 'more'; reading = reader.next()) {
      progress = true;
      const fault = reading === 'frame' ? this.#onFrame() : this.#onFaultyFrame(reader.fault);
      if (fault !== null) this.#punish(fault, reader.streamId);
      // Whatever came of it may have ended the connection.
      if (this.#isClosing) return;
    }
    this.#awaitRest(progress);
    this.#regulate();
  }

  /** A frame that has begun has to be complete in time. */
  #awaitRest(progress: boolean): void {
    const { partial } = this.#reader;
    if (partial === 'nothing') {
      this.#frameDueMs = NEVER;
    } else if (progress || this.#frameDueMs === NEVER) {
      const { headTimeoutMs, bodyIdleMs } = this.#limits;
      this.#frameDueMs = performance.now() + (partial === 'header-block' ? headTimeoutMs : bodyIdleMs);
    }
  }

  /** Takes one frame; says what is wrong with it. */
  #onFrame(): H2Fault | null {
    switch (this.#reader.type) {
      case FRAME.data:
        return this.#onDataFrame();
      case FRAME.headers:
        return this.#onHeaders(null);
      case FRAME.rstStream:
        return this.#onReset();
      case FRAME.settings:
        return this.#onSettings();
      case FRAME.ping:
        return this.#onPing();
      case FRAME.windowUpdate:
        return this.#onWindowUpdate();
      case FRAME.priorityUpdate:
        return this.#onPriorityUpdate();
      case FRAME.goaway:
        // The client opens no more streams. What runs goes on.
        this.#sayLastWord();
        return this.#spend('idle');
      default:
        // PRIORITY, which RFC 9113 5.3 does away with, and types that nobody knows.
        return this.#spend('idle');
    }
  }

  #onFaultyFrame(fault: H2Fault): H2Fault | null {
    const { type, streamId } = this.#reader;
    if (fault.scope === 'connection') return fault;
    if (type === FRAME.headers) return this.#onHeaders(fault);
    if (this.#streams.has(streamId)) return fault;
    // There is no stream that could be reset.
    return streamId > this.#lastId ? { ...fault, scope: 'connection' } : this.#spend('idle');
  }

  #onHeaders(fault: H2Fault | null): H2Fault | null {
    const { streamId: id, endStream, bytes, from, to, continuations } = this.#reader;
    const { list, reader } = this.#parts;
    for (let n = 0; n < continuations; n += 1) {
      const flood = this.#spend('continuation');
      if (flood !== null) return flood;
    }
    const broken = this.#decoder.decode(bytes, from, to, list);
    if (broken !== null) return connectionFault(H2_ERROR.compressionError, broken);
    const exchange = this.#streams.get(id);
    if (exchange !== undefined) return fault ?? this.#onTrailers(exchange, endStream);
    if (id <= this.#lastId) return this.#onLateHeaders(id);
    if (id > this.#lastTaken) return null;
    this.#lastId = id;
    if (fault !== null) return fault;
    if (this.#streams.size >= STREAMS) return streamFault(H2_ERROR.refusedStream, 'too-many-streams');
    const wrong = reader.read(list, endStream);
    if (wrong !== null) return this.#refuse(id, endStream, wrong);
    if (hasTooManyFields(reader, this.#limits.headFields)) {
      return this.#refuse(id, endStream, 'header-list-too-large');
    }
    this.#begin(id, endStream);
    return null;
  }

  #begin(id: number, endStream: boolean): void {
    const { reader, random } = this.#parts;
    const request = readRequest(reader, this.#source, random);
    const { contentLength, protocol } = reader;
    const tunnel = request.upgrade !== null;
    const isGrpc = isGrpcRequest(request);
    const idleMs = tunnel || isGrpc ? NEVER : this.#limits.bodyIdleMs;
    const upload = endStream ? null : new Upload(this, id, contentLength, idleMs);
    const priority = this.#priorities.take(id, reader.fields);
    const exchange = new Http2Exchange(this, id, request, upload, this.#peer.initialWindowSize, priority);
    exchange.longLived = isGrpc;
    this.#streams.set(id, exchange);
    if (protocol !== null && !tunnel) this.#options.refuse(exchange, 501);
    else this.#options.handle(exchange);
  }

  /** A request that breaks the rules is answered, or else its stream is reset. */
  #refuse(id: number, endStream: boolean, fault: MessageFault): H2Fault | null {
    const status = MESSAGE_FAULTS[fault];
    if (status === 0) {
      this.#options.refused(400, this.#source.remoteAddress);
      return streamFault(H2_ERROR.protocolError, fault);
    }
    const request = refusedRequest(this.#parts.list, this.#source);
    const upload = endStream ? null : new Upload(this, id, -1, this.#limits.bodyIdleMs);
    const exchange = new Http2Exchange(this, id, request, upload, this.#peer.initialWindowSize, null);
    this.#streams.set(id, exchange);
    this.#options.refuse(exchange, status);
    return null;
  }

  /** HEADERS for a stream that is open: they can only be trailers (RFC 9113 8.1). */
  #onTrailers(exchange: Http2Exchange, endStream: boolean): H2Fault | null {
    const { list } = this.#parts;
    const { upload } = exchange;
    if (upload === null || upload.ended) return streamFault(H2_ERROR.streamClosed, 'headers-after-end');
    const fault = endStream ? trailersFault(list) : 'trailers-without-end';
    if (fault !== null) return streamFault(H2_ERROR.protocolError, fault);
    return this.#endUpload(exchange, upload, list.fields.toRawHeaders(ALL));
  }

  #onLateHeaders(id: number): H2Fault | null {
    const end = this.#closed.find(id);
    switch (end) {
      case 'reset':
        return this.#spend('idle');
      case 'ended':
        return connectionFault(H2_ERROR.streamClosed, 'headers-after-end');
      case 'unknown':
        return connectionFault(H2_ERROR.protocolError, 'stream-id-not-greater');
      default:
        return end satisfies never;
    }
  }

  #onDataFrame(): H2Fault | null {
    const { streamId: id, from, to, flowBytes, endStream } = this.#reader;
    if (!this.#uploads.receive(flowBytes)) {
      return connectionFault(H2_ERROR.flowControlError, 'connection-window');
    }
    const flood = from === to && !endStream ? this.#spend('empty') : null;
    if (flood !== null) return flood;
    const exchange = this.#streams.get(id);
    const fault = exchange === undefined ? this.#onLateData(id) : this.#receive(exchange);
    this.#uploads.release(flowBytes);
    return fault;
  }

  #receive(exchange: Http2Exchange): H2Fault | null {
    const { bytes, from, to, flowBytes, endStream } = this.#reader;
    const { upload } = exchange;
    if (upload === null || upload.ended) return streamFault(H2_ERROR.streamClosed, 'data-after-end');
    const verdict = upload.receive(bytes, from, to, flowBytes);
    if (verdict === 'window') return streamFault(H2_ERROR.flowControlError, 'stream-window');
    if (verdict === 'length') return CONTENT_LENGTH_MISMATCH;
    return endStream ? this.#endUpload(exchange, upload, NONE) : null;
  }

  #endUpload(exchange: Http2Exchange, upload: Upload, trailers: RawHeaders): H2Fault | null {
    if (!upload.end(trailers)) return CONTENT_LENGTH_MISMATCH;
    exchange.uploadEnded();
    return null;
  }

  #onLateData(id: number): H2Fault | null {
    if (this.#isIdle(id)) return connectionFault(H2_ERROR.protocolError, 'data-on-idle-stream');
    // On its way before the client knew. But that does not take for ever.
    if (id > this.#lastId || this.#closed.find(id) === 'reset') return this.#spend('idle');
    return streamFault(H2_ERROR.streamClosed, 'data-after-end');
  }

  #onReset(): H2Fault | null {
    const { streamId: id } = this.#reader;
    const exchange = this.#streams.get(id);
    if (exchange === undefined) {
      const idle = this.#isIdle(id);
      return idle ? connectionFault(H2_ERROR.protocolError, 'reset-of-idle-stream') : this.#spend('idle');
    }
    this.streamClosed(exchange, false);
    exchange.closed();
    return this.#spend('reset');
  }

  #onSettings(): H2Fault | null {
    const { ack, bytes, from, to } = this.#reader;
    if (ack) return null;
    const before = this.#peer.initialWindowSize;
    const fault = this.#spend('settings') ?? this.#peer.apply(bytes, from, to, 'client');
    if (fault !== null) return fault;
    this.output.apply(this.#peer);
    const difference = this.#peer.initialWindowSize - before;
    if (difference === 0) return null;
    for (const exchange of this.#streams.values()) {
      if (!exchange.window.shift(difference)) {
        return connectionFault(H2_ERROR.flowControlError, 'setting-initial-window-size');
      }
      this.output.opened(exchange);
    }
    return null;
  }

  #onPing(): H2Fault | null {
    const { ack, bytes, from } = this.#reader;
    if (ack) {
      if (DRAIN_PING.equals(bytes.subarray(from, from + DRAIN_PING.length))) this.#sayLastWord();
      return null;
    }
    const flood = this.#spend('ping');
    if (flood !== null) return flood;
    this.output.frames.ping(bytes, from, true);
    this.output.send();
    return null;
  }

  #onWindowUpdate(): H2Fault | null {
    const { streamId: id, value } = this.#reader;
    const flood = this.output.expectedUpdate() ? null : this.#spend('idle');
    if (flood !== null) return flood;
    if (id === 0) {
      const ok = this.output.grow(value);
      return ok ? null : connectionFault(H2_ERROR.flowControlError, 'connection-window-too-large');
    }
    const exchange = this.#streams.get(id);
    if (exchange === undefined) {
      const idle = this.#isIdle(id);
      return idle ? connectionFault(H2_ERROR.protocolError, 'window-update-of-idle-stream') : null;
    }
    if (!exchange.window.grow(value)) return streamFault(H2_ERROR.flowControlError, 'window-too-large');
    this.output.opened(exchange);
    return null;
  }

  #onPriorityUpdate(): H2Fault | null {
    const { otherStreamId: id, bytes, from, to } = this.#reader;
    const flood = this.#spend('idle');
    if (flood !== null) return flood;
    const priority = parsePriority(bytes.toString('latin1', from, to));
    const exchange = this.#streams.get(id);
    if (exchange !== undefined) this.output.prioritize(exchange, priority);
    else if (id > this.#lastId) this.#priorities.keep(id, priority);
    return null;
  }

  // What follows from it.

  /** Whether a stream has not been opened yet, and may be. */
  #isIdle(id: number): boolean {
    return id > this.#lastId && id <= this.#lastTaken;
  }

  /** One more of what costs the client nothing. */
  #spend(kind: FloodKind): H2Fault | null {
    if (this.#floods.spend(kind, performance.now()) === 'ok') return null;
    return connectionFault(H2_ERROR.enhanceYourCalm, `too-many-${kind}`);
  }

  /** RFC 9113 5.4. Too many stream errors are an attack like any other. */
  #punish(fault: H2Fault, id: number): void {
    const flood = fault.scope === 'stream' ? this.#spend('reset') : fault;
    if (flood !== null) {
      this.#leave(flood.error, flood.reason);
      return;
    }
    const exchange = this.#streams.get(id);
    if (exchange !== undefined) {
      exchange.reset(fault.error);
      return;
    }
    this.output.reset(id, fault.error);
    this.#closed.add(id, true);
  }

  /** No stream after those that have come is taken on; when they are over, neither is anything else. */
  #sayLastWord(): void {
    if (this.#state !== OPEN && this.#state !== LEAVING) return;
    this.#state = LAST;
    this.#lastWordDueMs = NEVER;
    this.#lastTaken = this.#lastId;
    if (this.#streams.size === 0) {
      this.#leave(H2_ERROR.noError, '');
      return;
    }
    this.output.frames.goaway(this.#lastId, H2_ERROR.noError);
    this.output.send();
  }

  /** Says why, and ends the connection with everything on it. What still comes is read and dropped for a while. */
  #leave(error: H2ErrorCode, reason: string): void {
    if (this.#isClosing) return;
    this.#state = CLOSING;
    this.#idleDueMs = performance.now() + FAREWELL_MS;
    this.#frameDueMs = NEVER;
    this.#lastWordDueMs = NEVER;
    this.output.frames.goaway(this.#lastId, error, reason);
    this.output.end();
    this.#closeStreams();
    this.#regulate();
  }

  #onClose(): void {
    this.#sweep.delete(this);
    this.#state = CLOSING;
    this.#closeStreams();
    this.#options.closed(this);
  }

  #closeStreams(): void {
    const open = [...this.#streams.values()];
    this.#streams.clear();
    for (const exchange of open) exchange.closed();
  }

  /** Reads nothing more from a client that does not take what it asked for. */
  #regulate(): void {
    const full = !this.#isClosing && this.output.waiting > BACKLOG_BYTES;
    if (full === this.#paused) return;
    this.#paused = full;
    if (full) this.#socket.pause();
    else this.#socket.resume();
  }

  get #isClosing(): boolean {
    return this.#state === CLOSING;
  }
}

/** Only what is never passed on in any case. */
const ALL = cutting();

const NONE: RawHeaders = [];

const NEVER = Number.POSITIVE_INFINITY;

const CONTENT_LENGTH_MISMATCH = streamFault(H2_ERROR.protocolError, 'content-length-mismatch');

/** What the PING says with which we find out whether the client knows that we are leaving. */
const DRAIN_PING = Buffer.from('leaving.');

type State = typeof OPEN | typeof LEAVING | typeof LAST | typeof CLOSING;
const OPEN = 0;
/** The client has been told that this is the end; what is on its way is still taken. */
const LEAVING = 1;
/** What has come is answered, nothing more is taken. */
const LAST = 2;
/** Nothing more is read or written. */
const CLOSING = 3;

/** The close that follows says all there is to say. */
function ignore(): void {}
