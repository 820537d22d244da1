import type { DocumentPath } from '../../certs/ports.ts';
import { codeOf, RigilError } from '../../errors.ts';
import type { LocalCopy } from '../local-copy.ts';
import type { Seal } from '../seal.ts';
import type { Fleet, StoreDocuments } from '../store.ts';
import type { Changes } from './changes.ts';
import type { RedisConnection } from './connection.ts';
import type { Keys } from './keys.ts';
import type { RedisLock } from './locks.ts';
import { scanHash } from './scan.ts';
import { CHANGE_FIELD_UNDER_LOCK, REMOVE_FIELD, REPLACE_FIELD, WRITE_FIELD } from './scripts.ts';

interface Parts {
  readonly connection: RedisConnection;
  readonly keys: Keys;
  readonly changes: Changes;
  readonly seal: Seal;
  /** What is read while Redis is away; null = then nothing is. */
  readonly copy: LocalCopy | null;
  /** Makes sure that what others seal is not stored in clear. */
  readonly checkSeal: () => Promise<void>;
  /** Told how many writes there were with each of a document. */
  readonly noteWrite: (writes: number) => void;
}

/** Documents as fields of a hash for each kind, all of them sealed. */
export class RedisDocuments implements StoreDocuments {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async readDocument(path: DocumentPath): Promise<Buffer | null> {
    const { connection, keys, copy } = this.#parts;
    try {
      const stored = await connection.use((client) =>
        client.hgetBuffer(keys.documents(path[0]), fieldOf(path)),
      );
      const content = stored === null ? null : this.#open(path, stored);
      copy?.keepDocument(path, content);
      return content;
    } catch (error) {
      const kept = isAway(error) ? await copy?.readDocument(path) : null;
      if (kept == null) throw error;
      return kept;
    }
  }

  async writeDocument(path: DocumentPath, content: string | Uint8Array): Promise<void> {
    const { connection, keys, changes, seal, copy, noteWrite, checkSeal } = this.#parts;
    await checkSeal();
    const [kind, ...names] = path;
    const value = Buffer.from(content);
    const sealed = seal.close(placeOf(path), value);
    const message = changes.message(kind, names);
    const writes = await connection.run(
      WRITE_FIELD,
      [keys.epoch, keys.documents(kind)],
      [fieldOf(path), sealed, changes.channel, message],
    );
    noteWrite(Number(writes));
    copy?.keepDocument(path, value);
  }

  async removeDocument(path: DocumentPath): Promise<void> {
    const { connection, keys, changes, copy } = this.#parts;
    const [kind, ...names] = path;
    await connection.run(
      REMOVE_FIELD,
      [keys.epoch, keys.documents(kind)],
      [fieldOf(path), changes.channel, changes.message(kind, names)],
    );
    copy?.keepDocument(path, null);
  }

  /**
   * Writes a document that only the holder of a lock may change, or with `null` removes it. Nobody is told.
   *
   * @throws RigilError `lock-lost`, or that of the store
   */
  async changeUnderLock(path: DocumentPath, content: string | null, lock: RedisLock): Promise<void> {
    const { connection, keys, seal } = this.#parts;
    const stored = content === null ? '' : seal.close(placeOf(path), Buffer.from(content));
    const changed = lock.isOver
      ? -1
      : await connection.run(
          CHANGE_FIELD_UNDER_LOCK,
          [keys.epoch, keys.lock(lock.key), keys.documents(path[0])],
          [lock.token, fieldOf(path), stored],
        );
    if (changed !== -1) return;
    lock.lose();
    throw new RigilError('lock-lost', `another process has taken over the work on ${lock.key}`);
  }

  async listDocuments(path: DocumentPath): Promise<readonly string[]> {
    const fields = await this.#fields(path[0]);
    return [...new Set(fields.flatMap((field) => nameBelow(path, pathOf(path[0], field)) ?? []))];
  }

