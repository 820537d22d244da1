import { RigilError } from '../../errors.ts';
import { throwIfAborted } from '../../platform/abort.ts';
import type { Clock, Instant } from '../../platform/clock.ts';
import { Mutex } from '../mutex.ts';

/** The server tells updates apart by whole seconds: two in one second could replace the wrong value. */
const SHORTEST_GAP_MS = 1100;
/** Longest wait for a value of another challenge to be done with, in milliseconds. */
const LONGEST_WAIT_MS = 120_000;
const PAUSE_MS = 1000;

interface Account {
  /** The values that the server answers with, older first, at most two. */
  recent: readonly string[];
  updatedAt: Instant;
}

/**
 * An acme-dns account holds two values, and an update replaces the older one, needed or not. So an update waits until
 * the older value is no longer needed.
 */
export class Rotation {
  readonly #clock: Clock;
  readonly #mutex = new Mutex();
  readonly #accounts = new Map<string, Account>();
  readonly #needed = new Set<string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Runs `update`, which sets `value`, when it does no harm. The value counts as needed until {@link release}.
   *
   * @throws RigilError `dns-provider-failed` when that takes too long; what `update` throws
   */
  add(subdomain: string, value: string, signal: AbortSignal, update: () => Promise<void>): Promise<void> {
    return this.#mutex.run(subdomain, signal, async () => {
      const account = this.#accounts.get(subdomain) ?? { recent: [], updatedAt: 0 };
      const giveUpAt = this.#clock.now() + LONGEST_WAIT_MS;
      const [older, newer] = account.recent;
      while (older !== undefined && newer !== undefined && this.#needed.has(older)) {
        if (this.#clock.now() >= giveUpAt) throw crowded(subdomain);
        await this.#clock.sleep(PAUSE_MS, signal);
        throwIfAborted(signal);
      }
      await this.#clock.sleep(account.updatedAt + SHORTEST_GAP_MS - this.#clock.now(), signal);
      throwIfAborted(signal);
      this.#needed.add(value);
      // Counted before it is known to have worked: a request that was cut off may have been carried out.
      this.#accounts.set(subdomain, {
        recent: [...account.recent, value].slice(-2),
        updatedAt: this.#clock.now(),
      });
      try {
        await update();
      } catch (error) {
        this.#needed.delete(value);
        throw error;
      }
    });
  }

  /** The value may be replaced. */
  release(value: string): void {
    this.#needed.delete(value);
  }
}

function crowded(subdomain: string): RigilError {
  return new RigilError(
    'dns-provider-failed',
    `acme-dns: the account ${subdomain} holds two values that are still needed, and takes no third`,
    { hint: 'give each domain an account of its own: accounts=FILE' },
  );
}
