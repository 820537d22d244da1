import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Certificate, CertificateFacts } from '../certs/certificate.ts';
import type { DocumentPath } from '../certs/ports.ts';
import { messageOf, systemCodeOf } from '../errors.ts';
import type { Emit } from '../events/bus.ts';
import type { Clock } from '../platform/clock.ts';
import { writeAtomically } from './atomic-write.ts';
import { systemFileSystem } from './file-system.ts';
import { inSlices } from './in-slices.ts';
import { digestOf, metaFromJson, metaToJson, parseObject } from './meta-json.ts';
import { readSeal, Seal } from './seal.ts';
import { placeOf } from './store.ts';
import { belongTogether } from './stored-files.ts';

/** Kinds of documents that a start without the database needs. */
const KEPT_KINDS: readonly string[] = ['accounts', 'authorities', 'ocsp', 'routes', 'tickets'];

/** How long what is read at a start waits to be kept, in milliseconds. */
const SOON_MS = 5_000;

const CERTIFICATES = 'certificates';
const DOCUMENTS = 'documents';
/** How many files are read at a time. */
const BATCH = 128;

/** What a database has counted; see `Keys.epoch`. */
export interface Epoch {
  readonly writes: number;
  readonly losses: number;
}

interface KeptDocument {
  readonly path: DocumentPath;
  readonly content: Buffer;
}

/**
 * A copy on this machine of what a database has, for a start while the database is away and for what it may have lost.
 *
 * Every file is sealed: with the keys of the store, or, where that has none, with a key that lies beside them. Such a key
 * keeps nothing from whoever can read the directory, no more than the plain files of a file store do. Writing never
 * fails: without a copy, serving goes on from memory.
 */
export class LocalCopy {
  readonly directory: string;
  readonly #storeSeal: Seal;
  readonly #emit: Emit;
  readonly #clock: Clock;
  #seal: Promise<Seal> | null = null;
  /** Names of the files of certificates, by what they begin with. */
  #files: Promise<Map<string, string>> | null = null;
  #writing: Promise<void> = Promise.resolve();
  /** Digests of the documents that were kept last, by file: most are read again and again. */
  readonly #known = new Map<string, string>();
  #reported = false;
  #pending: readonly Certificate[] = [];
  #stopWaiting: () => void = () => {};

  /** @param seal that of the store */
  constructor(
    directory: string,
    seal: Seal,
    { clock, emit }: { readonly clock: Clock; readonly emit: Emit },
  ) {
    this.directory = directory;
    this.#clock = clock;
    this.#storeSeal = seal;
    this.#emit = emit;
  }

  /** Resolves when everything that was to be kept is. */
  get idle(): Promise<void> {
    this.#keepPending();
    return this.#writing;
  }

