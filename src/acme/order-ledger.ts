import { createHash } from 'node:crypto';
import type { Pace } from '../certs/ports.ts';
import { Refusal } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';
import type { AccountStore } from './account-store.ts';

/**
 * The orders of one account, counted in the store by all processes that share it: a daemon, its successor and a cron job
 * keep a CA's limit together, also after restarts.
 *
 * Each of them keeps the limit by itself already, and counts what it knows of. So a refusal here is rare.
 */
export class OrderLedger {
  readonly #account: string;
  readonly #accounts: Pick<AccountStore, 'lock' | 'readStarts' | 'writeStarts'>;
  readonly #limit: Pace;
  readonly #clock: Clock;

  /** @param account names the account among those of the store */
  constructor(
    account: string,
    limit: Pace,
    tools: {
      readonly accounts: Pick<AccountStore, 'lock' | 'readStarts' | 'writeStarts'>;
      readonly clock: Clock;
    },
  ) {
    this.#account = createHash('sha256').update(account).digest('hex').slice(0, 16);
    this.#limit = limit;
    this.#accounts = tools.accounts;
    this.#clock = tools.clock;
  }

  /**
   * Notes that an order is made now. A store that cannot be used does not hold it up: what is ordered then is about to
   * expire.
   *
   * @throws Refusal `rate-limited` when the limit is reached, with the moment when it is not any more
   */
  async enter(signal: AbortSignal): Promise<void> {
    try {
      const lock = await this.#accounts.lock(`orders-${this.#account}`, signal);
      await this.#note().finally(() => lock.release());
    } catch (error) {
      if (signal.aborted || error instanceof Refusal) throw error;
    }
  }

  async #note(): Promise<void> {
    const { issuances, perMs } = this.#limit;
    const now = this.#clock.now();
    const counting = (await this.#accounts.readStarts(this.#account)).filter(
      (at) => at > now - perMs && at <= now,
    );
    const oldest = counting.at(-issuances);
    if (oldest !== undefined) {
      throw new Refusal(
        'rate-limited',
        `the CA takes ${issuances} orders of an account in ${perMs / 3_600_000} hours, and as many were made`,
        { retryAt: oldest + perMs },
      );
    }
    await this.#accounts.writeStarts(this.#account, [...counting, now]);
  }
}
