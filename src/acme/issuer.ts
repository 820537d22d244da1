import { readFile } from 'node:fs/promises';
import type { Certificate, CertificateFacts } from '../certs/certificate.ts';
import type { Issued, Issuer, Order, Pace, RenewalInfo } from '../certs/ports.ts';
import { codeOf, RigilError } from '../errors.ts';
import type { Emit } from '../events/bus.ts';
import type { Clock } from '../platform/clock.ts';
import type { Random } from '../platform/random.ts';
import { certificatesOf } from '../x509/pem.ts';
import type { KeyType } from '../x509/private-key.ts';
import { Account, type AccountCredentials } from './account.ts';
import type { AccountStore } from './account-store.ts';
import { acmeClientProtocol } from './acme-client.ts';
import { Connection } from './connection.ts';
import { issueCertificate } from './issuance.ts';
import { OrderLedger } from './order-ledger.ts';
import type { OpenProtocol } from './protocol.ts';
import { RateLimiter } from './rate-limiter.ts';
import { fetchRenewalInfo } from './renewal-info.ts';
import { revokeCertificate } from './revocation.ts';
import type { Solver } from './solvers/solver.ts';
import { type Environment, Transport } from './transport.ts';

/** An `issuer` section with `type acme`. */
export interface AcmeIssuerSettings {
  readonly name: string;
  /** Directory URL (RFC 8555 7.1.1). */
  readonly directory: string;
  readonly email: string | null;
  readonly eab: { readonly keyId: string; readonly hmac: string } | null;
  readonly profile: string | null;
  readonly preferredChain: string | null;
  readonly mustStaple: boolean;
  readonly keyType: KeyType;
  /** PEM file of the only roots to trust for the directory; null = the public ones. */
  readonly caRoot: string | null;
  /** Requests a second to the CA. */
  readonly requestRate: number;
  /** Shortest time between the starts of two issuances, in milliseconds. */
  readonly obtainIntervalMs: number;
  /** Longest time for one issuance, in milliseconds. */
  readonly timeoutMs: number;
}

/** What an issuer works with. */
export interface AcmeIssuerTools {
  /** In order of preference. */
  readonly solvers: readonly Solver[];
  readonly accounts: AccountStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: Emit;
  /** rigil's version, for the User-Agent. */
  readonly version: string;
  /** Environment whose `HTTPS_PROXY` and `NO_PROXY` hold for the CA. Default: no proxy. */
  readonly environment?: Environment;
}

/** A CA that speaks ACME (RFC 8555, RFC 8738, RFC 9773). Nothing is opened, read or asked before the first use. */
export class AcmeIssuer implements Issuer {
  readonly name: string;
  readonly timeoutMs: number;
  readonly paces: readonly Pace[];
  readonly account: string;
  readonly #settings: AcmeIssuerSettings;
  readonly #tools: AcmeIssuerTools;
  readonly #pace: RateLimiter;
  readonly #ledger: OrderLedger | null;
  #ca: Promise<Ca> | null = null;

