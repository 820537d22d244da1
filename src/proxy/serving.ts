import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Emit } from '../events/bus.ts';
import type { Clock } from '../platform/clock.ts';
import type { Random } from '../platform/random.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import type { Counters } from './counters.ts';
import type { Limits } from './protocol.ts';

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
  readonly clock?: Clock;
  readonly random?: Random;
}
