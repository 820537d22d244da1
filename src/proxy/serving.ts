import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Emit } from '../events/bus.ts';
import { type Clock, systemClock } from '../platform/clock.ts';
import { type Random, systemRandom } from '../platform/random.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import type { AccessLog } from './access-log/access-log.ts';
import { Answer } from './answer.ts';
import { type ClientConnection, FAREWELL_MS } from './client-connection.ts';
import { type Counters, NO_ROUTE } from './counters.ts';
import type { Exchange } from './exchange.ts';
import { FailureLog } from './failure-log.ts';
import { createHandler, refuse } from './handler.ts';
import { Http1Server } from './http1/server.ts';
import { NodeHttp2 } from './http2/node-server.ts';
import { createPlainHandler } from './plain-handler.ts';
import type { Limits } from './protocol.ts';
import { Sweep } from './sweep.ts';
import { AnyUpstreams } from './upstream/any-upstreams.ts';

/** When a silent connection is probed for a peer that is gone. */
const TCP_KEEP_ALIVE_MS = 15_000;

/** Everything that happens on accepted connections. It opens no listener and knows no certificate. */
export interface Serving {
  /** Takes a TLS connection after its handshake; ALPN `h2` is HTTP/2, anything else HTTP/1.1. */
  acceptSecure(socket: TLSSocket): void;
  /** Takes a connection of a plain listener: challenge answers of http-01, and redirects to https for the rest. */
  acceptPlain(socket: Socket): void;
  /**
   * Finishes what runs and takes nothing new on: idle connections close at once, the others after their response
   * (GOAWAY on HTTP/2). After `requestsMs` what still runs is cut, except upgraded connections and event streams;
   * those are cut after `streamsMs`, both counted from the call. Resolves when no connection is left.
   */
  drain(times: { readonly requestsMs: number; readonly streamsMs: number }): Promise<{ cut: number }>;
  /** Open client connections now. */
  readonly connections: number;
  /** Responses since the start. */
  readonly requests: number;
}

export interface ServingOptions {
  /** The current snapshot: read once for each request. */
  readonly current: () => Snapshot;
  readonly limits: Limits;
  readonly counters: Counters;
  readonly emit: Emit;
  /** Default: requests are not logged. */
  readonly accessLog?: AccessLog | null;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** Puts together the data path of one worker. */
export function createServing(options: ServingOptions): Serving {
  return new NodeServing(options);
}

class NodeServing implements Serving {
  readonly #counters: Counters;
  readonly #clock: Clock;
  readonly #upstreams: AnyUpstreams;
  readonly #secure1: Http1Server;
  readonly #secure2: NodeHttp2;
  readonly #plain: Http1Server;
  readonly #connections = new Set<ClientConnection>();
  #drained: (() => void) | null = null;
  #draining = false;

  constructor({
    current,
    limits,
    counters,
    emit,
    accessLog = null,
    clock = systemClock,
    random = systemRandom,
  }: ServingOptions) {
    this.#counters = counters;
    this.#clock = clock;
    const sweep = new Sweep(shortestLimit(limits));
    this.#upstreams = new AnyUpstreams(limits, sweep);
    const failures = new FailureLog(emit, clock);
    const context = {
      current,
      upstreams: this.#upstreams,
      counters,
      failures,
      clock,
      random,
      emit,
      accessLog,
    };
    const common = {
      refuse: (exchange: Exchange, status: number) => refuse(new Answer(exchange, context), status),
      closed: (connection: ClientConnection) => this.#closed(connection),
    };
    const refused = (scheme: 'http' | 'https') => (status: number, remoteAddress: string | null) => {
      counters.response(NO_ROUTE, status);
      accessLog?.refused(status, scheme, remoteAddress);
    };
    const secure = {
      ...common,
      scheme: 'https',
      handle: createHandler(context),
      refused: refused('https'),
    } as const;
    const plain = {
      ...common,
      scheme: 'http',
      handle: createPlainHandler(context),
      refused: refused('http'),
    } as const;
    this.#secure1 = new Http1Server(secure, limits, sweep);
    this.#secure2 = new NodeHttp2(secure, limits);
    this.#plain = new Http1Server(plain, limits, sweep);
  }

  get connections(): number {
    return this.#connections.size;
  }

  get requests(): number {
    return this.#counters.requests;
  }

  acceptSecure(socket: TLSSocket): void {
    const engine = socket.alpnProtocol === 'h2' ? this.#secure2 : this.#secure1;
    this.#accept(socket, () => engine.accept(socket));
  }

  acceptPlain(socket: Socket): void {
    this.#accept(socket, () => this.#plain.accept(socket));
  }

  async drain({
    requestsMs,
    streamsMs,
  }: {
    readonly requestsMs: number;
    readonly streamsMs: number;
  }): Promise<{ cut: number }> {
    this.#draining = true;
    const empty = new AbortController();
    this.#drained = () => empty.abort();
    for (const connection of this.#connections) connection.finish();
    const cut = new Set<ClientConnection>();
    if (this.#connections.size > 0) await this.#clock.sleep(requestsMs, empty.signal);
    for (const connection of [...this.#connections]) if (connection.cut('requests')) cut.add(connection);
    if (this.#connections.size > 0) await this.#clock.sleep(streamsMs - requestsMs, empty.signal);
    for (const connection of [...this.#connections]) if (connection.cut('all')) cut.add(connection);
    if (this.#connections.size > 0) await this.#clock.sleep(FAREWELL_MS, empty.signal);
    this.#upstreams.close();
    return { cut: cut.size };
  }

  #accept(socket: Socket, take: () => ClientConnection): void {
    socket.setNoDelay(true);
    socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
    const connection = take();
    this.#connections.add(connection);
    if (this.#draining) connection.finish();
  }

  #closed(connection: ClientConnection): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#drained?.();
  }
}

function shortestLimit(limits: Limits): number {
  return Math.min(
    limits.headTimeoutMs,
    limits.bodyIdleMs,
    limits.keepAliveMs,
    limits.upstreamConnectMs,
    limits.upstreamResponseMs,
    limits.upstreamIdleMs,
    limits.upstreamPingMs,
  );
}