  constructor(settings: AcmeIssuerSettings, tools: AcmeIssuerTools) {
    this.name = settings.name;
    this.timeoutMs = settings.timeoutMs;
    this.paces = pacesOf(settings);
    const { directory, email, eab } = settings;
    const limit = limitOf(directory);
    this.account = JSON.stringify([directory, email, eab?.keyId ?? null]);
    this.#ledger = limit === null ? null : new OrderLedger(this.account, limit, tools);
    this.#settings = settings;
    this.#tools = tools;
    const { requestRate } = settings;
    this.#pace = new RateLimiter({
      intervalMs: 1000 / requestRate,
      burst: Math.floor(requestRate),
      clock: tools.clock,
    });
  }

  issue(order: Order, signal: AbortSignal): Promise<Issued> {
    const { solvers, clock, emit } = this.#tools;
    const { keyType, mustStaple, profile, preferredChain } = this.#settings;
    const policy = { keyType, mustStaple, profile, preferredChain, solvers };
    return this.#work(signal, async ({ account, open }) => {
      const credentials = await account.credentials(signal);
      const beforeOrder = async () => this.#ledger?.enter(signal);
      const issue = (as: AccountCredentials) =>
        issueCertificate(order, policy, { open, credentials: as, beforeOrder, clock, emit }, signal);
      try {
        return await issue(credentials);
      } catch (error) {
        if (signal.aborted) throw error;
        // A CA that lost its accounts (a staging CA, a restored private one) is given the same key again, once.
        if (codeOf(error) === 'account-unknown') await account.forget(credentials.url);
        else if (!(await account.isOutdated(credentials))) throw error;
        return issue(await account.credentials(signal));
      }
    });
  }

  renewalInfo({ ariId }: CertificateFacts, signal: AbortSignal): Promise<RenewalInfo | null> {
    if (ariId === null) return Promise.resolve(null);
    return this.#work(signal, ({ connection }) => fetchRenewalInfo(connection, ariId, signal));
  }

  /**
   * Revokes with the account's key, or with the certificate's own key when there is no account, when the CA does not
   * let the account, or when that key is compromised (which is then proved). Revoking again is no error.
   *
   * @throws RigilError `revocation-refused`
   */
  revoke(certificate: Certificate, reason: number, signal: AbortSignal): Promise<void> {
    return this.#work(signal, ({ account, open }) =>
      revokeCertificate(certificate, reason, { account, open, signal }),
    );
  }

  /** Gives the account a new key (RFC 8555 7.3.5). */
  changeAccountKey(signal: AbortSignal): Promise<void> {
    return this.#work(signal, ({ account }) => account.changeKey(signal));
  }

  /** Ends the account for good (RFC 8555 7.3.6). @throws RigilError `name-unknown` when there is none */
  deactivateAccount(signal: AbortSignal): Promise<void> {
    return this.#work(signal, ({ account }) => account.deactivate(signal));
  }

  /** Requests sent to the CA so far. */
  async requests(): Promise<number> {
    return this.#ca === null ? 0 : (await this.#ca).connection.requests;
  }

  /** Closes the connections; what is used again opens new ones. */
  async close(): Promise<void> {
    const ca = this.#ca;
    this.#ca = null;
    await ca?.then(
      ({ connection }) => connection.close(),
      () => {},
    );
  }

  async #work<Value>(signal: AbortSignal, work: (ca: Ca) => Promise<Value>): Promise<Value> {
    try {
      signal.throwIfAborted();
      return await work(await this.#connected());
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new RigilError('aborted', `work at ${this.name} was stopped before it was done`, {
        cause: error,
      });
    }
  }

  #connected(): Promise<Ca> {
    if (this.#ca === null) {
      const ca = this.#connect();
      this.#ca = ca;
      ca.catch(() => {
        if (this.#ca === ca) this.#ca = null;
      });
    }
    return this.#ca;
  }

  async #connect(): Promise<Ca> {
    const { clock, random, version, environment, accounts } = this.#tools;
    const { caRoot, directory, email, eab, name } = this.#settings;
    const roots = caRoot === null ? null : await readRoots(caRoot);
    const transport = new Transport({
      clock,
      version,
      roots,
      ...(environment === undefined ? {} : { environment }),
    });
    const connection = new Connection({
      directoryUrl: directory,
      transport,
      pace: this.#pace,
      clock,
      random,
    });
    const open = acmeClientProtocol(connection);
    const account = new Account({ directory, issuer: name, email, eab }, accounts, open, clock);
    return { connection, open, account };
  }
}

interface Ca {
  readonly connection: Connection;
  readonly open: OpenProtocol;
  readonly account: Account;
}

async function readRoots(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new RigilError('config-unreadable', `the roots in ${file} cannot be read`, { cause });
  });
  if (certificatesOf(text).length > 0) return text;
  throw new RigilError('config-unreadable', `${file} holds no PEM certificate`, {
    hint: '`ca-root` names a PEM file with the root certificates of the CA',
  });
}

/** New orders that Let's Encrypt takes of one account: https://letsencrypt.org/docs/rate-limits/. */
const LETS_ENCRYPT: Pace = { issuances: 300, perMs: 3 * 3_600_000 };

/** What the configuration says, and what is known of the CA. Renewals are exempt there; to count them is on the safe side. */
function pacesOf({ directory, obtainIntervalMs }: AcmeIssuerSettings): Pace[] {
  const configured = obtainIntervalMs > 0 ? [{ issuances: 1, perMs: obtainIntervalMs }] : [];
  const limit = limitOf(directory);
  return limit === null ? configured : [...configured, limit];
}

/** What is known of a CA's limit of orders. */
function limitOf(directory: string): Pace | null {
  return /(^|\.)letsencrypt\.org$/i.test(URL.parse(directory)?.hostname ?? '') ? LETS_ENCRYPT : null;
}
