import net, { isIP, type OnReadOpts, type Socket } from 'node:net';
import tls from 'node:tls';
import type { Upstream } from '../../routing/route.ts';
import { cutting } from '../codec/field-kind.ts';
import { FRAMING_ONLY } from '../codec/head-only.ts';
import { ChunkedDecoder } from '../codec/http1/chunked-decoder.ts';
import { HeadCollector } from '../codec/http1/head-collector.ts';
import { RESPONSE_LIMITS } from '../codec/http1/head-limits.ts';
import { type BodyKind, responseBody, staysOpen } from '../codec/http1/response-body.ts';
import { ResponseParser } from '../codec/http1/response-parser.ts';
import type { RawHeaders } from '../exchange.ts';
import { type BodySource, PushedBody } from '../pushed-body.ts';
import type { Phase } from './classify.ts';

/** When a silent connection is probed for a peer that is gone, in milliseconds. */
const TCP_KEEP_ALIVE_MS = 15_000;

/** A body that nobody wants is read to its end, up to this many bytes, when that keeps the connection usable. */
const DISCARD_BYTES = 65_536;

const READ_BYTES = 65_536;

/** Whoever uses a connection, or keeps it. */
export interface ConnectionUser {
  /** It can be written to. */
  opened(): void;
  /** An interim response, or 101 when `tunnel`: then both sides carry bytes from here on. */
  informed(head: ResponseParser): void;
  switched(head: ResponseParser): void;
  /** The final response. The head holds until this returns. */
  responded(head: ResponseParser, body: PushedBody | null): void;
  /** The response is complete; the connection can be used again if `reusable`. */
  completed(reusable: boolean): void;
  /** What was written has left. */
  drained(): void;
  /** What came is not HTTP, or not an answer. The connection is closed. */
  malformed(message: string): void;
  /** It is closed, by an error or not. */
  closed(error: Error | null): void;
}

/** One HTTP/1.1 connection to an upstream, and what is read from it. It serves one {@link ConnectionUser} at a time. */
export class UpstreamConnection implements BodySource {
  readonly socket: Socket;
  user: ConnectionUser;
  /** Somebody used it before. */
  reused = false;
  phase: Phase = 'connecting';
  readonly #parser = new ResponseParser();
  readonly #head = new HeadCollector(this.#parser, RESPONSE_LIMITS.bytes);
  #chunked: ChunkedDecoder | null = null;
  #state: State = IDLE;
  #method = '';
  #kind: BodyKind = 'none';
  #body: PushedBody | null = null;
  /** Of a body with a length, in bytes. */
  #left = 0;
  #reusable = false;
  /** What came and nobody has taken yet; never in the shared buffer. */
  #held: Buffer | null = null;
  #reading = false;
  #paused = false;
  #ended = false;
  #error: Error | null = null;