  /** Keeps a certificate in the place of the one before. */
  keep(certificate: Certificate): void {
    this.#write(async (seal) => {
      const files = await this.#certificateFiles();
      const [stem, name] = namesOf(certificate);
      const former = files.get(stem);
      if (former === name) return;
      const meta = metaToJson({
        facts: certificate.facts,
        digest: digestOf(certificate.chain, certificate.key),
      });
      const text = JSON.stringify({ meta, chain: certificate.chain, key: certificate.key });
      await this.#put(join(CERTIFICATES, name), seal.close(`copy\n${stem}`, Buffer.from(text)));
      files.set(stem, name);
      if (former !== undefined) await rm(join(this.directory, CERTIFICATES, former), { force: true });
    });
  }

  /** Keeps certificates when there is time for it: a start has more urgent work. */
  keepSoon(certificates: readonly Certificate[]): void {
    this.#pending = [...this.#pending, ...certificates];
    this.#stopWaiting();
    this.#stopWaiting = this.#clock.every(SOON_MS, () => this.#keepPending());
  }

  #keepPending(): void {
    this.#stopWaiting();
    const pending = this.#pending;
    this.#pending = [];
    for (const certificate of pending) this.keep(certificate);
  }

  /**
   * All certificates of the copy. What cannot be opened is left out.
   *
   * @param options.but without these, which costs nothing for each that is left out
   */
  async readCertificates(
    signal: AbortSignal,
    { but = [] }: { readonly but?: readonly CertificateFacts[] } = {},
  ): Promise<readonly Certificate[]> {
    const certificates: Certificate[] = [];
    const files = await this.#certificateFiles().catch(() => new Map<string, string>());
    const known = new Set(but.map((facts) => namesOf({ facts })[1]));
    const names = [...files.values()].filter((name) => !known.has(name));
    const seal = await this.#ownSeal();
    for (let start = 0; start < names.length; start += BATCH) {
      const contents = await Promise.all(
        names.slice(start, start + BATCH).map(async (name) => ({
          stem: name.split('-')[0] ?? '',
          content: await this.#read(join(CERTIFICATES, name)),
        })),
      );
      await inSlices(
        contents,
        ({ stem, content }) => {
          const certificate = content === null ? null : openCertificate(seal, stem, content);
          if (certificate !== null) certificates.push(certificate);
        },
        signal,
      );
    }
    return certificates;
  }

  /** Whether documents of this kind are in the copy. */
  keeps(kind: DocumentPath[0]): boolean {
    return KEPT_KINDS.includes(kind);
  }

  /** @param content null = there is none any more */
  keepDocument(path: DocumentPath, content: Buffer | null): void {
    if (!this.keeps(path[0])) return;
    const file = documentFile(path);
    const digest = content === null ? '' : createHash('sha256').update(content).digest('hex');
    if (this.#known.get(file) === digest) return;
    this.#known.set(file, digest);
    this.#write(async (seal) => {
      if (content === null) {
        await rm(join(this.directory, file), { force: true });
        return;
      }
      const text = JSON.stringify({ path, content: content.toString('base64') });
      await this.#put(file, seal.close(`copy\n${file}`, Buffer.from(text)));
    });
  }

  /** Null = the copy has none. */
  async readDocument(path: DocumentPath): Promise<Buffer | null> {
    const file = documentFile(path);
    const content = await this.#read(file);
    return content === null ? null : (openDocument(await this.#ownSeal(), file, content)?.content ?? null);
  }

  /** All documents of the copy. */
  async readDocuments(): Promise<readonly KeptDocument[]> {
    const seal = await this.#ownSeal();
    const names = await readdir(join(this.directory, DOCUMENTS)).catch(() => []);
    const documents: KeptDocument[] = [];
    for (const name of names) {
      const file = join(DOCUMENTS, name);
      const content = await this.#read(file);
      const document = content === null ? null : openDocument(seal, file, content);
      if (document !== null) documents.push(document);
    }
    return documents;
  }

  /** How far the database was when it was last heard of; null = never. */
  async readEpoch(): Promise<Epoch | null> {
    const value = parseObject((await this.#read('epoch'))?.toString() ?? '');
    const { writes, losses } = value ?? {};
    return typeof writes === 'number' && typeof losses === 'number' ? { writes, losses } : null;
  }

  keepEpoch(epoch: Epoch): void {
    this.#write(() => this.#put('epoch', Buffer.from(JSON.stringify(epoch))));
  }

  #write(work: (seal: Seal) => Promise<void>): void {
    this.#writing = this.#writing
      .then(async () => work(await this.#ownSeal()))
      .catch((error: unknown) => this.#report(error));
  }

  /** Not waited for: after a crash of the machine a copy that is not whole cannot be opened, and is made again. */
  async #put(file: string, content: Buffer): Promise<void> {
    const path = join(this.directory, file);
    const unfinished = join(this.directory, `.new-${randomUUID()}`);
    await writeFile(unfinished, content, { mode: 0o600 });
    await rename(unfinished, path).catch(async (error: unknown) => {
      await rm(unfinished, { force: true });
      throw error;
    });
  }

  async #read(file: string): Promise<Buffer | null> {
    return readFile(join(this.directory, file)).catch(() => null);
  }

  #ownSeal(): Promise<Seal> {
    this.#seal ??= this.#open().catch((error: unknown) => {
      this.#seal = null;
      this.#report(error);
      throw error;
    });
    return this.#seal;
  }

  async #open(): Promise<Seal> {
    for (const part of ['', CERTIFICATES, DOCUMENTS]) {
      await mkdir(join(this.directory, part), { recursive: true, mode: 0o700 });
    }
    if (this.#storeSeal.isOn) return this.#storeSeal;
    const path = join(this.directory, 'key');
    try {
      return readSeal({ kind: 'file', path }, {});
    } catch {
      // None yet, or damaged: then what is there cannot be opened anyhow.
      const secret = randomBytes(32);
      await writeAtomically(systemFileSystem, path, `${secret.toString('base64')}\n`);
      return new Seal([secret]);
    }
  }

  #certificateFiles(): Promise<Map<string, string>> {
    this.#files ??= readdir(join(this.directory, CERTIFICATES)).then(
      (names) => new Map(names.map((name) => [name.split('-')[0] ?? '', name])),
    );
    return this.#files;
  }

  #report(error: unknown): void {
    if (this.#reported) return;
    this.#reported = true;
    this.#emit({
      event: 'store.warning',
      message: `${this.directory} cannot hold a copy of the store (${systemCodeOf(error) ?? messageOf(error)})`,
      hint: 'without it, a start while the database is away serves nothing: set CACHE_DIRECTORY to a directory of rigil',
    });
  }
}

/** What the name of a certificate's file begins with, and all of it: the same certificate is not written twice. */
function namesOf({ facts }: Pick<Certificate, 'facts'>): readonly [string, string] {
  const stem = createHash('sha256').update(placeOf(facts)).digest('hex').slice(0, 32);
  return [stem, `${stem}-${facts.fingerprint.slice(0, 32)}`];
}

function documentFile(path: DocumentPath): string {
  return join(DOCUMENTS, createHash('sha256').update(JSON.stringify(path)).digest('hex').slice(0, 40));
}

function openCertificate(seal: Seal, stem: string, content: Buffer): Certificate | null {
  try {
    const { meta, chain, key } = parseObject(seal.open(`copy\n${stem}`, content).toString()) ?? {};
    const read = typeof meta === 'string' ? metaFromJson(meta) : null;
    if (read === null || typeof chain !== 'string' || typeof key !== 'string') return null;
    const certificate = { facts: read.facts, chain, key };
    return namesOf(certificate)[0] === stem && belongTogether(read, chain, key) ? certificate : null;
  } catch {
    return null;
  }
}

function openDocument(seal: Seal, file: string, content: Buffer): KeptDocument | null {
  try {
    const { path, content: text } = parseObject(seal.open(`copy\n${file}`, content).toString()) ?? {};
    if (!Array.isArray(path) || typeof text !== 'string') return null;
    const [kind, ...names] = path as string[];
    const known = KEPT_KINDS.find((each) => each === kind);
    if (known === undefined || documentFile([known as DocumentPath[0], ...names]) !== file) return null;
    return { path: [known as DocumentPath[0], ...names], content: Buffer.from(text, 'base64') };
  } catch {
    return null;
  }
}
