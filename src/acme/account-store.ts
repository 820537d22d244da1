import type { StoreLock } from '../certs/ports.ts';
import type { Instant } from '../platform/clock.ts';

/** An account as it is kept between runs. Holds a private key. */
export interface StoredAccount {
  readonly directory: string;
  /** The issuer section that it was made for. */
  readonly issuer: string;
  readonly email: string | null;
  readonly eabKeyId: string | null;
  /** PEM, PKCS#8. */
  readonly key: string;
  /** A key that the CA was asked to put in the place of `key`, and whose acceptance is not known; else null. */
  readonly nextKey: string | null;
  /** The account's URL at the CA, or null when it is not known (yet). */
  readonly url: string | null;
  readonly createdAt: Instant;
}

/** Where accounts are kept; shared with other processes. */
export interface AccountStore {
  /** The accounts at one CA. @throws RigilError `store-unreadable`: a read error is never taken for absence */
  list(directory: string): Promise<readonly StoredAccount[]>;
  /** Writes an account, in the place of the one with the same directory, e-mail address and key id. */
  save(account: StoredAccount): Promise<void>;
  remove(account: StoredAccount): Promise<void>;
  /** When orders were made with an account, oldest first, as {@link writeStarts} left them; empty when that is damaged. */
  readStarts(account: string): Promise<readonly Instant[]>;
  writeStarts(account: string, starts: readonly Instant[]): Promise<void>;
  /** Waits until no other process works on `key`. */
  lock(key: string, signal: AbortSignal): Promise<Pick<StoreLock, 'release'>>;
}
