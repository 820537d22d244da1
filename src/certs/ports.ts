import type { Emit } from '../events/bus.ts';
import type { Clock, Instant } from '../platform/clock.ts';
import type { Random } from '../platform/random.ts';
import type { Certificate, CertificateFacts, CertificateId } from './certificate.ts';
import type { JournalEntry } from './journal.ts';

/** Something that issues certificates: an ACME account at a CA, or the local CA. */
export interface Issuer {
  readonly name: string;
  /** Longest time for one issuance, in milliseconds. Default 600 000 (10 minutes). */
  readonly timeoutMs?: number;
  /** How many issuances may be started in how much time. Default: as many as there are. All of them hold. */
  readonly paces?: readonly Pace[];
  /** Whose issuances count together: issuers with the same account keep to the paces of each. Default: its own. */
  readonly account?: string;
  /**
   * Obtains a certificate for `order.names` with a new key. May take minutes; ends soon after `signal` aborts, and
   * then leaves nothing behind (challenge records, pending authorizations), unless somebody else goes on with it by now.
   *
   * @throws RigilError whose code says whether trying again can help; `retryAt` of a {@link Refusal} wins over any back-off
   */
  issue(order: Order, signal: AbortSignal): Promise<Issued>;
  /** The CA's advice on when to renew (RFC 9773), or null where it gives none. */
  renewalInfo?(facts: CertificateFacts, signal: AbortSignal): Promise<RenewalInfo | null>;
  /** Revokes at the CA; `reason` is a CRLReason of RFC 5280 5.3.1. */
  revoke?(certificate: Certificate, reason: number, signal: AbortSignal): Promise<void>;
}

/** At most `issuances` are started within any `perMs` milliseconds. */
export interface Pace {
  readonly issuances: number;
  readonly perMs: number;
}

export interface Order {
  readonly id: CertificateId;
  readonly names: readonly string[];
  /** The certificate that this one replaces, if it came from the same issuer. */
  readonly replaces: CertificateFacts | null;
  /** Where an order in flight is noted; null or absent = nowhere, as when the store is away. */
  readonly note?: OrderNote | null;
}

/**
 * What whoever has the lock next needs to go on with an order, rather than to place a second one: after a crash, or when
 * the holder of the lock slept for too long. There is one note for a certificate, it may hold a private key, and a
 * certificate that is stored ends it.
 */
export interface OrderNote {
  /** Aborts when somebody else may go on with the order: it must not be touched any more. */
  readonly lost: AbortSignal;
  /** What was noted last; null = nothing, or nothing that can be read. @throws RigilError that of the store */
  read(): Promise<string | null>;
  /** Replaces the note. @throws RigilError `lock-lost`, or that of the store */
  write(content: string): Promise<void>;
  /** Says that the order has ended. @throws RigilError `lock-lost`, or that of the store */
  erase(): Promise<void>;
}

export interface Issued {
  /** PEM, leaf first; without the root, unless clients need it to check a staple. */
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
  /**
   * What {@link list} and {@link load} say of every certificate, in one go: for a start, when ten thousand of them must
   * be there within two seconds. May hold up this process, but not for longer than some milliseconds at a time.
   *
   * @throws RigilError also `aborted`
   */
  readAll(signal: AbortSignal): Promise<StoreContents>;
  /** What {@link list} says of one id, of every issuer that has it. Damaged entries are left out. */
  find(id: CertificateId): Promise<readonly CertificateFacts[]>;
  /**
   * The current generation of one certificate, or null when there is none. Chain, key and facts belong together; when
   * the current generation is damaged, the newest whole one is given.
   *
   * @throws RigilError `store-damaged` when there are generations and none of them is whole
   */
  load(issuer: string, id: CertificateId): Promise<Certificate | null>;
  /**
   * Makes `certificate` the current generation, and ends the order that was noted for it; refuses with `lock-lost` when
   * `lock` is no longer held.
   */
  save(certificate: Certificate, lock: StoreLock): Promise<void>;
  /** The note of the order in flight, see {@link OrderNote}; null = there is none. May be secret. */
  readOrder(id: CertificateId): Promise<Buffer | null>;
  /** Notes an order in flight, or with `null` its end; refuses with `lock-lost` when `lock` is no longer held. */
  writeOrder(id: CertificateId, note: string | null, lock: StoreLock): Promise<void>;
  /** What is remembered of every certificate. Unreadable entries are left out and reported as a problem. */
  readJournal(): Promise<ReadonlyMap<CertificateId, JournalEntry>>;
  readJournalOf(id: CertificateId): Promise<JournalEntry | null>;
  writeJournal(id: CertificateId, entry: JournalEntry): Promise<void>;
  /** Waits until nobody else works on `key`, or until `signal` aborts (error `aborted`). */
  lock(key: string, signal: AbortSignal): Promise<StoreLock>;
  /**
   * Calls `onChange` within two seconds after another process stored a certificate, and now and then for no reason.
   * Returns a function that stops it.
   */
  watch(onChange: () => void): () => void;
}

