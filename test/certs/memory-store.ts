import type { Certificate, CertificateFacts } from '../../src/certs/certificate.ts';
import type { JournalEntry } from '../../src/certs/journal.ts';
import {
  type CertificateStore,
  type DocumentPath,
  type DocumentStore,
  lockKeyOf,
  type StoreContents,
  type StoreListing,
  type StoreLock,
} from '../../src/certs/ports.ts';
import { RigilError } from '../../src/errors.ts';

/** What processes share that use the same memory store, with the faults that it has. */
export class SharedMemory {
  readonly certificates = new Map<string, Certificate>();
  /** What was in force before. */
  readonly formers = new Map<string, Certificate>();
  /** All that ever saved something. */
  readonly issuers = new Set<string>();
  readonly journal = new Map<string, JournalEntry>();
  readonly documents = new Map<string, Buffer>();
  readonly orders = new Map<string, Buffer>();
  readonly queues = new Map<string, (() => void)[]>();
  readonly watchers = new Map<MemoryStore, Set<() => void>>();
  fence = 0;
  /** What fails now. `locks`: taking one, as on a disk that is full. */
  fails = new Set<Fault>();
  /** Operations never end. */
  hangs = false;

  /** A store as one more process sees it. */
  open(): MemoryStore {
    return new MemoryStore(this);
  }
}

type Fault = 'reads' | 'saves' | 'journal' | 'orders' | 'locks';

/** A store for tests of the pipeline: no disk, no time, and faults when they are wanted. */
export class MemoryStore implements CertificateStore {
  readonly documents: DocumentStore;
  readonly #shared: SharedMemory;
  readonly #locks = new Set<StoreLock>();
  #isDead = false;

  constructor(shared: SharedMemory) {
    this.#shared = shared;
    this.documents = new MemoryDocuments(shared);
  }

