import { randomUUID } from 'node:crypto';
import type { StoreLock } from '../../certs/ports.ts';
import { RigilError } from '../../errors.ts';
import type { Clock, Instant } from '../../platform/clock.ts';
import type { RedisConnection } from './connection.ts';
import type { Keys } from './keys.ts';
import { EXTEND_LOCK, GIVE_LOCK, TAKE_LOCK } from './scripts.ts';

/** How long a lock lasts after its holder was last heard of, in milliseconds. */
export const LOCK_LIFE_MS = 15_000;
/** How often a holder shows that it lives. */
const HEARTBEAT_MS = LOCK_LIFE_MS / 3;
/** How often a holder looks at the clock: it may have been stopped, or Redis be away. */
const LOOK_MS = 1_000;

/** Pauses between two attempts at a lock that somebody has, in milliseconds; each is twice the one before. */
const FIRST_PAUSE_MS = 25;
const LONGEST_PAUSE_MS = 500;

/** The locks of a Redis store: a key that expires for each, and a counter for the fences. */
export class RedisLocks {
  readonly #connection: RedisConnection;
  readonly #keys: Keys;
  readonly #clock: Clock;

  constructor(connection: RedisConnection, keys: Keys, clock: Clock) {
    this.#connection = connection;
    this.#keys = keys;
    this.#clock = clock;
  }

  /**
   * Waits until nobody has the lock, and takes it.
   *
   * @throws RigilError `aborted` when `signal` aborts, or that of the store
   */
  async acquire(key: string, signal: AbortSignal): Promise<RedisLock> {
    const token = randomUUID();
    let pauseMs = FIRST_PAUSE_MS;
    while (!signal.aborted) {
      const askedAt = this.#clock.now();
      const keys = [this.#keys.lock(key), this.#keys.fence];
      const fence = await this.#connection.run(TAKE_LOCK, keys, [token, LOCK_LIFE_MS]);
      if (typeof fence === 'number') {
        const lock = new RedisLock(key, keys[0] ?? '', token, fence, askedAt, this.#connection, this.#clock);
        if (!signal.aborted) return lock;
        await lock.release();
        break;
      }
      await this.#clock.sleep(pauseMs, signal);
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
    throw new RigilError('aborted', `the wait for the lock on ${key} was broken off`);
  }
}

/**
 * A lock that this process has. It counts as lost as soon as Redis may have given it to somebody else: when it says so,
 * or when it has not been heard of for the life of a lock.
 */
export class RedisLock implements StoreLock {
  readonly key: string;
  readonly fence: number;
  /** Who has it: writes are made only while this is what the key holds. */
  readonly token: string;
  readonly #redisKey: string;
  readonly #connection: RedisConnection;
  readonly #clock: Clock;
  readonly #lost = new AbortController();
  readonly #stop: () => void;
  #heardAt: Instant;
  #askedAt: Instant;
  #released = false;

  constructor(
    key: string,
    redisKey: string,
    token: string,
    fence: number,
    askedAt: Instant,
    connection: RedisConnection,
    clock: Clock,
  ) {
    this.key = key;
    this.fence = fence;
    this.token = token;
    this.#redisKey = redisKey;
    this.#connection = connection;
    this.#clock = clock;
    this.#heardAt = askedAt;
    this.#askedAt = askedAt;
    this.#stop = clock.every(LOOK_MS, () => this.#look());
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Whether it was given back or lost, as far as is known here. */
  get isOver(): boolean {
    return this.#released || this.lost.aborted;
  }

  /** Says that it is lost. */
  lose(): void {
    this.#stop();
    this.#lost.abort();
  }

  async release(): Promise<void> {
    this.#stop();
    if (this.#released) return;
    this.#released = true;
    // If it cannot be said now it expires.
    await this.#connection.run(GIVE_LOCK, [this.#redisKey], [this.token]).catch(() => {});
  }

  #look(): void {
    const now = this.#clock.now();
    // Before the next look somebody else may have it.
    if (now - this.#heardAt >= LOCK_LIFE_MS - LOOK_MS) this.lose();
    else if (now - this.#askedAt >= HEARTBEAT_MS) void this.#beat(now);
  }

  async #beat(askedAt: Instant): Promise<void> {
    this.#askedAt = askedAt;
    try {
      const extended = await this.#connection.run(EXTEND_LOCK, [this.#redisKey], [this.token, LOCK_LIFE_MS]);
      if (extended === 1) this.#heardAt = askedAt;
      else if (!this.#released) this.lose();
    } catch {
      // Redis may be back before the lock expires; `#look` has the last word.
    }
  }
}