  /** @param session of TLS, from an earlier connection to the same upstream */
  constructor(upstream: Upstream, user: ConnectionUser, session: Buffer | undefined) {
    this.user = user;
    this.socket = this.#connect(upstream, session);
    const { socket } = this;
    socket.setNoDelay(true);
    socket.on('drain', () => this.user.drained());
    socket.on('end', () => this.#onEnd());
    socket.on('error', (error) => {
      this.#error = error;
    });
    socket.on('close', () => this.#onClose());
  }

  get writable(): boolean {
    return this.socket.writable;
  }

  /** Nothing of a response has come. */
  get silent(): boolean {
    return this.#state === HEAD && !this.#head.started;
  }

  /** A request with `method` is about to be written: the next that comes is its response. */
  expect(method: string): void {
    this.#method = method;
    this.#head.reset();
    this.#state = HEAD;
  }

  /** After `switched`: the bytes of the upstream. */
  becomeTunnel(): PushedBody {
    this.#state = BODY;
    this.#kind = 'tunnel';
    this.#body = new PushedBody(this, null, true);
    // One side may end while the other goes on.
    this.socket.allowHalfOpen = true;
    return this.#body;
  }

  destroy(): void {
    this.socket.destroy();
  }

  wanted(): void {
    this.#resume();
  }

  unwanted(): void {
    const short = this.#kind === 'length' && this.#left <= DISCARD_BYTES;
    if (short) this.#resume();
    else this.destroy();
  }

  #connect(upstream: Upstream, session: Buffer | undefined): Socket {
    if (upstream.scheme === 'https') {
      const { host, port } = upstream;
      const socket = tls.connect({
        host,
        port,
        // What is verified is the upstream's own name, not the client's Host. An address has no server name (RFC 6066 3).
        servername: isIP(host) === 0 ? host : '',
        ALPNProtocols: ['http/1.1'],
        ...(session === undefined ? {} : { session }),
      });
      socket.once('connect', () => {
        this.phase = 'securing';
        socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
      });
      socket.once('secureConnect', () => this.#onOpen());
      socket.on('data', (chunk: Buffer) => this.#take(chunk, chunk.length));
      return socket;
    }
    const options =
      upstream.scheme === 'unix' ? { path: upstream.path } : { host: upstream.host, port: upstream.port };
    const onread: OnReadOpts = { buffer: shared, callback: (length) => this.#onRead(length) };
    const socket = net.connect({ ...options, onread });
    if (upstream.scheme === 'http') socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
    socket.once('connect', () => this.#onOpen());
    return socket;
  }

  #onOpen(): void {
    this.phase = 'open';
    this.user.opened();
  }

  #onRead(length: number): boolean {
    this.#take(shared, length);
    return true;
  }

  #onEnd(): void {
    this.#ended = true;
    if (this.#held === null) this.#afterEnd();
  }

  /** The upstream has closed its side, and all that came before is taken. */
  #afterEnd(): void {
    const body = this.#body;
    if (this.#state === BODY && this.#kind === 'until-close') this.#complete([]);
    else if (this.#state === BODY && this.#kind === 'tunnel') body?.finish([]);
    else this.socket.destroy();
  }

  #onClose(): void {
    this.#body = null;
    this.user.closed(this.#error);
  }

  #resume(): void {
    if (this.#reading) return;
    const held = this.#held;
    if (held !== null) {
      this.#held = null;
      this.#take(held, held.length);
      if (this.#held !== null) return;
      if (this.#ended) this.#afterEnd();
    }
    if (!this.#paused) return;
    this.#paused = false;
    this.socket.resume();
  }

  /** Takes bytes as far as somebody wants them. */
  #take(bytes: Buffer, to: number): void {
    if (this.#held !== null) {
      this.#hold(Buffer.concat([this.#held, bytes.subarray(0, to)]), 0, undefined);
      return;
    }
    let at = 0;
    this.#reading = true;
    while (at >= 0 && at < to) {
      const next = this.#takeFrom(bytes, at, to);
      if (next === at) {
        this.#hold(bytes, at, to);
        break;
      }
      at = next;
    }
    this.#reading = false;
    if (this.#held === null && this.#state === BODY && this.#body?.ready === false && !this.#body.over) {
      this.#pause();
    }
  }

  #hold(bytes: Buffer, from: number, to: number | undefined): void {
    this.#held = Buffer.from(bytes.subarray(from, to));
    this.#pause();
  }

  #pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.socket.pause();
  }

  /** Returns how far it came; `at` when nobody wants more now, -1 when the rest is of no interest. */
  #takeFrom(bytes: Buffer, at: number, to: number): number {
    switch (this.#state) {
      case IDLE:
        // Nobody asked.
        this.destroy();
        return -1;
      case HEAD:
        return this.#takeHead(bytes, at, to);
      case BODY:
        return this.#takeBody(bytes, at, to);
      default:
        return this.#state satisfies never;
    }
  }

  #takeHead(bytes: Buffer, at: number, to: number): number {
    const parser = this.#parser;
    const verdict = this.#head.push(bytes, at, to);
    if (verdict === 'more') return to;
    if (verdict === 'fault') return this.#fail(`the response is malformed: ${parser.fault}`);
    const end = this.#head.end;
    const { status } = parser;
    if (status > 599) return this.#fail(`the status ${status} is not valid`);
    if (status === 101) {
      this.#state = IDLE;
      this.user.switched(parser);
      return end;
    }
    if (status < 200) {
      this.user.informed(parser);
      this.#head.reset();
      return end;
    }
    this.#begin(parser, end === to);
    return end;
  }

  /** @param whole nothing came behind the head */
  #begin(parser: ResponseParser, whole: boolean): void {
    const kind = responseBody(parser, this.#method);
    this.#kind = kind;
    this.#reusable = staysOpen(parser, kind);
    this.#left = parser.contentLength;
    if (kind === 'none') {
      this.#state = IDLE;
      this.user.responded(parser, null);
      this.user.completed(this.#reusable && whole);
      return;
    }
    this.#state = BODY;
    if (kind === 'chunked') {
      this.#chunked ??= new ChunkedDecoder(FRAMING_ONLY);
      this.#chunked.reset();
    }
    const body = new PushedBody(this, kind === 'length' ? parser.contentLength : null, true);
    this.#body = body;
    this.user.responded(parser, body);
  }

  #takeBody(bytes: Buffer, at: number, to: number): number {
    const body = this.#body;
    if (body === null) return -1;
    if (!body.ready && !body.over) return at;
    switch (this.#kind) {
      case 'chunked':
        return this.#takeChunks(bytes, at, to);
      case 'length': {
        const end = Math.min(to, at + this.#left);
        this.#left -= end - at;
        if (!body.over) body.push(bytes.subarray(at, end));
        if (this.#left > 0) return end;
        if (end < to) this.#reusable = false;
        this.#complete([]);
        return end < to ? -1 : end;
      }
      default:
        if (!body.over) body.push(bytes.subarray(at, to));
        return to;
    }
  }

  #takeChunks(bytes: Buffer, at: number, to: number): number {
    const chunked = this.#chunked;
    const verdict = chunked?.read(bytes, at, to, this.#takePiece);
    if (chunked === null || verdict === 'more') return to;
    if (verdict === 'fault') return this.#fail(`the body is malformed: ${chunked.fault}`);
    if (chunked.end < to) this.#reusable = false;
    this.#complete(chunked.trailers.count === 0 ? NONE : chunked.trailers.toRawHeaders(ALL));
    return -1;
  }

  readonly #takePiece = (bytes: Buffer, from: number, to: number): void => {
    this.#body?.push(bytes.subarray(from, to));
  };

  #complete(trailers: RawHeaders): void {
    const body = this.#body;
    this.#body = null;
    this.#state = IDLE;
    // First the connection, so that whatever the end of the body brings about can use it again.
    this.user.completed(this.#reusable);
    body?.finish(trailers);
  }

  #fail(message: string): number {
    this.#body = null;
    this.#state = IDLE;
    this.user.malformed(message);
    this.destroy();
    return -1;
  }
}

/** One for all connections: what is read is passed on or copied before the next read. */
const shared = Buffer.allocUnsafeSlow(READ_BYTES);

/** Only what is never passed on in any case. */
const ALL = cutting();

const NONE: RawHeaders = [];

type State = typeof IDLE | typeof HEAD | typeof BODY;
/** No response is waited for. */
const IDLE = 0;
const HEAD = 1;
const BODY = 2;
