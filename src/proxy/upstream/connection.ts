import type { OnReadOpts, Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { cutting } from '../codec/field-kind.ts';
import { FRAMING_ONLY } from '../codec/head-only.ts';
import { ChunkedDecoder } from '../codec/http1/chunked-decoder.ts';
import { HeadCollector } from '../codec/http1/head-collector.ts';
import { RESPONSE_LIMITS } from '../codec/http1/head-limits.ts';
import { type BodyKind, responseBody, staysOpen } from '../codec/http1/response-body.ts';
import { ResponseParser } from '../codec/http1/response-parser.ts';
import { readDirectly } from '../direct-reads.ts';
import type { RawHeaders } from '../exchange.ts';
import { Outgoing } from '../outgoing.ts';
import { type BodySource, PushedBody } from '../pushed-body.ts';
import type { Phase } from './classify.ts';

/** A body that nobody wants is read to its end, up to this many bytes, when that keeps the connection usable. */
const DISCARD_BYTES = 65_536;

/**
 * Interim responses of one answer, in bytes with their heads. Each is passed on at once, however slowly the client
 * reads: their number must have an end. For a 102 every twenty seconds it lasts for days.
 */
const INTERIM_BYTES = 262_144;

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

/**
 * One HTTP/1.1 connection to an upstream, and what is read from it. It serves one {@link ConnectionUser} at a time.
 *
 * One state machine, and therefore one file: how far the bytes are taken decides about the head, the body and the next use.
 */
export class UpstreamConnection implements BodySource {
  readonly socket: Socket;
  /** What is written to the upstream. */
  readonly out: Outgoing;
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
  #interimBytes = 0;
  /** What came and nobody has taken yet; never in the shared buffer. */
  #held: Buffer | null = null;
  /** What is being taken: `#bytes` from `#at` to `#to`. */
  #bytes: Buffer = shared;
  #at = 0;
  #to = 0;
  #paused = false;
  #ended = false;
  #error: Error | null = null;

  /** @param open gives it a socket that is on its way, or one on which TLS and HTTP/1.1 have been agreed on */
  constructor(open: (onread: OnReadOpts) => Socket, user: ConnectionUser) {
    this.user = user;
    this.socket = this.#connect(open);
    const { socket } = this;
    this.out = new Outgoing(socket, this.phase === 'open');
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
    this.#interimBytes = 0;
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

  #connect(open: (onread: OnReadOpts) => Socket): Socket {
    const socket = open({ buffer: shared, callback: (length) => this.#onRead(length) });
    if (!(socket instanceof TLSSocket)) {
      socket.once('connect', () => this.#onOpen());
      return socket;
    }
    readDirectly(socket, (chunk) => this.#take(chunk, chunk.length));
    if (socket.alpnProtocol !== null) {
      this.phase = 'open';
      return socket;
    }
    socket.once('connect', () => {
      this.phase = 'securing';
    });
    socket.once('secureConnect', () => this.#onOpen());
    return socket;
  }

  #onOpen(): void {
    this.phase = 'open';
    this.out.open = true;
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
    if (this.#state === BODY && this.#kind === 'until-close') this.#complete(NONE);
    else if (this.#state === BODY && this.#kind === 'tunnel') body?.finish([]);
    else this.socket.destroy();
  }

  #onClose(): void {
    this.#body = null;
    this.user.closed(this.#error);
  }

  #resume(): void {
    // In the middle of a step: the first bytes of a body follow the head at once.
    if (this.#at < this.#to) {
      this.#run();
      return;
    }
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
      this.#held = Buffer.concat([this.#held, bytes.subarray(0, to)]);
      return;
    }
    this.#bytes = bytes;
    this.#at = 0;
    this.#to = to;
    this.#run();
  }

  /** Whatever a step brings about may call this again: where it stands is known before anybody is told. */
  #run(): void {
    while (this.#at < this.#to && this.#step());
    if (this.#at < this.#to) {
      this.#held = Buffer.from(this.#bytes.subarray(this.#at, this.#to));
      this.#at = this.#to;
    }
    const body = this.#body;
    if (this.#held === null && (body === null || body.ready || body.over)) return;
    if (this.#paused) return;
    this.#paused = true;
    this.socket.pause();
  }

  /** Takes one thing; false when nobody wants more now. */
  #step(): boolean {
    switch (this.#state) {
      case IDLE:
        // Nobody asked.
        this.#at = this.#to;
        this.destroy();
        return true;
      case HEAD:
        this.#takeHead();
        return true;
      case BODY:
        return this.#takeBody();
      default:
        return this.#state satisfies never;
    }
  }

  #takeHead(): void {
    const parser = this.#parser;
    const verdict = this.#head.push(this.#bytes, this.#at, this.#to);
    this.#at = verdict === 'done' ? this.#head.end : this.#to;
    if (verdict === 'more') return;
    const { status } = parser;
    if (verdict === 'fault') {
      this.#fail(`the response is malformed: ${parser.fault}`);
    } else if (status > 599) {
      this.#fail(`the status ${status} is not valid`);
    } else if (status === 101) {
      this.#state = IDLE;
      this.user.switched(parser);
    } else if (status < 200) {
      this.#interimBytes += parser.length;
      if (this.#interimBytes > INTERIM_BYTES) {
        this.#fail('there is no end of interim responses');
        return;
      }
      this.user.informed(parser);
      this.#head.reset();
    } else {
      this.#begin(parser);
    }
  }

  #begin(parser: ResponseParser): void {
    const kind = responseBody(parser, this.#method);
    this.#kind = kind;
    this.#reusable = staysOpen(parser, kind);
    this.#left = parser.contentLength;
    if (kind === 'none') {
      this.#state = IDLE;
      this.user.responded(parser, null);
      this.user.completed(this.#reusable && this.#at === this.#to);
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

  #takeBody(): boolean {
    const body = this.#body;
    const bytes = this.#bytes;
    const from = this.#at;
    if (body === null || !(body.ready || body.over)) return false;
    this.#at = this.#to;
    if (this.#kind === 'chunked') {
      this.#takeChunks(bytes, from, this.#to);
      return true;
    }
    let to = this.#to;
    if (this.#kind === 'length') {
      to = Math.min(to, from + this.#left);
      this.#left -= to - from;
      if (to < this.#to) this.#reusable = false;
    }
    if (!body.over) body.push(bytes.subarray(from, to));
    if (this.#kind === 'length' && this.#left === 0) this.#complete(NONE);
    return true;
  }

  #takeChunks(bytes: Buffer, from: number, to: number): void {
    const chunked = this.#chunked;
    const verdict = chunked?.read(bytes, from, to, this.#takePiece);
    if (chunked === null || verdict === 'more') return;
    if (verdict === 'fault') {
      this.#fail(`the body is malformed: ${chunked.fault}`);
      return;
    }
    if (chunked.end < to) this.#reusable = false;
    this.#complete(chunked.trailers.count === 0 ? NONE : chunked.trailers.toRawHeaders(ALL));
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

  #fail(message: string): void {
    this.#body = null;
    this.#state = IDLE;
    this.user.malformed(message);
    this.destroy();
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
