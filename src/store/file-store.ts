import { dirname, join, sep } from 'node:path';
import type { Certificate, CertificateFacts, CertificateId } from '../certs/certificate.ts';
import { inParallel } from '../certs/in-parallel.ts';
import type { JournalEntry } from '../certs/journal.ts';
import { lockKeyOf, type StoreContents, type StoreListing, type StoreLock } from '../certs/ports.ts';
import { codeOf, RigilError } from '../errors.ts';
import type { Emit } from '../events/bus.ts';
import type { Clock, Instant } from '../platform/clock.ts';
import { ChangeNotes } from './change-notes.ts';
import { FileDocuments } from './documents.ts';
import { FileLock, type Holder } from './file-lock.ts';
import { FileLocks } from './file-locks.ts';
import { type FileSystem, isAbsence, systemFileSystem, unreadable } from './file-system.ts';
import { type Damage, type Found, Generations } from './generations.ts';
import { inSlices } from './in-slices.ts';
import { JournalFiles } from './journal-files.ts';
import { isGone, thisProcess } from './process-identity.ts';
import { toSegment } from './segment.ts';
import {
  type DaemonIdentity,
  type Generation,
  orderNote,
  type Store,
  type StoreDocuments,
  type StoreState,
} from './store.ts';
import { readNow } from './stored-files.ts';
import { sweep } from './sweep.ts';

export interface FileStoreOptions {
  /** Absolute. Made when something is stored first. */
  readonly directory: string;
  readonly clock: Clock;
  readonly emit: Emit;
  /** Default: that of the system. */
  readonly fileSystem?: FileSystem;
}

/** How many files are read at a time. */
const READERS = 32;

const DAEMON_LOCK = 'daemon';

/**
 * Certificates, journal and documents as files that people and other programs can read. Long because it is where all parts
 * of the engine are put together.
 */
export class FileStore implements Store {
  readonly documents: StoreDocuments;
  readonly fleet = null;
  readonly #openedAt: Instant;
  readonly #fs: FileSystem;
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #emit: Emit;
  readonly #journal: JournalFiles;
  readonly #locks: FileLocks;
  readonly #notes: ChangeNotes;
  readonly #reported = new Set<string>();

  constructor({ directory, clock, emit, fileSystem = systemFileSystem }: FileStoreOptions) {
    this.#fs = fileSystem;
    this.#directory = directory;
    this.#openedAt = clock.now();
    this.#clock = clock;
    this.#emit = emit;
    this.documents = new FileDocuments(fileSystem, directory);
    this.#journal = new JournalFiles(fileSystem, join(directory, 'journal'));
    this.#locks = new FileLocks(fileSystem, join(directory, 'locks'), clock);
    this.#notes = new ChangeNotes(join(directory, 'changes'), clock);
  }

