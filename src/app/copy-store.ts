import type { Certificate, CertificateFacts } from '../certs/certificate.ts';
import { type DocumentPath, lockKeyOf } from '../certs/ports.ts';
import { codeOf, messageOf, RigilError } from '../errors.ts';
import type { Emit } from '../events/bus.ts';
import { systemClock } from '../platform/clock.ts';
import { isNewer, placeOf, type Store } from '../store/store.ts';
import { openStore } from './store.ts';
import { storeArgument } from './store-argument.ts';

export interface CopyOptions {
  /** See `storeArgument`. */
  readonly from: string;
  readonly to: string;
  /** Nothing is stored. */
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
  readonly emit: Emit;
}

/** `store copy --json`. */
export interface CopyReport {
  readonly from: string;
  readonly to: string;
  readonly copied: { readonly certificates: number; readonly documents: number; readonly journal: number };
  /** There already, the same or newer. */
  readonly kept: { readonly certificates: number; readonly documents: number; readonly journal: number };
  readonly failed: readonly { readonly what: string; readonly code: string; readonly message: string }[];
}

/** Answers to challenges are for minutes, and keys of tickets are better new. */
const KINDS = ['accounts', 'authorities', 'ocsp', 'routes'] as const;

/**
 * Copies what a store has into another one, of another kind perhaps, and reads back what it wrote. What the other one has
 * stays, unless the copy is a newer certificate; nothing is ever deleted.
 *
 * @throws RigilError `usage`, or that of the stores
 */
export async function copyStore({ from, to, dryRun, signal, emit }: CopyOptions): Promise<CopyReport> {
  const tools = { clock: systemClock, emit, env: process.env };
  const [source, target] = [await storeArgument(from), await storeArgument(to)];
  if (JSON.stringify(source) === JSON.stringify(target)) {
    throw new RigilError('usage', 'this is one and the same store');
  }
  const [left, right] = [openStore(source, tools), openStore(target, tools)];
  try {
    const copy = new Copy(left, right, dryRun, signal);
    await copy.certificates();
    await copy.journal();
    for (const kind of KINDS) await copy.documents(kind);
    return { from: left.state().place, to: right.state().place, ...copy.report };
  } finally {
    await Promise.all([left.close(), right.close()]);
  }
}

type Kind = keyof CopyReport['copied'];

/** Copies one thing after the other, and keeps the books. */
class Copy {
  readonly #from: Store;
  readonly #to: Store;
  readonly #dryRun: boolean;
  readonly #signal: AbortSignal;
  readonly #copied = { certificates: 0, documents: 0, journal: 0 };
  readonly #kept = { certificates: 0, documents: 0, journal: 0 };
  readonly #failed: CopyReport['failed'][number][] = [];

  constructor(from: Store, to: Store, dryRun: boolean, signal: AbortSignal) {
    this.#from = from;
    this.#to = to;
    this.#dryRun = dryRun;
    this.#signal = signal;
  }

  get report(): Pick<CopyReport, 'copied' | 'kept' | 'failed'> {
    return { copied: this.#copied, kept: this.#kept, failed: this.#failed };
  }

  async certificates(): Promise<void> {
    const [contents, there] = [await this.#from.readAll(this.#signal), await this.#to.list()];
    const known = new Map(there.certificates.map((facts) => [placeOf(facts), facts]));
    for (const { path, problem } of contents.damaged) this.#fail(path, 'store-damaged', problem);
    for (const { facts, error } of contents.unusable) this.#fail(facts.id, codeOf(error), messageOf(error));
    for (const certificate of contents.whole) {
      const { facts } = certificate;
      await this.#one('certificates', facts.id, () =>
        this.#certificate(certificate, known.get(placeOf(facts))),
      );
    }
  }

  async journal(): Promise<void> {
    const [entries, there] = [await this.#from.readJournal(), await this.#to.readJournal()];
    for (const [id, entry] of entries) {
      await this.#one('journal', `the journal of ${id}`, async () => {
        if (there.has(id)) return false;
        if (!this.#dryRun) await this.#to.writeJournal(id, entry);
        return true;
      });
    }
  }

  async documents(kind: (typeof KINDS)[number]): Promise<void> {
    for (const path of await this.#from.documents.allDocuments(kind)) {
      await this.#one('documents', path.join('/'), () => this.#document(path));
    }
  }

  async #certificate(certificate: Certificate, known: CertificateFacts | undefined): Promise<boolean> {
    const { facts } = certificate;
    if (known !== undefined && !isNewer(facts, known)) return false;
    if (this.#dryRun) return true;
    const lock = await this.#to.lock(lockKeyOf(facts.id), this.#signal);
    try {
      await this.#to.save(certificate, lock);
    } finally {
      await lock.release();
    }
    const written = await this.#to.load(facts.issuer, facts.id);
    return verified(written?.key === certificate.key && written.chain === certificate.chain);
  }

  async #document(path: DocumentPath): Promise<boolean> {
    const content = await this.#from.documents.readDocument(path);
    const known = await this.#to.documents.readDocument(path);
    if (content === null || known?.equals(content) === true) return false;
    if (known !== null && path[0] !== 'ocsp') {
      throw new RigilError('store-unwritable', 'the other store has another one, which stays', {
        hint: 'remove that one first if it is not the right one',
      });
    }
    if (this.#dryRun) return true;
    await this.#to.documents.writeDocument(path, content);
    return verified((await this.#to.documents.readDocument(path))?.equals(content) === true);
  }

  async #one(kind: Kind, what: string, work: () => Promise<boolean>): Promise<void> {
    if (this.#signal.aborted) throw new RigilError('aborted', 'copying was broken off; run it again');
    try {
      if (await work()) this.#copied[kind] += 1;
      else this.#kept[kind] += 1;
    } catch (error) {
      if (codeOf(error) === 'store-unreachable') throw error;
      this.#fail(what, codeOf(error), messageOf(error));
    }
  }

  #fail(what: string, code: string, message: string): void {
    this.#failed.push({ what, code, message });
  }
}

function verified(isThere: boolean): true {
  if (isThere) return true;
  throw new RigilError('store-damaged', 'what was written does not come back as it was');
}
