import { createHash } from 'node:crypto';
import { codeOf, RigilError } from '../errors.ts';
import { unlessAborted } from '../platform/abort.ts';
import type { Clock } from '../platform/clock.ts';
import { deadline } from '../platform/deadline.ts';
import { generatePrivateKey } from '../x509/private-key.ts';
import type { AccountStore, StoredAccount } from './account-store.ts';
import type { Credentials, OpenProtocol } from './protocol.ts';

/** Whose account it is. Another e-mail address or key id is another account. */
export interface AccountIdentity {
  readonly directory: string;
  /** Name of the issuer section. */
  readonly issuer: string;
  readonly email: string | null;
  readonly eab: { readonly keyId: string; readonly hmac: string } | null;
}

/** An account that the CA knows. */
export interface AccountCredentials extends Credentials {
  readonly url: string;
}

/** Longest time to find, make or change an account, in milliseconds. */
const ACCOUNT_MS = 120_000;

/**
 * The account of one issuer: found in the store or at the CA, or made, when it is first needed. Many orders may ask at
 * once, in several processes: one of them makes it.
 */
export class Account {
  readonly #identity: AccountIdentity;
  readonly #store: AccountStore;
  readonly #open: OpenProtocol;
  readonly #clock: Clock;
  #known: Promise<AccountCredentials> | null = null;

  constructor(identity: AccountIdentity, store: AccountStore, open: OpenProtocol, clock: Clock) {
    this.#identity = identity;
    this.#store = store;
    this.#open = open;
    this.#clock = clock;
  }

  /** The account's key and URL. Without a request when the store has them. */
  credentials(signal: AbortSignal): Promise<AccountCredentials> {
    if (this.#known === null) {
      const work = this.#establish();
      this.#known = work;
      work.catch(() => {
        if (this.#known === work) this.#known = null;
      });
    }
    return unlessAborted(this.#known, signal);
  }

  /** The account's key and URL if the store has them, else null: makes no account. */
  async existing(): Promise<AccountCredentials | null> {
    const account = await this.#find();
    return account === null || account.url === null ? null : this.#credentialsOf(account, account.url);
  }

  /** Says that the CA does not know the account `url` (any more): the next use finds or makes it again, with the same key. */
  async forget(url: string): Promise<void> {
    this.#known = null;
    await this.#locked(null, async () => {
      const account = await this.#find();
      if (account?.url === url) await this.#store.save({ ...account, url: null });
    });
  }

  /** Whether another process gave the account another key or URL than `used`: then the next use has the new ones. */
  async isOutdated({ key, url }: AccountCredentials): Promise<boolean> {
    const account = await this.#find().catch(() => null);
    const outdated = account !== null && (account.key !== key || account.url !== url);
    if (outdated) this.#known = null;
    return outdated;
  }

