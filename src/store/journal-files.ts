import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CertificateId } from '../certs/certificate.ts';
import { inParallel } from '../certs/in-parallel.ts';
import type { JournalEntry } from '../certs/journal.ts';
import { writeAtomically } from './atomic-write.ts';
import { type FileSystem, isAbsence, unreadable, unwritable } from './file-system.ts';
import type { Damage } from './generations.ts';
import { inSlices } from './in-slices.ts';
import { journalFromJson, journalToJson } from './journal-json.ts';
import { toSegment } from './segment.ts';

/** How many files are read at a time. */
const READERS = 32;

/** The journal as files: one for each certificate of which there is something to remember. */
export class JournalFiles {
  readonly #fs: FileSystem;
  readonly #directory: string;

  constructor(fs: FileSystem, directory: string) {
    this.#fs = fs;
    this.#directory = directory;
  }

  /** For a start: it holds up the process a little. @throws RigilError `store-unreadable` */
  async readAll(): Promise<{
    readonly entries: ReadonlyMap<CertificateId, JournalEntry>;
    readonly damaged: readonly Damage[];
  }> {
    const entries = new Map<CertificateId, JournalEntry>();
    const damaged: Damage[] = [];
    const files = (await this.#files()).map((name) => join(this.#directory, name));
    const others: string[] = [];
    await inSlices(files, (path) => {
      const read = readNow(path);
      if (read === null) others.push(path);
      else entries.set(read.id, read.entry);
    });
    await inParallel(others, READERS, async (path) => {
      const text = await this.#readText(path);
      const read = text === null ? null : journalFromJson(text);
      if (read !== null) entries.set(read.id, read.entry);
      else if (text !== null) damaged.push({ path, problem: 'it is damaged and counts as empty' });
    });
    return { entries, damaged };
  }

  /** Null = nothing is remembered, or what is there is damaged. @throws RigilError `store-unreadable` */
  async read(id: CertificateId): Promise<JournalEntry | null> {
    const text = await this.#readText(this.#pathOf(id));
    return (text === null ? null : journalFromJson(text))?.entry ?? null;
  }

  /** @throws RigilError `store-unwritable` */
  async write(id: CertificateId, entry: JournalEntry): Promise<void> {
    const path = this.#pathOf(id);
    if (entry.failure !== null || entry.ari !== null) {
      await writeAtomically(this.#fs, path, journalToJson(id, entry));
      return;
    }
    try {
      await this.#fs.unlink(path);
    } catch (error) {
      if (!isAbsence(error)) throw unwritable(path, error);
    }
  }

  async #files(): Promise<string[]> {
    try {
      return (await this.#fs.readdir(this.#directory)).filter((name) => !name.startsWith('.'));
    } catch (error) {
      if (isAbsence(error)) return [];
      throw unreadable(this.#directory, error);
    }
  }

  async #readText(path: string): Promise<string | null> {
    try {
      return await this.#fs.readFile(path, 'utf8');
    } catch (error) {
      if (isAbsence(error)) return null;
      throw unreadable(path, error);
    }
  }

  #pathOf(id: CertificateId): string {
    return join(this.#directory, `${toSegment(id)}.json`);
  }
}

/** The quickest way to read an entry: a start has to read ten thousand. Null when a closer look is needed. */
function readNow(path: string): ReturnType<typeof journalFromJson> {
  try {
    return journalFromJson(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
}
