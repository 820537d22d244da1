import type { CertificateStore, DocumentPath, DocumentStore, StoreLock } from '../../src/certs/ports.ts';

/** Documents and locks in memory: what a store promises, for tests of those who use it. */
export class MemoryDocuments implements DocumentStore, Pick<CertificateStore, 'lock'> {
  readonly documents = new Map<string, Buffer>();
  readonly #locks = new Map<string, Promise<void>>();
  #fence = 0;

  async readDocument(path: DocumentPath): Promise<Buffer | null> {
    return this.documents.get(path.join('/')) ?? null;
  }

  async writeDocument(path: DocumentPath, content: string | Uint8Array): Promise<void> {
    this.documents.set(path.join('/'), Buffer.from(content));
  }

  async removeDocument(path: DocumentPath): Promise<void> {
    this.documents.delete(path.join('/'));
  }

  async listDocuments(path: DocumentPath): Promise<readonly string[]> {
    const prefix = `${path.join('/')}/`;
    return [...this.documents.keys()]
      .filter((key) => key.startsWith(prefix))
      .map((key) => key.slice(prefix.length))
      .filter((rest) => !rest.includes('/'));
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

  async lock(key: string, _signal: AbortSignal): Promise<StoreLock> {
    const before = this.#locks.get(key) ?? Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#locks.set(key, promise);
    await before;
    return { key, fence: ++this.#fence, lost: new AbortController().signal, release: async () => resolve() };
  }
}