  async readDocuments(path: DocumentPath, visit: (name: string, content: Buffer) => void): Promise<void> {
    const { connection, keys, copy } = this.#parts;
    const [kind] = path;
    try {
      await scanHash(connection, keys.documents(kind), (field, stored) => {
        const found = pathOf(kind, field);
        const name = found.length === path.length + 1 ? nameBelow(path, found) : null;
        if (name === null) return;
        const content = this.#open(found, stored);
        copy?.keepDocument(found, content);
        visit(name, content);
      });
    } catch (error) {
      // What the copy does not keep is not absent: answers to a CA would be taken down in its very look at them.
      if (copy?.keeps(kind) !== true || !isAway(error)) throw error;
      for (const { path: found, content } of await copy.readDocuments()) {
        const name = found.length === path.length + 1 ? nameBelow(path, found) : null;
        if (name !== null) visit(name, content);
      }
    }
  }

  async allDocuments(kind: DocumentPath[0]): Promise<readonly DocumentPath[]> {
    return (await this.#fields(kind)).map((field) => pathOf(kind, field));
  }

  locateDocument(path: DocumentPath): string {
    const { connection, keys } = this.#parts;
    return `${connection.place} ${keys.documents(path[0])} ${fieldOf(path)}`;
  }

  /** See {@link Fleet.replaceDocument}: what counts is what is stored, so it is read once more. */
  async replaceDocument(
    ...[path, expected, content]: Parameters<Fleet['replaceDocument']>
  ): Promise<boolean> {
    const { connection, keys, changes, seal, copy, noteWrite, checkSeal } = this.#parts;
    await checkSeal();
    const [kind, ...names] = path;
    const stored = await connection.use((client) => client.hgetBuffer(keys.documents(kind), fieldOf(path)));
    const known = stored === null ? null : this.#open(path, stored);
    if (known === null ? expected !== null : expected === null || !known.equals(expected)) return false;
    const writes = await connection.run(
      REPLACE_FIELD,
      [keys.epoch, keys.documents(kind)],
      [
        fieldOf(path),
        stored ?? '',
        seal.close(placeOf(path), content),
        changes.channel,
        changes.message(kind, names),
      ],
    );
    if (writes === 0) return false;
    noteWrite(Number(writes));
    copy?.keepDocument(path, content);
    return true;
  }

  /** Seals anew what is not sealed with the newest key. Returns how many there were. */
  async reseal(kind: DocumentPath[0]): Promise<number> {
    const { connection, keys, seal } = this.#parts;
    const old: { path: DocumentPath; content: Buffer }[] = [];
    await scanHash(connection, keys.documents(kind), (field, stored) => {
      const path = pathOf(kind, field);
      if (!seal.isCurrent(stored)) old.push({ path, content: this.#open(path, stored) });
    });
    let count = 0;
    for (const { path, content } of old) if (await this.replaceDocument(path, content, content)) count += 1;
    return count;
  }

  #open(path: DocumentPath, stored: Buffer): Buffer {
    return this.#parts.seal.open(placeOf(path), stored);
  }

  #fields(kind: DocumentPath[0]): Promise<string[]> {
    const { connection, keys } = this.#parts;
    return connection.use((client) => client.hkeys(keys.documents(kind)));
  }
}

/** Whether an error says that the database is away, rather than that it refuses. */
export function isAway(error: unknown): boolean {
  return codeOf(error) === 'store-unreachable';
}

function placeOf(path: DocumentPath): string {
  return ['document', ...path].join('\n');
}

/** The field of a document in the hash of its kind. */
export function fieldOf([, ...names]: DocumentPath): string {
  return names.map((name) => encodeURIComponent(name.toWellFormed())).join('/');
}

function pathOf(kind: DocumentPath[0], field: string): DocumentPath {
  return [kind, ...field.split('/').map(decodeURIComponent)];
}

/** The part of `path` right behind `above`; null when it is not below. */
function nameBelow(above: DocumentPath, path: DocumentPath): string | null {
  return above.every((name, index) => path[index] === name) ? (path[above.length] ?? null) : null;
}
