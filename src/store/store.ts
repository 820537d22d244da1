import type { Certificate, CertificateFacts, CertificateId } from '../certs/certificate.ts';
import type { CertificateStore, DocumentPath, DocumentStore, StoreLock } from '../certs/ports.ts';
import type { Instant } from '../platform/clock.ts';

/** Everything that this program keeps: what the pipeline needs of it, and what commands and the daemon need besides. */
export interface Store extends CertificateStore {
  readonly documents: StoreDocuments;
  /** What several machines do through the store; null where only processes of one machine share it. */
  readonly fleet: Fleet | null;
  /** The generations of one certificate that are kept and readable, newest first. */
  history(issuer: string, id: CertificateId): Promise<readonly Generation[]>;
  /** The newest whole generation before the one in force, with its key; null when there is none. */
  former(issuer: string, id: CertificateId): Promise<Certificate | null>;
  /** Where the certificate in force is, for people: a directory, or the key in a database. */
  locate(issuer: string, id: CertificateId): string;
  /**
   * Registers this process as a daemon of the store, until the lock is released. For a while a daemon works without a
   * store that is away.
   *
   * @param options.wait wait for another daemon of this machine to end instead of refusing
   * @throws RigilError `store-locked` naming the process that is the daemon, `aborted`, or that of the store
   */
  acquireDaemonLock(options: { readonly signal: AbortSignal; readonly wait?: boolean }): Promise<StoreLock>;
  /** The daemons that serve from the store now. @throws RigilError that of the store */
  daemons(): Promise<readonly DaemonIdentity[]>;
  /** Seals anew what is not sealed with the newest key, and says how many values that were. Absent: nothing is sealed. */
  reseal?(): Promise<number>;
  /** How the store is, without asking it. */
  state(): StoreState;
  /** Ends connections, which would keep a command from ending. */
  close(): Promise<void>;
}

/** Documents, with what is needed to copy them. */
export interface StoreDocuments extends DocumentStore {
  /** The paths of all documents of a kind. */
  allDocuments(kind: DocumentPath[0]): Promise<readonly DocumentPath[]>;
}

/** What daemons on several machines know of each other through their store. */
export interface Fleet {
  /** Names this daemon among those of {@link Store.daemons}. */
  readonly node: string;
  /** Calls `onChange` soon after another process changed a document of this kind; `names` are the parts behind it. */
  watchDocuments(kind: DocumentPath[0], onChange: (names: readonly string[]) => void): () => void;
  /**
   * Replaces a document if it still is what was read last.
   *
   * @param expected null = it is not there
   * @returns false when another process has changed it meanwhile
   */
  replaceDocument(path: DocumentPath, expected: Buffer | null, content: Buffer): Promise<boolean>;
}

/** A daemon of the store. */
export interface DaemonIdentity {
  /** Empty where there can only be one. */
  readonly node: string;
  readonly pid: number;
  readonly host: string;
}

/** How a store is. */
export interface StoreState {
  readonly kind: 'file' | 'redis';
  /** Where it is, without secrets. */
  readonly place: string;
  /** Whether it answered when it was last asked. */
  readonly up: boolean;
  /** Since when it is so. */
  readonly since: Instant;
  /** Why it is not up; null otherwise. */
  readonly lastError: string | null;
  /** What will hurt one day, such as a database that forgets. */
  readonly warnings: readonly string[];
  /** How many secrets lie in clear although there is a key to seal them; null where there is none, or it is not known yet. */
  readonly unsealed: number | null;
}

/** A certificate as it was stored once. */
export interface Generation {
  readonly generation: string;
  readonly inForce: boolean;
  readonly facts: CertificateFacts;
}

/** The name of a certificate's place among others: unique, since names of issuers have no slash. */
export function placeOf({ issuer, id }: Pick<CertificateFacts, 'issuer' | 'id'>): string {
  return `${issuer}/${id}`;
}

/** Where the note of the order in flight for a certificate is. */
export function orderNote(id: CertificateId): DocumentPath {
  return ['orders', id];
}

/** Whether `left` is to be preferred to `right` when both are of one place. */
export function isNewer(left: CertificateFacts, right: CertificateFacts): boolean {
  return left.obtainedAt > right.obtainedAt;
}