  /** The process is killed: it gets no more answers, and others may have its locks. */
  kill(): void {
    this.#isDead = true;
    this.#shared.watchers.delete(this);
    for (const lock of this.#locks) void lock.release();
  }

  async list(): Promise<StoreListing> {
    await this.#may('reads');
    const certificates = [...this.#shared.certificates.values()].map(({ facts }) => facts);
    return { certificates, damaged: [] };
  }

  async readAll(signal: AbortSignal): Promise<StoreContents> {
    if (signal.aborted) throw new RigilError('aborted', 'nobody waits for it any more');
    return { ...(await this.list()), whole: [...this.#shared.certificates.values()], unusable: [] };
  }

  async find(id: string): Promise<readonly CertificateFacts[]> {
    await this.#may('reads');
    const issuers = [...this.#shared.issuers];
    return issuers.flatMap((issuer) => this.#shared.certificates.get(`${issuer}\n${id}`)?.facts ?? []);
  }

  async load(issuer: string, id: string): Promise<Certificate | null> {
    await this.#may('reads');
    return this.#shared.certificates.get(`${issuer}\n${id}`) ?? null;
  }

  async former(issuer: string, id: string): Promise<Certificate | null> {
    return this.#shared.formers.get(`${issuer}\n${id}`) ?? null;
  }

  async save(certificate: Certificate, lock: StoreLock): Promise<void> {
    const { id, issuer } = certificate.facts;
    await this.#may('saves');
    if (lock.key !== lockKeyOf(id)) throw new RigilError('internal', 'this is another lock');
    if (lock.lost.aborted) throw new RigilError('lock-lost', 'this lock is gone');
    this.#shared.issuers.add(issuer);
    const place = `${issuer}\n${id}`;
    const former = this.#shared.certificates.get(place);
    if (former !== undefined) this.#shared.formers.set(place, former);
    this.#shared.certificates.set(place, certificate);
    this.#shared.orders.delete(id);
    for (const [store, watchers] of this.#shared.watchers)
      if (store !== this) for (const watch of watchers) watch();
  }

  async readOrder(id: string): Promise<Buffer | null> {
    await this.#may('reads');
    return this.#shared.orders.get(id) ?? null;
  }

  async writeOrder(id: string, note: string | null, lock: StoreLock): Promise<void> {
    await this.#may('orders');
    if (lock.key !== lockKeyOf(id)) throw new RigilError('internal', 'this is another lock');
    if (lock.lost.aborted) throw new RigilError('lock-lost', 'this lock is gone');
    if (note === null) this.#shared.orders.delete(id);
    else this.#shared.orders.set(id, Buffer.from(note));
  }

  async readJournal(): Promise<ReadonlyMap<string, JournalEntry>> {
    await this.#may('reads');
    return new Map(this.#shared.journal);
  }

  async readJournalOf(id: string): Promise<JournalEntry | null> {
    await this.#may('reads');
    return this.#shared.journal.get(id) ?? null;
  }

  async writeJournal(id: string, entry: JournalEntry): Promise<void> {
    await this.#may('journal');
    if (entry.failure === null && entry.ari === null) this.#shared.journal.delete(id);
    else this.#shared.journal.set(id, entry);
  }

  async lock(key: string, signal: AbortSignal): Promise<StoreLock> {
    await this.#may('locks');
    const { queues } = this.#shared;
    const aborted = (): RigilError => new RigilError('aborted', 'no longer waited for');
    if (signal.aborted) throw aborted();
    const queue = queues.get(key);
    if (queue === undefined) queues.set(key, []);
    else {
      await new Promise<void>((resolve, reject) => {
        queue.push(resolve);
        signal.addEventListener('abort', () => {
          const at = queue.indexOf(resolve);
          if (at >= 0) queue.splice(at, 1);
          reject(aborted());
        });
      });
    }
    this.#shared.fence += 1;
    const lost = new AbortController();
    const lock: StoreLock = {
      key,
      fence: this.#shared.fence,
      lost: lost.signal,
      release: async () => {
        if (lost.signal.aborted) return;
        lost.abort(null);
        this.#locks.delete(lock);
        const next = queues.get(key)?.shift();
        if (next === undefined) queues.delete(key);
        else next();
      },
    };
    this.#locks.add(lock);
    return lock;
  }

  watch(onChange: () => void): () => void {
    const mine = this.#shared.watchers.get(this) ?? new Set();
    this.#shared.watchers.set(this, mine.add(onChange));
    return () => mine.delete(onChange);
  }

  async #may(what: Fault): Promise<void> {
    if (this.#shared.hangs || this.#isDead) await new Promise(() => {});
    if (!this.#shared.fails.has(what)) return;
    throw new RigilError(what === 'reads' ? 'store-unreadable' : 'store-unwritable', `${what} fail`);
  }
}

class MemoryDocuments implements DocumentStore {
  readonly #shared: SharedMemory;

  constructor(shared: SharedMemory) {
    this.#shared = shared;
  }

  async readDocument(path: DocumentPath): Promise<Buffer | null> {
    return this.#shared.documents.get(JSON.stringify(path)) ?? null;
  }

  async writeDocument(path: DocumentPath, content: string | Uint8Array): Promise<void> {
    this.#shared.documents.set(JSON.stringify(path), Buffer.from(content));
  }

  async removeDocument(path: DocumentPath): Promise<void> {
    this.#shared.documents.delete(JSON.stringify(path));
  }

  async listDocuments(path: DocumentPath): Promise<readonly string[]> {
    const paths = [...this.#shared.documents.keys()].map((key) => JSON.parse(key) as string[]);
    const below = paths.filter((each) => path.every((part, index) => each[index] === part));
    return [...new Set(below.flatMap((each) => each[path.length] ?? []))];
  }

  async readDocuments(path: DocumentPath, visit: (name: string, content: Buffer) => void): Promise<void> {
    for (const name of await this.listDocuments(path)) {
      const content = await this.readDocument([...path, name]);
      if (content !== null) visit(name, content);
    }
  }

  locateDocument(path: DocumentPath): string {
    return path.join('/');
  }
}
