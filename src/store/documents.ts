import { join } from 'node:path';
import { inParallel } from '../certs/in-parallel.ts';
import type { DocumentPath } from '../certs/ports.ts';
import { UNFINISHED, writeAtomically } from './atomic-write.ts';
import { type FileSystem, isAbsence, unreadable, unwritable } from './file-system.ts';
import { fromSegment, toSegment } from './segment.ts';
import type { StoreDocuments } from './store.ts';

/** How many files are read at a time. */
const READERS = 16;

/** Documents as files: `<store>/<kind>/<name>/…`, each readable for its owner only. */
export class FileDocuments implements StoreDocuments {
  readonly #fs: FileSystem;
  readonly #directory: string;

  constructor(fs: FileSystem, directory: string) {
    this.#fs = fs;
    this.#directory = directory;
  }

  async readDocument(path: DocumentPath): Promise<Buffer | null> {
    const file = this.locateDocument(path);
    try {
      return await this.#fs.readFile(file);
    } catch (error) {
      if (isAbsence(error)) return null;
      throw unreadable(file, error);
    }
  }

  writeDocument(path: DocumentPath, content: string | Uint8Array): Promise<void> {
    return writeAtomically(this.#fs, this.locateDocument(path), content);
  }

  async removeDocument(path: DocumentPath): Promise<void> {
    const file = this.locateDocument(path);
    try {
      await this.#fs.unlink(file);
    } catch (error) {
      if (!isAbsence(error)) throw unwritable(file, error);
    }
  }

  async listDocuments(path: DocumentPath): Promise<readonly string[]> {
    const directory = this.locateDocument(path);
    try {
      const segments = await this.#fs.readdir(directory);
      return segments
        .filter((segment) => !segment.startsWith(UNFINISHED))
        .flatMap((segment) => fromSegment(segment) ?? []);
    } catch (error) {
      if (isAbsence(error)) return [];
      throw unreadable(directory, error);
    }
  }

  async readDocuments(path: DocumentPath, visit: (name: string, content: Buffer) => void): Promise<void> {
    await inParallel(await this.listDocuments(path), READERS, async (name) => {
      const content = await this.readDocument([...path, name]);
      if (content !== null) visit(name, content);
    });
  }

  async allDocuments(kind: DocumentPath[0]): Promise<readonly DocumentPath[]> {
    const walk = async (path: DocumentPath): Promise<DocumentPath[]> => {
      const below = (await this.listDocuments(path)).map((name): DocumentPath => [...path, name]);
      const found = await Promise.all(
        below.map(async (each) => ((await this.#isDirectory(each)) ? walk(each) : [each])),
      );
      return found.flat();
    };
    return walk([kind]);
  }

  async #isDirectory(path: DocumentPath): Promise<boolean> {
    const file = this.locateDocument(path);
    try {
      return (await this.#fs.stat(file)).isDirectory();
    } catch (error) {
      if (isAbsence(error)) return false;
      throw unreadable(file, error);
    }
  }

  locateDocument([kind, ...names]: DocumentPath): string {
    return join(this.#directory, kind, ...names.map(toSegment));
  }
}
