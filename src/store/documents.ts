import { join } from 'node:path';
import type { DocumentPath, DocumentStore } from '../certs/ports.ts';
import { UNFINISHED, writeAtomically } from './atomic-write.ts';
import { type FileSystem, isAbsence, unreadable, unwritable } from './file-system.ts';
import { fromSegment, toSegment } from './segment.ts';

/** Documents as files: `<store>/<kind>/<name>/…`, each readable for its owner only. */
export class FileDocuments implements DocumentStore {
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

  locateDocument([kind, ...names]: DocumentPath): string {
    return join(this.#directory, kind, ...names.map(toSegment));
  }
}
