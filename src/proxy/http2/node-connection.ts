import { constants, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { type ClientConnection, type EngineOptions, FAREWELL_MS } from '../client-connection.ts';
import { Deadline } from '../deadline.ts';
import type { Limits } from '../protocol.ts';
import { NodeHttp2Exchange } from './node-exchange.ts';

/** Receive window of a whole connection, in bytes: enough for a fast upload, little enough to hold for each client. */
const CONNECTION_WINDOW = 1_048_576;

/** In a GOAWAY: no stream is refused yet. */
const LAST_STREAM = 2 ** 31 - 1;

/** A client's HTTP/2 connection: exchanges side by side, each a stream. */
export class NodeHttp2Connection implements ClientConnection {
  readonly #session: ServerHttp2Session;
  readonly #remoteAddress: string | null;
  readonly #options: EngineOptions;
  readonly #limits: Limits;
  readonly #exchanges = new Set<NodeHttp2Exchange>();
  #idle: Deadline;

  constructor(
    session: ServerHttp2Session,
    remoteAddress: string | null,
    options: EngineOptions,
    limits: Limits,
  ) {
    this.#session = session;
    this.#remoteAddress = remoteAddress;
    this.#options = options;
    this.#limits = limits;
    session.setLocalWindowSize(CONNECTION_WINDOW);
    // The first request has as long as a head may take, later ones as long as a connection is kept.
    this.#idle = new Deadline(limits.headTimeoutMs, () => session.close());
    this.#idle.start();
    session.on('stream', (stream, _headers, _flags, rawHeaders) => this.#onStream(stream, rawHeaders));
    session.on('error', () => {});
    session.on('close', () => {
      this.#idle.stop();
      options.closed(this);
    });
  }

  /** First says that this is the end, then refuses new streams: what was on its way still gets answers (RFC 9113 6.8). */
  finish(): void {
    this.#session.goaway(constants.NGHTTP2_NO_ERROR, LAST_STREAM);
    new Deadline(FAREWELL_MS, () => this.#session.close()).start();
  }

  cut(what: 'requests' | 'all'): boolean {
    const cut = [...this.#exchanges].filter((exchange) => what === 'all' || !exchange.longLived);
    if (cut.length === this.#exchanges.size) this.#session.destroy();
    else for (const exchange of cut) exchange.reset(constants.NGHTTP2_CANCEL);
    return cut.length > 0;
  }

  #onStream(stream: ServerHttp2Stream, rawHeaders: readonly string[]): void {
    const exchange = new NodeHttp2Exchange(stream, rawHeaders, this.#remoteAddress, this.#limits);
    this.#exchanges.add(exchange);
    this.#idle.stop();
    exchange.onEnd = () => {
      this.#exchanges.delete(exchange);
      if (this.#exchanges.size === 0) this.#rest();
    };
    if (tooLarge(exchange.request.headers, this.#limits)) this.#options.refuse(exchange, 431);
    else this.#options.handle(exchange);
  }

  #rest(): void {
    this.#idle.stop();
    this.#idle = new Deadline(this.#limits.keepAliveMs, () => this.#session.close());
    this.#idle.start();
  }
}

/** Whether a head is over the limits, its bytes counted as HTTP/1.1 would spell them. */
function tooLarge(headers: readonly string[], limits: Limits): boolean {
  if (headers.length > limits.headFields * 2) return true;
  let bytes = 0;
  for (const text of headers) bytes += text.length + 2;
  return bytes > limits.headBytes;
}
