import type { TLSSocket } from 'node:tls';
import type { Upstream } from '../../routing/route.ts';
import type { Limits } from '../protocol.ts';
import { NOWHERE, type Sweep, type Timed } from '../sweep.ts';
import { type ConnectionUser, UpstreamConnection } from './connection.ts';
import type { Dialer } from './dialer.ts';

/** How many idle connections are kept for one upstream. */
const IDLE_CONNECTIONS = 512;

/** The connections to upstreams that nobody uses: a stack for each, so that the one used last is used first. */
export class Pool implements Timed {
  place = NOWHERE;
  readonly #idleMs: number;
  readonly #sweep: Sweep;
  readonly #stacks = new Map<string, Idle[]>();
  readonly #dialer: Dialer;
  #closed = false;

  constructor({ upstreamIdleMs }: Limits, sweep: Sweep, dialer: Dialer) {
    this.#idleMs = upstreamIdleMs;
    this.#dialer = dialer;
    this.#sweep = sweep;
    sweep.add(this);
  }

  /** A connection that was used before, or null. */
  take(upstream: Upstream, user: ConnectionUser): UpstreamConnection | null {
    const stack = this.#stacks.get(this.#dialer.keyOf(upstream));
    for (let idle = stack?.pop(); idle !== undefined; idle = stack?.pop()) {
      const { connection } = idle;
      if (!connection.writable) continue;
      connection.user = user;
      return connection;
    }
    return null;
  }

  /** A new connection. */
  open(upstream: Upstream, user: ConnectionUser): UpstreamConnection {
    return new UpstreamConnection((onread) => this.#dialer.dial(upstream, HTTP1, onread), user);
  }

  /** Takes over a socket on which the upstream has chosen HTTP/1.1. */
  adopt(upstream: Upstream, socket: TLSSocket): void {
    this.put(upstream, new UpstreamConnection(() => socket, NOBODY));
  }

  /** Keeps a connection on which nothing is under way. */
  put(upstream: Upstream, connection: UpstreamConnection): void {
    const key = this.#dialer.keyOf(upstream);
    let stack = this.#stacks.get(key);
    if (stack === undefined) {
      stack = [];
      this.#stacks.set(key, stack);
    }
    if (this.#closed || stack.length >= IDLE_CONNECTIONS || !connection.writable) {
      connection.user = NOBODY;
      connection.destroy();
      return;
    }
    connection.reused = true;
    const idle = new Idle(connection, stack, performance.now() + (upstream.timeouts?.idleMs ?? this.#idleMs));
    connection.user = idle;
    stack.push(idle);
  }

  /** Closes what is idle, and keeps nothing any more. */
  close(): void {
    this.#closed = true;
    this.#sweep.delete(this);
    for (const stack of this.#stacks.values()) for (const { connection } of stack) connection.destroy();
  }

  tick(nowMs: number): void {
    for (const [key, stack] of this.#stacks) {
      // Those at the bottom have waited longest.
      for (const idle of stack) {
        if (idle.dueMs > nowMs) break;
        idle.connection.destroy();
      }
      if (stack.length === 0) this.#stacks.delete(key);
    }
  }
}

/** A connection in a stack, which it leaves when the upstream closes it. */
class Idle implements ConnectionUser {
  readonly connection: UpstreamConnection;
  readonly dueMs: number;
  readonly #stack: Idle[];

  constructor(connection: UpstreamConnection, stack: Idle[], dueMs: number) {
    this.connection = connection;
    this.#stack = stack;
    this.dueMs = dueMs;
  }

  closed(): void {
    const index = this.#stack.indexOf(this);
    if (index >= 0) this.#stack.splice(index, 1);
  }

  opened(): void {}
  informed(): void {}
  switched(): void {}
  responded(): void {}
  completed(): void {}
  drained(): void {}
  malformed(): void {}
}

const HTTP1: readonly string[] = ['http/1.1'];

const NOBODY: ConnectionUser = {
  opened() {},
  informed() {},
  switched() {},
  responded() {},
  completed() {},
  drained() {},
  malformed() {},
  closed() {},
};