  async list(): Promise<StoreListing> {
    const found = await inParallel(await this.#places(), READERS, (path) => this.#factsIn(path));
    return {
      certificates: found.flatMap(({ value }) => value ?? []),
      damaged: found.flatMap(({ damaged }) => damaged),
    };
  }

  async readAll(signal: AbortSignal): Promise<StoreContents> {
    const whole: Certificate[] = [];
    const unusual: string[] = [];
    const readOne = (path: string): void => {
      const read = readNow(path);
      if (read === null) {
        unusual.push(path);
        return;
      }
      whole.push(read.certificate);
      this.#warnIfExposed(join(path, 'current', 'privkey.pem'), read.keyMode);
    };
    await inSlices(await this.#places(), readOne, signal);

    const certificates = whole.map(({ facts }) => facts);
    const damaged: Damage[] = [];
    const unusable: { facts: CertificateFacts; error: unknown }[] = [];
    await inParallel(unusual, READERS, async (path) => {
      if (signal.aborted) throw new RigilError('aborted', 'reading the store was broken off');
      const found = await this.#factsIn(path);
      damaged.push(...found.damaged);
      if (found.value === null) return;
      const facts = found.value;
      certificates.push(facts);
      try {
        const certificate = await this.load(facts.issuer, facts.id);
        if (certificate !== null) whole.push(certificate);
      } catch (error) {
        unusable.push({ facts, error });
      }
    });
    return { certificates, damaged, whole, unusable };
  }

  async find(id: CertificateId): Promise<readonly CertificateFacts[]> {
    const issuers = await this.#issuerSegments();
    const found = await Promise.all(
      issuers.map((issuer) =>
        new Generations(this.#fs, join(this.#directory, 'certs', issuer, toSegment(id))).facts(),
      ),
    );
    return found.flatMap(({ value }) => value ?? []);
  }

  async load(issuer: string, id: CertificateId): Promise<Certificate | null> {
    const generations = this.#generationsOf(issuer, id);
    const { value, damaged } = await generations.certificate();
    for (const damage of damaged) this.#report('store-damaged', damage, null);
    if (value === null && damaged.length > 0) {
      throw new RigilError('store-damaged', `no stored generation of ${id} is whole`, {
        hint: 'the damaged files are kept; a new certificate replaces them',
      });
    }
    if (value !== null) {
      const { keyPath } = generations;
      this.#warnIfExposed(keyPath, (await this.#fs.stat(keyPath).catch(() => null))?.mode ?? 0);
    }
    return value;
  }

  /** The generations of one certificate that are kept and readable, newest first. */
  history(issuer: string, id: CertificateId): Promise<readonly Generation[]> {
    return this.#generationsOf(issuer, id).history();
  }

  former(issuer: string, id: CertificateId): Promise<Certificate | null> {
    return this.#generationsOf(issuer, id).former();
  }

  /** The directory that holds the certificate in force, for people and other programs. */
  locate(issuer: string, id: CertificateId): string {
    return dirname(this.#generationsOf(issuer, id).keyPath);
  }

  async save(certificate: Certificate, lock: StoreLock): Promise<void> {
    const { id, issuer } = certificate.facts;
    if (!(lock instanceof FileLock) || lock.key !== lockKeyOf(id)) {
      throw new RigilError('internal', `the lock ${lock.key} does not cover the certificate ${id}`);
    }
    await this.#generationsOf(issuer, id).add(certificate, lock);
    // What stays is found to have ended by whoever reads it.
    await this.documents.removeDocument(orderNote(id)).catch(() => {});
    await this.#notes.write();
  }

  readOrder(id: CertificateId): Promise<Buffer | null> {
    return this.documents.readDocument(orderNote(id));
  }

  async writeOrder(id: CertificateId, note: string | null, lock: StoreLock): Promise<void> {
    if (!(lock instanceof FileLock) || lock.key !== lockKeyOf(id)) {
      throw new RigilError('internal', `the lock ${lock.key} does not cover the order for ${id}`);
    }
    await lock.verify();
    if (note === null) await this.documents.removeDocument(orderNote(id));
    else await this.documents.writeDocument(orderNote(id), note);
    // The writing may have taken long: who goes on must have the lock now.
    await lock.verify();
  }

  async readJournal(): Promise<ReadonlyMap<CertificateId, JournalEntry>> {
    const { entries, damaged } = await this.#journal.readAll();
    for (const damage of damaged) this.#report('store-damaged', damage, null);
    return entries;
  }

  readJournalOf(id: CertificateId): Promise<JournalEntry | null> {
    return this.#journal.read(id);
  }

  writeJournal(id: CertificateId, entry: JournalEntry): Promise<void> {
    return this.#journal.write(id, entry);
  }

  lock(key: string, signal: AbortSignal): Promise<StoreLock> {
    return this.#locks.acquire(key, signal);
  }

  watch(onChange: () => void): () => void {
    return this.#notes.watch(onChange);
  }

  /**
   * Makes this process the one daemon of the store, and removes what crashes left behind.
   *
   * @param options.wait wait for another daemon to end instead of refusing
   * @throws RigilError `store-locked` naming the process that is the daemon, `aborted`, or that of the store
   */
  async acquireDaemonLock(options: {
    readonly signal: AbortSignal;
    readonly wait?: boolean;
  }): Promise<StoreLock> {
    const { signal, wait = false } = options;
    try {
      const lock = await (wait
        ? this.#locks.acquire(DAEMON_LOCK, signal)
        : this.#locks.acquireNow(DAEMON_LOCK, signal));
      await Promise.all([sweep(this.#directory, this.#clock.now()), this.#notes.forgetOld()]);
      return lock;
    } catch (error) {
      if (codeOf(error) !== 'store-locked') throw error;
      const holder = await this.daemon();
      const who = holder === null ? 'another process' : `process ${holder.pid} on ${holder.host}`;
      throw new RigilError('store-locked', `${who} serves from ${this.#directory} already`, {
        hint: 'take its place with `rigil serve --take-over`, stop it first, or give this one another `store file` directory',
        cause: error,
      });
    }
  }

  /** Who is the daemon of the store, or was when it crashed; null = nobody. */
  daemon(): Promise<Holder | null> {
    return this.#locks.holderOf(DAEMON_LOCK);
  }

  async daemons(): Promise<readonly DaemonIdentity[]> {
    const holder = await this.daemon();
    return holder === null || isGone(holder, thisProcess())
      ? []
      : [{ node: '', pid: holder.pid, host: holder.host }];
  }

  state(): StoreState {
    return {
      kind: 'file',
      place: this.#directory,
      up: true,
      since: this.#openedAt,
      lastError: null,
      warnings: [],
      unsealed: null,
    };
  }

  async close(): Promise<void> {}

  #generationsOf(issuer: string, id: CertificateId): Generations {
    return new Generations(this.#fs, join(this.#directory, 'certs', toSegment(issuer), toSegment(id)));
  }

  /** A directory for each certificate. */
  async #places(): Promise<string[]> {
    const places = (await this.#issuerSegments()).map(async (issuer) => {
      const directory = join(this.#directory, 'certs', issuer);
      return (await this.#entriesOf(directory)).map((name) => `${directory}${sep}${name}`);
    });
    return (await Promise.all(places)).flat();
  }

  async #factsIn(path: string): Promise<Found<CertificateFacts>> {
    try {
      return await new Generations(this.#fs, path).facts();
    } catch (error) {
      return { value: null, damaged: [{ path, problem: `it cannot be read (${codeOf(error)})` }] };
    }
  }

  #issuerSegments(): Promise<string[]> {
    return this.#entriesOf(join(this.#directory, 'certs'));
  }

  async #entriesOf(directory: string): Promise<string[]> {
    try {
      return (await this.#fs.readdir(directory)).filter((name) => !name.startsWith('.'));
    } catch (error) {
      if (isAbsence(error)) return [];
      throw unreadable(directory, error);
    }
  }

  #warnIfExposed(path: string, mode: number): void {
    if ((mode & 0o077) === 0) return;
    const problem = `others than its owner may use this private key (mode ${(mode & 0o777).toString(8)})`;
    this.#report('store-exposed', { path, problem }, `chmod 600 ${path}`);
  }

  /** Once for each problem: it is met again and again. */
  #report(code: string, { path, problem }: Damage, hint: string | null): void {
    const message = `${path}: ${problem}`;
    if (this.#reported.has(message)) return;
    this.#reported.add(message);
    this.#emit({ event: 'store.problem', code, message, hint });
  }
}