  /**
   * Gives the account a new key (RFC 8555 7.3.5). The store knows the new key before the CA hears of it, so that
   * whatever happens in between, the next use finds out which one counts. Orders in flight fail and are tried again.
   */
  async changeKey(signal: AbortSignal): Promise<void> {
    await this.credentials(signal);
    try {
      await this.#locked(signal, async (during) => {
        const account = await this.#settled(during);
        const nextKey = await generatePrivateKey('p256');
        await this.#store.save({ ...account, nextKey });
        const protocol = await this.#open(this.#credentialsOf(account, account.url), during);
        await protocol.changeKey(nextKey);
        await this.#store.save({ ...account, key: nextKey, nextKey: null });
      });
    } finally {
      this.#known = null;
    }
  }

  /**
   * Ends the account at the CA for good (RFC 8555 7.3.6) and forgets it: the next order makes another one.
   *
   * @throws RigilError `name-unknown` when there is none
   */
  async deactivate(signal: AbortSignal): Promise<void> {
    try {
      await this.#locked(signal, async (during) => {
        const account = await this.#find();
        if (account === null) {
          throw new RigilError('name-unknown', `there is no account for ${this.#identity.issuer}`);
        }
        const { key, url } = await this.#settled(during);
        const known = url ?? (await this.#askForUrl({ ...account, key }, during));
        if (known !== null) {
          const protocol = await this.#open(this.#credentialsOf({ ...account, key }, known), during);
          await protocol.post(known, { status: 'deactivated' });
        }
        await this.#store.remove(account);
      });
    } finally {
      this.#known = null;
    }
  }

  async #establish(): Promise<AccountCredentials> {
    const stored = await this.#find();
    if (stored !== null && stored.url !== null && stored.nextKey === null) {
      return this.#credentialsOf(stored, stored.url);
    }
    return this.#locked(null, async (signal) => {
      // Another process may have done it while this one waited.
      const account = await this.#settled(signal);
      const url = account.url ?? (await this.#register(account, signal));
      if (account.url === null) await this.#store.save({ ...account, url });
      return this.#credentialsOf(account, url);
    });
  }

  /** The account in the store, after sorting out what an earlier run left unfinished; a new one when there is none. */
  async #settled(signal: AbortSignal): Promise<StoredAccount> {
    const account = (await this.#find()) ?? (await this.#moved(signal)) ?? (await this.#created());
    if (account.nextKey === null) return account;
    const replaced = await this.#askForUrl({ ...account, key: account.nextKey }, signal);
    const settled = { ...account, key: replaced === null ? account.key : account.nextKey, nextKey: null };
    await this.#store.save(settled);
    return settled;
  }

  /** The account that this issuer has under another e-mail address: the CA is told the new one. */
  async #moved(signal: AbortSignal): Promise<StoredAccount | null> {
    const { directory, issuer, email, eab } = this.#identity;
    const accounts = await this.#store.list(directory);
    const former = accounts.find((each) => each.issuer === issuer && each.eabKeyId === (eab?.keyId ?? null));
    if (former === undefined || former.url === null || former.nextKey !== null) return null;
    const protocol = await this.#open(this.#credentialsOf(former, former.url), signal);
    await protocol.changeContact(contactOf(email));
    const moved = { ...former, email };
    await this.#store.save(moved);
    await this.#store.remove(former);
    return moved;
  }

  async #created(): Promise<StoredAccount> {
    const { directory, issuer, email, eab } = this.#identity;
    const account = {
      directory,
      issuer,
      email,
      eabKeyId: eab?.keyId ?? null,
      key: await generatePrivateKey('p256'),
      nextKey: null,
      url: null,
      createdAt: this.#clock.now(),
    };
    // Before the CA hears of it: if the answer is lost, the key finds the account again.
    await this.#store.save(account);
    return account;
  }

  /** Finds the account at the CA by its key, or makes it (RFC 8555 7.3). */
  async #register(account: StoredAccount, signal: AbortSignal): Promise<string> {
    const { email, eab } = this.#identity;
    const protocol = await this.#open(this.#credentialsOf(account, null), signal);
    try {
      return (await protocol.readAccount({ onlyExisting: false, contact: contactOf(email) })).url;
    } catch (error) {
      if (!MAY_BE_BINDING.has(codeOf(error))) throw error;
      // A binding is often good for one account only, and this may be that account with its URL lost.
      const found = await this.#askForUrl(account, signal);
      if (found !== null) return found;
      if (eab !== null) throw bindingInvalid(eab.keyId, error);
      const { externalAccountRequired } = await protocol.directory();
      throw externalAccountRequired ? bindingRequired(error) : error;
    }
  }

  /** The URL that the CA has for the account's key, or null: makes no account. */
  async #askForUrl(account: StoredAccount, signal: AbortSignal): Promise<string | null> {
    try {
      const protocol = await this.#open(this.#credentialsOf(account, null), signal);
      return (await protocol.readAccount({ onlyExisting: true, contact: [] })).url;
    } catch (error) {
      if (codeOf(error) === 'account-unknown') return null;
      throw error;
    }
  }

  async #find(): Promise<StoredAccount | null> {
    const { directory, email, eab } = this.#identity;
    const accounts = await this.#store.list(directory);
    return accounts.find((each) => each.email === email && each.eabKeyId === (eab?.keyId ?? null)) ?? null;
  }

  #credentialsOf<Url extends string | null>(
    { key }: StoredAccount,
    url: Url,
  ): Credentials & { readonly url: Url } {
    return { key, url, eab: this.#identity.eab };
  }

  async #locked<Value>(
    parent: AbortSignal | null,
    work: (signal: AbortSignal) => Promise<Value>,
  ): Promise<Value> {
    using limit = deadline(this.#clock, ACCOUNT_MS, parent);
    const key = `account-${createHash('sha256').update(this.#identity.directory).digest('hex').slice(0, 16)}`;
    const lock = await this.#store.lock(key, limit.signal);
    try {
      return await work(limit.signal);
    } finally {
      await lock.release();
    }
  }
}

function contactOf(email: string | null): readonly string[] {
  return email === null ? [] : [`mailto:${email}`];
}

/** What CAs say of a missing or bad binding: RFC 8555 7.3.4 leaves the kind of error to them. */
const MAY_BE_BINDING: ReadonlySet<string> = new Set(['account-binding-required', 'issuer-refused']);

function bindingInvalid(keyId: string, cause: unknown): RigilError {
  return new RigilError(
    'account-binding-invalid',
    `the CA refused the account binding with key id ${keyId}`,
    {
      cause,
      hint: 'compare `eab KID HMAC` in the issuer section with what the CA gave out; many are good for one account only',
    },
  );
}

function bindingRequired(cause: unknown): RigilError {
  return new RigilError('account-binding-required', 'the CA makes accounts for its customers only', {
    cause,
    hint: 'get a key id and HMAC key from the CA and set `eab KID HMAC` in its issuer section',
  });
}