export interface StoreListing {
  readonly certificates: readonly CertificateFacts[];
  /** Entries that could not be read, with what is wrong, for people. */
  readonly damaged: readonly { readonly path: string; readonly problem: string }[];
}

/** All that a store has. */
export interface StoreContents extends StoreListing {
  /** With their keys: those that are whole. */
  readonly whole: readonly Certificate[];
  /** The others, and what {@link CertificateStore.load} would throw for each. */
  readonly unusable: readonly { readonly facts: CertificateFacts; readonly error: unknown }[];
}

/** Exclusive use of one key across processes, until `release` or until it is lost (a stopped process, a dead host). */
export interface StoreLock {
  readonly key: string;
  /** Grows with every acquisition; writes with an older one are refused. */
  readonly fence: number;
  /** Aborts when the lock is lost: whoever holds it must stop. */
  readonly lost: AbortSignal;
  /** Gives the key to the next one. Never rejects: a lock that is lost already is gone all the same. */
  release(): Promise<void>;
}

/** The lock for all work on one certificate, in this process and in others. */
export function lockKeyOf(id: CertificateId): string {
  return `certificate-${id}`;
}

/**
 * Whatever else has to outlive the process: ACME accounts, roots of the local CA, OCSP answers, challenge answers,
 * notes of orders in flight, keys of session tickets. All of it may be secret and is kept as such. Errors are those of {@link CertificateStore}.
 */
export interface DocumentStore {
  readDocument(path: DocumentPath): Promise<Buffer | null>;
  /** Replaces the document as a whole: readers see the old or the new content, also after a crash. */
  writeDocument(path: DocumentPath, content: string | Uint8Array): Promise<void>;
  /** Removing what is not there is no error. */
  removeDocument(path: DocumentPath): Promise<void>;
  /** Last parts of the paths right below `path`, in no order. Empty when there are none. */
  listDocuments(path: DocumentPath): Promise<readonly string[]>;
  /** Calls `visit` with every document right below `path`, in no order: quicker than one by one. */
  readDocuments(path: DocumentPath, visit: (name: string, content: Buffer) => void): Promise<void>;
  /** Where a person finds the document: a file name, or the key in a database. */
  locateDocument(path: DocumentPath): string;
}

/** The kind, then any names: `['accounts', 'letsencrypt', 'key.pem']`. Names may hold any character. */
export type DocumentPath = readonly [
  kind: 'accounts' | 'authorities' | 'challenges' | 'ocsp' | 'orders' | 'routes' | 'tickets',
  ...names: string[],
];

/** Asks for OCSP answers and gives the good ones to whoever serves. */
export interface StapleSource {
  /**
   * Whether the staple of this certificate is looked after, and since when it is due; null = it needs none.
   */
  dueAt(facts: CertificateFacts): Instant | null;
  /** Fetches, verifies, keeps and hands out a new answer. Returns when the next one is due. */
  refresh(certificate: Certificate, signal: AbortSignal): Promise<Instant>;
  /** Since when the CA says that the certificate with this fingerprint is revoked; null = not as far as is known. */
  revokedAt(fingerprint: string): Instant | null;
}

/** What an action works with. */
export interface Ports {
  readonly issuers: ReadonlyMap<string, Issuer>;
  readonly store: CertificateStore;
  readonly staples: StapleSource | null;
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: Emit;
}
