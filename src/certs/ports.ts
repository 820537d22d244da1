import type { Instant } from '../platform/clock.ts';
import type { Certificate, CertificateFacts, CertificateId } from './certificate.ts';
import type { JournalEntry } from './journal.ts';

/** Something that issues certificates: an ACME account at a CA, or the local CA. */
export interface Issuer {
  readonly name: string;
  /**
   * Obtains a certificate for `order.names` with a new key. May take minutes; ends soon after `signal` aborts, and
   * then leaves nothing behind (challenge records, pending authorizations).
   *
   * @throws RigilError whose code says whether trying again can help; `retryAt` of a {@link Refusal} wins over any back-off
   */
  issue(order: Order, signal: AbortSignal): Promise<Issued>;
  /** The CA's advice on when to renew (RFC 9773), or null where it gives none. */
  renewalInfo?(facts: CertificateFacts, signal: AbortSignal): Promise<RenewalInfo | null>;
  /** Revokes at the CA; `reason` is a CRLReason of RFC 5280 5.3.1. */
  revoke?(certificate: Certificate, reason: number, signal: AbortSignal): Promise<void>;
}

export interface Order {
  readonly id: CertificateId;
  readonly names: readonly string[];
  /** The certificate that this one replaces, if it came from the same issuer. */
  readonly replaces: CertificateFacts | null;
}

export interface Issued {
  /** PEM, leaf first, without the root. */
  readonly chain: string;
  /** PEM, PKCS#8. */
  readonly key: string;
}

/** A suggested window (RFC 9773 4.2). */
export interface RenewalInfo {
  readonly start: Instant;
  readonly end: Instant;
  readonly explanationUrl: string | null;
  /** When to ask again, from Retry-After. */
  readonly nextFetchAt: Instant;
}

/**
 * Where certificates, the journal and schedules live. Shared with other processes.
 *
 * Every method may be slow or fail with `store-unreadable` or `store-unwritable`. A read error is never taken for
 * absence, and a failed write leaves the previous generation in force.
 */
export interface CertificateStore {
  /** Facts of every stored certificate's current generation, without reading keys. Damaged entries are reported, not hidden. */
  list(): Promise<StoreListing>;
  /** The current generation of one certificate, or null when there is none. */
  load(issuer: string, id: CertificateId): Promise<Certificate | null>;
  /** Makes `certificate` the current generation; refuses with `lock-lost` when `lock` is no longer held. */
  save(certificate: Certificate, lock: StoreLock): Promise<void>;
  readJournal(): Promise<ReadonlyMap<CertificateId, JournalEntry>>;
  writeJournal(id: CertificateId, entry: JournalEntry): Promise<void>;
  /** Waits until nobody else works on `key`, or until `signal` aborts (error `aborted`). */
  lock(key: string, signal: AbortSignal): Promise<StoreLock>;
  /** Calls `onChange` some time after another process changed something. Returns a function that stops it. */
  watch(onChange: () => void): () => void;
}

export interface StoreListing {
  readonly certificates: readonly CertificateFacts[];
  /** Entries that could not be read, with what is wrong, for people. */
  readonly damaged: readonly { readonly path: string; readonly problem: string }[];
}

/** Exclusive use of one key across processes, until `release` or until it is lost (a stopped process, a dead host). */
export interface StoreLock {
  /** Grows with every acquisition; writes with an older one are refused. */
  readonly fence: number;
  /** Aborts when the lock is lost: whoever holds it must stop. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}
