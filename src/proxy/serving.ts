import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Emit } from '../events/bus.ts';
import { type Clock, systemClock } from '../platform/clock.ts';
import { type Random, systemRandom } from '../platform/random.ts';
import type { Snapshot, TailnetSettings } from '../snapshot/snapshot.ts';
import type { AccessLog } from './access-log/access-log.ts';
import { Answer } from './answer.ts';
import { Balancer } from './balance/balancer.ts';
import { type ClientConnection, type EngineOptions, FAREWELL_MS } from './client-connection.ts';
import { type Counters, NO_ROUTE } from './counters.ts';
import type { Exchange } from './exchange.ts';
import { FailureLog } from './failure-log.ts';
import { createHandler, refuse } from './handler.ts';
import { Http1Server } from './http1/server.ts';
import { Http2Server } from './http2/server.ts';
import { createPlainHandler } from './plain-handler.ts';
import type { Limits } from './protocol.ts';
import { Sweep } from './sweep.ts';
import { Identities } from './tailnet/identities.ts';
import { plainAddress } from './trusted-peers.ts';
import { AnyUpstreams } from './upstream/any-upstreams.ts';

/** When a silent connection is probed for a peer that is gone. */
const TCP_KEEP_ALIVE_MS = 15_000;

/** How many connections are looked at for one that can give way. It happens when there are many, and for each that comes. */
const LOOKS = 32;

/** Everything that happens on accepted connections. It opens no listener and knows no certificate. */
export interface Serving {
  /** Takes a TLS connection after its handshake; ALPN `h2` is HTTP/2, anything else HTTP/1.1. */
  acceptSecure(socket: TLSSocket): void;
  /**
   * Takes a connection of a plain listener: challenge answers of http-01, and redirects to https for the rest. From the
   * tailnet, if it is to be so, requests are proxied.
   */
  acceptPlain(socket: Socket): void;
  /** This connection will be here after its handshake: what is to be asked about its client can be asked now. */
  expect(socket: Socket): void;
  /** Looks for a connection that is kept open for a next request only, and closes it. */
  makeRoom(): void;
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
  /** See {@link WorkerReport}. */
  readonly failing: readonly string[];
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

/** Who speaks the protocols of a TLS connection. */
interface Engines {
  readonly http1: Http1Server;
  readonly http2: Http2Server;
}

/** Puts together the data path of one worker. */
export function createServing(options: ServingOptions): Serving {
  return new NodeServing(options);
}

class NodeServing implements Serving {
  readonly #counters: Counters;
  readonly #balancer: Balancer;
  readonly #clock: Clock;
  readonly #upstreams: AnyUpstreams;
  readonly #current: () => Snapshot;
  /** For everybody, and for those who come over the tailnet. */
  readonly #secure: Engines;
  readonly #tailnet: Engines;
  readonly #plain: Http1Server;
  readonly #tailnetPlain: Http1Server;
  readonly #identities: Identities;
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
    this.#balancer = new Balancer(random);
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
      balancer: this.#balancer,
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
    this.#current = current;
    this.#identities = new Identities({ tailnet: () => current().tailnet, emit });
    const identified = createHandler(context, this.#identities);
    const engines = (options: EngineOptions): Engines => ({
      http1: new Http1Server(options, limits, sweep),
      http2: new Http2Server(options, limits, sweep, random),
    });
    this.#secure = engines(secure);
    this.#tailnet = engines({ ...secure, handle: identified });
    this.#plain = new Http1Server(plain, limits, sweep);
    this.#tailnetPlain = new Http1Server({ ...plain, handle: identified }, limits, sweep);
  }

  get connections(): number {
    return this.#connections.size;
  }

  get requests(): number {
    return this.#counters.requests;
  }

  get failing(): readonly string[] {
    return this.#balancer.failing;
  }

  acceptSecure(socket: TLSSocket): void {
    const { http1, http2 } = this.#tailnetOf(socket) === null ? this.#secure : this.#tailnet;
    const engine = socket.alpnProtocol === 'h2' ? http2 : http1;
    this.#accept(socket, () => engine.accept(socket));
  }

  acceptPlain(socket: Socket): void {
    const served = this.#tailnetOf(socket)?.http === 'serve';
    const engine = served ? this.#tailnetPlain : this.#plain;
    this.#accept(socket, () => engine.accept(socket));
  }

  expect(socket: Socket): void {
    if (this.#tailnetOf(socket) !== null) this.#identities.expect(socket.remoteAddress ?? null);
  }

  makeRoom(): void {
    let looks = LOOKS;
    for (const connection of this.#connections) {
      if (connection.giveWay?.() === true || looks === 0) return;
      // Next time others are looked at first.
      this.#connections.delete(connection);
      this.#connections.add(connection);
      looks--;
    }
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

  /** The tailnet, if the client has connected to an address in it. */
  #tailnetOf(socket: Socket): TailnetSettings | null {
    const { tailnet } = this.#current();
    if (tailnet === null || socket.localAddress === undefined) return null;
    return tailnet.addresses.includes(plainAddress(socket.localAddress)) ? tailnet : null;
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
