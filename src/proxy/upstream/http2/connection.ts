import type { OnReadOpts, Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { connectionFault, type H2Fault } from '../../codec/http2/fault.ts';
import { FloodBudget, type FloodKind } from '../../codec/http2/flood-budget.ts';
import { type FrameLimits, FrameReader } from '../../codec/http2/frame-reader.ts';
import { FrameWriter } from '../../codec/http2/frame-writer.ts';
import { HpackDecoder } from '../../codec/http2/hpack/decoder.ts';
import { HpackEncoder } from '../../codec/http2/hpack/encoder.ts';
import { HeaderList, type ListLimits } from '../../codec/http2/hpack/header-list.ts';
import {
  DEFAULT_FRAME_SIZE,
  DEFAULT_WINDOW,
  FRAME,
  H2_ERROR,
  type H2ErrorCode,
  LARGEST_WINDOW,
  SETTING,
} from '../../codec/http2/protocol.ts';
import { ResponseReader } from '../../codec/http2/response-reader.ts';
import { PeerSettings } from '../../codec/http2/settings.ts';
import { ReceiveWindow, SendWindow } from '../../codec/http2/window.ts';
import { readDirectly } from '../../direct-reads.ts';
import type { Failure } from '../../failure.ts';
import { NOWHERE, type Sweep, type Timed } from '../../sweep.ts';
import { failureOf, type Phase } from '../classify.ts';
import type { UpstreamRequest } from '../upstreams.ts';
import { errorText } from './error-text.ts';
import { encodeRequest } from './request-fields.ts';
import { Http2Stream, STREAM_WINDOW, type StreamUser } from './stream.ts';

/** Streams of one connection at once, however many more the upstream takes. */
const MOST_STREAMS = 256;

/**
 * Receive window of a whole connection, in bytes. What came is given back at once: a client that does not read must hold up
 * its own stream and no other.
 */
const CONNECTION_WINDOW = 16_777_216;

/** How much may wait in the writer before it goes to the socket, in bytes. */
const FLUSH_BYTES = 65_536;

/** What an upstream that reads nothing may make us keep of answers to its frames, in bytes. */
const UNSENT_BYTES = 16_777_216;

/** How long a connection that is over has to send its last frames, in milliseconds. */
const FAREWELL_MS = 1_000;

/** As for HTTP/1.1, see RESPONSE_LIMITS. */
const LIST: ListLimits = { bytes: 65_536, fields: 200 };
const FRAMES: FrameLimits = { frameBytes: DEFAULT_FRAME_SIZE, blockBytes: 65_536, continuations: 8 };

/** Whoever keeps connections. */
export interface ConnectionOwner {
  /** The upstream has sent its settings: requests can be sent. */
  opened(connection: Http2Connection): void;
  /** There may be room for one more stream. */
  freed(connection: Http2Connection): void;
  /** It is over; its streams know already. `failure` is of interest to whoever waited for it to open. */
  closed(connection: Http2Connection, failure: Failure): void;
}

/** In milliseconds. */
export interface ConnectionTimes {
  /** From the beginning to the settings of the upstream; also for the answer to a PING. */
  readonly connectMs: number;
  /** Without a stream. */
  readonly idleMs: number;
  /** Silence, while there are streams, after which a PING asks whether anybody is there. */
  readonly pingMs: number;
}

/**
 * One HTTP/2 connection to an upstream (RFC 9113), shared by many calls: its frames, settings and windows. What belongs to
 * one call is in its {@link Http2Stream}.
 *
 * One state machine, and therefore one file: every frame of the connection can change what every other one means.
 */
export class Http2Connection implements Timed {
  place = NOWHERE;
  readonly socket: Socket;
  phase: Phase = 'connecting';
  readonly peer = new PeerSettings();
  readonly writer = new FrameWriter();
  readonly sendWindow = new SendWindow();
  /** Responses have come over it. */
  proven = false;
  readonly #owner: ConnectionOwner;
  readonly #times: ConnectionTimes;
  readonly #reader = new FrameReader('client', FRAMES);
  readonly #decoder = new HpackDecoder();
  readonly #encoder = new HpackEncoder();
  readonly #floods = new FloodBudget();
  readonly #receiveWindow = new ReceiveWindow(CONNECTION_WINDOW);
  readonly #streams = new Map<number, Http2Stream>();
  /** Those that have bytes to send and may not, in the order in which they get their turn. */
  readonly #blocked = new Set<Http2Stream>();
  /** Those that have got DATA of what is being read. */
  #fed: Http2Stream[] = [];
  #nextId = 1;
  /** No new streams: the upstream has sent GOAWAY, or it is over. */
  #retired = false;
  #settled = false;
  #over = false;
  #closed = false;
  /** What has ended it, if that was not the upstream's hanging up. */
  #failure: Failure | null = null;
  #error: Error | null = null;
  /** In the middle of what was read, or with a flush to come. */
  #collecting = false;
  #congested = false;
  #readMs = performance.now();
  /** Until when what is waited for has to come: the settings, the answer to a PING, the close. */
  #dueMs: number;
  #pinging = false;
  #idleSinceMs = performance.now();

  /** @param open gives it a socket that is on its way, or one on which TLS and HTTP/2 have been agreed on */
  constructor(
    open: (onread: OnReadOpts) => Socket,
    owner: ConnectionOwner,
    times: ConnectionTimes,
    sweep: Sweep,
  ) {
    this.#owner = owner;
    this.#times = times;
    sweep.add(this);
    this.#dueMs = performance.now() + times.connectMs;
    const socket = open({ buffer: shared, callback: (length) => this.#onRead(length) });
    this.socket = socket;
    socket.on('drain', () => this.#onDrain());
    socket.on('end', () => this.destroy());
    socket.on('error', (error) => {
      this.#error ??= error;
    });
    socket.on('close', () => {
      sweep.delete(this);
      this.#onClose();
    });
    if (!(socket instanceof TLSSocket)) {
      socket.once('connect', () => this.#begin());
      return;
    }
    readDirectly(socket, (chunk) => this.#take(chunk, chunk.length));
    if (socket.alpnProtocol === 'h2') {
      this.#begin();
      return;
    }
    socket.once('connect', () => {
      this.phase = 'securing';
    });
    socket.once('secureConnect', () => this.#onSecure(socket));
  }

  /** How many more streams it takes. */
  get room(): number {
    if (!this.#settled || this.#retired || this.#pinging || this.#nextId > LARGEST_WINDOW) return 0;
    return Math.min(this.peer.maxConcurrentStreams, MOST_STREAMS) - this.#streams.size;
  }

  /** It has come to `opened`. */
  get settled(): boolean {
    return this.#settled;
  }

  /** It has not come to `opened` yet, and may. */
  get opening(): boolean {
    return !this.#settled && !this.#over;
  }

  get streams(): number {
    return this.#streams.size;
  }

  /** Whether DATA has to wait because the socket is full. */
  get congested(): boolean {
    return this.#congested;
  }

  /**
   * Sends the head of a request, of which there is `room` for one; null if the upstream has said that it takes none of such a
   * size (RFC 9113 10.5.1).
   */
  request(request: UpstreamRequest, user: StreamUser): Http2Stream | null {
    const block = encodeRequest(this.#encoder, request, this.peer.maxHeaderListSize);
    if (block === null) return null;
    const id = this.#nextId;
    this.#nextId += 2;
    const ended = request.body.length === 0 && request.upgrade === null;
    const stream = new Http2Stream(this, id, user, request.method, ended, this.peer.initialWindowSize);
    this.#streams.set(id, stream);
    this.writer.headers(id, block, ended);
    this.flushSoon();
    return stream;
  }

  /** Asks for a sign of life; until one comes there is no room. For when a response is missing. */
  probe(): void {
    if (this.#pinging || this.#over || !this.#settled) return;
    this.#pinging = true;
    this.#dueMs = performance.now() + this.#times.connectMs;
    this.writer.ping(PING, 0, false);
    this.flushSoon();
  }

  /** Since when nothing has come, as `performance.now()` tells. */
  get silentSinceMs(): number {
    return this.#readMs;
  }

  /** Ends it when its streams are over. */
  retire(): void {
    this.#retired = true;
    if (this.#streams.size === 0) this.#leave(H2_ERROR.noError, '');
  }

  destroy(): void {
    this.#over = true;
    this.#retired = true;
    this.socket.destroy();
  }

  tick(nowMs: number): void {
    if (nowMs >= this.#dueMs) {
      const { connectMs } = this.#times;
      if (this.#over) this.socket.destroy();
      else if (this.#settled) this.#fail('reset', `no answer to a PING within ${connectMs} ms`);
      else this.#fail('connect-timeout', `no connection within ${connectMs} ms`);
    } else if (this.#settled && !this.#over) {
      if (this.#streams.size === 0 && nowMs >= this.#idleSinceMs + this.#times.idleMs) this.retire();
      else if (this.#streams.size > 0 && nowMs >= this.#readMs + this.#times.pingMs) this.probe();
    }
  }

  // For streams.

  /** A stream is over, as far as frames are concerned. */
  forget(stream: Http2Stream): void {
    if (!this.#streams.delete(stream.id)) return;
    this.#blocked.delete(stream);
    if (this.#streams.size === 0) {
      this.#idleSinceMs = performance.now();
      if (this.#retired && !this.#over) {
        this.#leave(H2_ERROR.noError, '');
        return;
      }
    }
    if (!this.#over) this.#owner.freed(this);
  }

  /** A stream is told as soon as something can be sent. */
  block(stream: Http2Stream): void {
    this.#blocked.add(stream);
  }

  /** A stream has something to deliver when all that was read has been looked at. */
  feed(stream: Http2Stream): void {
    this.#fed.push(stream);
  }

  /** What was written goes out at the end of this step, together with what else is written until then. */
  flushSoon(): void {
    if (this.writer.length >= FLUSH_BYTES) this.#flush();
    if (this.#collecting || this.#over) return;
    this.#collecting = true;
    process.nextTick(finishStep, this);
  }

  finishStep(): void {
    this.#collecting = false;
    this.#flush();
  }

  encodeTrailers(trailers: readonly string[]): Buffer {
    const encoder = this.#encoder;
    encoder.begin();
    for (let index = 0; index + 1 < trailers.length; index += 2) {
      encoder.text(trailers[index] ?? '', trailers[index + 1] ?? '');
    }
    return encoder.block();
  }

  // The socket.

  #onSecure(socket: TLSSocket): void {
    if (socket.alpnProtocol === 'h2') this.#begin();
    else this.#fail('protocol', 'the upstream did not choose HTTP/2');
  }

  /** RFC 9113 3.4: the preface and our settings. */
  #begin(): void {
    this.phase = 'open';
    this.writer.preface();
    this.writer.settings([
      [SETTING.enablePush, 0],
      [SETTING.initialWindowSize, STREAM_WINDOW],
      [SETTING.maxHeaderListSize, LIST.bytes],
    ]);
    this.writer.windowUpdate(0, CONNECTION_WINDOW - DEFAULT_WINDOW);
    this.#flush();
  }

  #onRead(length: number): boolean {
    this.#take(shared, length);
    return true;
  }

  #onDrain(): void {
    this.#congested = false;
    this.#pump();
  }

  #onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#over = true;
    this.#retired = true;
    const failure = this.#failure ?? failureOf(this.#error, this.phase);
    for (const stream of [...this.#streams.values()]) stream.lost(failure, 'broken');
    this.#streams.clear();
    this.#blocked.clear();
    this.#owner.closed(this, failure);
  }

  #flush(): void {
    if (this.writer.length === 0) return;
    const bytes = this.writer.take();
    if (this.#over && !this.socket.writable) return;
    if (this.socket.write(bytes)) return;
    this.#congested = true;
    if (this.socket.writableLength > UNSENT_BYTES) this.#fail('stalled', 'the upstream reads nothing');
  }

  /** Lets those send that could not, each in its turn. */
  #pump(): void {
    for (const stream of [...this.#blocked]) {
      if (this.#congested || this.#over) return;
      this.#blocked.delete(stream);
      stream.pump();
    }
  }

  /** Takes what was read. A frame that began earlier is completed first, so that the others stay where they lie. */
  #take(bytes: Buffer, length: number): void {
    if (this.#over) return;
    this.#readMs = performance.now();
    const collecting = this.#collecting;
    this.#collecting = true;
    const reader = this.#reader;
    for (let at = 0; at < length && !this.#over; ) {
      const to = Math.min(length, at + (reader.missing || length));
      reader.push(bytes, at, to);
      this.#takeFrames();
      at = to;
    }
    this.#deliver();
    if (this.#over) return;
    this.#collecting = collecting;
    if (!collecting) this.#flush();
  }

  #takeFrames(): void {
    const reader = this.#reader;
    for (let got = reader.next(); got !== 'more' && !this.#over; got = reader.next()) {
      const fault = got === 'frame' ? this.#takeFrame() : this.#takeFault(got === 'stream-fault');
      if (fault !== null) this.#failWith(fault);
    }
  }

  /** Hands over what the streams have got, in one piece each: upstreams send small frames, and each write costs. */
  #deliver(): void {
    const streams = this.#fed;
    if (streams.length === 0) return;
    this.#fed = [];
    for (const stream of streams) stream.deliver();
  }

  // Frames.

  /** A frame that is wrong in itself. If it has a header block, that has to be decoded all the same. */
  #takeFault(ofStream: boolean): H2Fault | null {
    const reader = this.#reader;
    if (!ofStream) return reader.fault;
    if (reader.type === FRAME.headers) {
      const compression = this.#decoder.decode(reader.bytes, reader.from, reader.to, list);
      if (compression !== null) return connectionFault(H2_ERROR.compressionError, compression);
    }
    this.#streams.get(reader.streamId)?.malformed(reader.fault.error, reader.fault.reason);
    return null;
  }

  #takeFrame(): H2Fault | null {
    const reader = this.#reader;
    switch (reader.type) {
      case FRAME.data:
        return this.#takeData();
      case FRAME.headers:
        return this.#takeHeaders();
      case FRAME.rstStream:
        return this.#takeReset();
      case FRAME.settings:
        return this.#takeSettings();
      case FRAME.ping:
        return this.#takePing();
      case FRAME.goaway:
        this.#takeGoaway();
        return null;
      case FRAME.windowUpdate:
        return this.#takeWindowUpdate();
      default:
        // PRIORITY, and what nobody knows (RFC 9113 5.5).
        return this.#spend('idle');
    }
  }

  #takeData(): H2Fault | null {
    const reader = this.#reader;
    const { streamId, flowBytes } = reader;
    if (!this.#receiveWindow.receive(flowBytes)) {
      return connectionFault(H2_ERROR.flowControlError, 'connection-window-exceeded');
    }
    const increment = this.#receiveWindow.release(flowBytes);
    if (increment > 0) this.writer.windowUpdate(0, increment);
    if (reader.from === reader.to && !reader.endStream) {
      const fault = this.#spend('empty');
      if (fault !== null) return fault;
    }
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return this.#closedOrIdle(streamId);
    stream.takeData(reader.bytes, reader.from, reader.to, flowBytes, reader.endStream);
    return null;
  }

  #takeHeaders(): H2Fault | null {
    const reader = this.#reader;
    const { streamId, endStream } = reader;
    for (let frame = 0; frame < reader.continuations; frame += 1) {
      const fault = this.#spend('continuation');
      if (fault !== null) return fault;
    }
    const compression = this.#decoder.decode(reader.bytes, reader.from, reader.to, list);
    if (compression !== null) return connectionFault(H2_ERROR.compressionError, compression);
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return this.#closedOrIdle(streamId) ?? this.#spend('idle');
    this.proven = true;
    stream.takeHeaders(list, head, endStream);
    return null;
  }

  #takeReset(): H2Fault | null {
    const { streamId, value } = this.#reader;
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return this.#closedOrIdle(streamId);
    const message = `the upstream reset the stream: ${errorText(value)}`;
    stream.lost({ kind: 'reset', message }, value === H2_ERROR.refusedStream ? 'refused' : 'broken');
    return null;
  }

  #takeSettings(): H2Fault | null {
    const reader = this.#reader;
    if (reader.ack) return null;
    const flood = this.#spend('settings');
    if (flood !== null) return flood;
    const { peer } = this;
    const before = peer.initialWindowSize;
    const fault = peer.apply(reader.bytes, reader.from, reader.to, 'server');
    if (fault !== null) return fault;
    const difference = peer.initialWindowSize - before;
    if (difference !== 0) {
      for (const stream of this.#streams.values()) {
        if (!stream.sendWindow.shift(difference)) {
          return connectionFault(H2_ERROR.flowControlError, 'window-too-large');
        }
      }
    }
    this.#encoder.setPeerTableBytes(peer.headerTableSize);
    this.writer.frameBytes = Math.min(peer.maxFrameSize, DEFAULT_FRAME_SIZE);
    this.writer.settingsAck();
    if (!this.#settled) {
      this.#settled = true;
      this.#dueMs = NEVER;
      this.#idleSinceMs = performance.now();
      this.#owner.opened(this);
    } else {
      this.#owner.freed(this);
    }
    if (difference > 0) this.#pump();
    return null;
  }

  #takePing(): H2Fault | null {
    const reader = this.#reader;
    if (!reader.ack) {
      const flood = this.#spend('ping');
      if (flood === null) this.writer.ping(reader.bytes, reader.from, true);
      return flood;
    }
    if (this.#pinging) {
      this.#pinging = false;
      this.#dueMs = NEVER;
      this.#owner.freed(this);
    }
    return null;
  }

  /** RFC 9113 6.8: what is above the last stream was not looked at, and may be sent again. */
  #takeGoaway(): void {
    const { otherStreamId, value } = this.#reader;
    this.#retired = true;
    const message = `the upstream closes the connection: ${errorText(value)}`;
    if (value !== H2_ERROR.noError) this.#failure ??= { kind: 'reset', message };
    for (const stream of [...this.#streams.values()]) {
      if (stream.id > otherStreamId) stream.lost({ kind: 'reset', message }, 'left');
    }
    if (this.#streams.size === 0 && !this.#over) this.#leave(H2_ERROR.noError, '');
  }

  #takeWindowUpdate(): H2Fault | null {
    const { streamId, value } = this.#reader;
    if (streamId === 0) {
      if (!this.sendWindow.grow(value)) {
        return connectionFault(H2_ERROR.flowControlError, 'window-too-large');
      }
      this.#pump();
      return null;
    }
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return this.#closedOrIdle(streamId) ?? this.#spend('idle');
    if (!stream.sendWindow.grow(value)) {
      stream.malformed(H2_ERROR.flowControlError, 'window-too-large');
    } else if (this.#blocked.delete(stream)) {
      stream.pump();
    }
    return null;
  }

  /** RFC 9113 5.1: a stream that is over may still have frames under way; one that never was can have none. */
  #closedOrIdle(streamId: number): H2Fault | null {
    return streamId < this.#nextId ? null : connectionFault(H2_ERROR.protocolError, 'stream-idle');
  }

  #spend(kind: FloodKind): H2Fault | null {
    if (this.#floods.spend(kind, this.#readMs) === 'ok') return null;
    return connectionFault(H2_ERROR.enhanceYourCalm, `flood-of-${kind}`);
  }

  // The end.

  #failWith({ error, reason }: H2Fault): void {
    const message = this.#settled
      ? `the upstream breaks the rules of HTTP/2: ${reason}`
      : `the upstream does not speak HTTP/2: ${reason}`;
    this.#fail('protocol', message, error, reason);
  }

  #fail(kind: Failure['kind'], message: string, error: H2ErrorCode = H2_ERROR.noError, reason = ''): void {
    this.#failure = { kind, message };
    this.#retired = true;
    this.#leave(error, reason);
    // Nobody waits for the close to hear of it.
    this.#onClose();
  }

  /** Says goodbye, and closes. */
  #leave(error: H2ErrorCode, reason: string): void {
    this.#over = true;
    this.#retired = true;
    this.#dueMs = performance.now() + FAREWELL_MS;
    if (this.phase !== 'open') {
      this.socket.destroy();
      return;
    }
    this.writer.goaway(0, error, reason);
    this.socket.end(this.writer.take());
  }
}

/** One for all connections: what is read is passed on or copied before the next read. */
const shared = Buffer.allocUnsafeSlow(65_536);

/** One for all connections: a head is used up before the next one is decoded. */
const list = new HeaderList(LIST);
const head = new ResponseReader();

const PING = Buffer.from('rigil?!\n');

const NEVER = Number.POSITIVE_INFINITY;

function finishStep(connection: Http2Connection): void {
  connection.finishStep();
}
