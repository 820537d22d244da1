import { randomUUID } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { StoreLock } from '../certs/ports.ts';
import { RigilError, systemCodeOf } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';
import { makeDirectory } from './atomic-write.ts';
import { type FileSystem, isAbsence, unreadable, unwritable } from './file-system.ts';
import { type ProcessIdentity, thisProcess } from './process-identity.ts';

/** How often a holder shows that it lives, in milliseconds. */
export const HEARTBEAT_MS = 3_000;

/** What a lock file says about who has it. */
export interface Holder extends ProcessIdentity {
  readonly token: string;
  readonly fence: number;
  readonly since: string;
}

/** Tokens of the locks that this process has. */
const held = new Set<string>();

let lastFence = 0;

/**
 * A lock that this process has: a file that was made with O_EXCL, so that nobody else could make it, and that is
 * touched again and again to show that its holder lives.
 *
 * Who finds it silent for too long moves the file away. A holder that was only asleep notices that the file at the
 * path is not its own: at its next heartbeat, and at the latest when it asks `verify`.
 */
export class FileLock implements StoreLock {
  readonly key: string;
  readonly fence: number;
  readonly #fs: FileSystem;
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #token: string;
  readonly #lost = new AbortController();
  readonly #stopBeating: () => void;

  private constructor(
    fs: FileSystem,
    path: string,
    key: string,
    file: FileHandle,
    holder: Holder,
    clock: Clock,
  ) {
    this.key = key;
    this.fence = holder.fence;
    this.#fs = fs;
    this.#path = path;
    this.#file = file;
    this.#token = holder.token;
    this.#stopBeating = clock.every(HEARTBEAT_MS, () => {
      void this.#beat(clock);
    });
  }

  /**
   * Makes the lock file at `path`; null when there is one.
   *
   * @throws RigilError `store-unwritable`
   */
  static async make(fs: FileSystem, path: string, key: string, clock: Clock): Promise<FileLock | null> {
    const file = await create(fs, path);
    if (file === null) return null;
    lastFence = Math.max(lastFence + 1, clock.now());
    const since = new Date(clock.now()).toISOString();
    const holder: Holder = { ...thisProcess(), token: randomUUID(), fence: lastFence, since };
    held.add(holder.token);
    try {
      await file.writeFile(JSON.stringify(holder));
      return new FileLock(fs, path, key, file, holder, clock);
    } catch (error) {
      held.delete(holder.token);
      await file.close().catch(() => {});
      await fs.unlink(path).catch(() => {});
      throw unwritable(path, error);
    }
  }

  /** Whether a token belongs to a lock that this process has now. */
  static isHeldHere(token: string): boolean {
    return held.has(token);
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /**
   * Makes sure that the lock is still held.
   *
   * @throws RigilError `lock-lost`, `store-unreadable`
   */
  async verify(): Promise<void> {
    if (held.has(this.#token) && !this.lost.aborted && (await this.#isAtItsPlace())) return;
    this.#lose();
    throw new RigilError('lock-lost', `another process has taken over the work on ${this.key}`);
  }

  async release(): Promise<void> {
    this.#stopBeating();
    if (!held.delete(this.#token)) return;
    try {
      if (await this.#isAtItsPlace()) await this.#fs.unlink(this.#path);
    } catch {
      // It cannot be removed now: it will be found silent, or its process gone.
    } finally {
      await this.#file.close().catch(() => {});
    }
  }

  async #beat(clock: Clock): Promise<void> {
    try {
      const now = new Date(clock.now());
      await this.#file.utimes(now, now);
      if (!(await this.#isAtItsPlace())) this.#lose();
    } catch {
      // A disk that fails now and then is no reason to give up work; `verify` has the last word.
    }
  }

  /** The open file keeps its number, so the same number at the path means the same file. */
  async #isAtItsPlace(): Promise<boolean> {
    try {
      const [mine, there] = await Promise.all([
        this.#file.stat({ bigint: true }),
        this.#fs.stat(this.#path, { bigint: true }),
      ]);
      return mine.ino === there.ino && mine.dev === there.dev;
    } catch (error) {
      if (isAbsence(error)) return false;
      throw unreadable(this.#path, error);
    }
  }

  #lose(): void {
    this.#stopBeating();
    this.#lost.abort();
  }
}

async function create(fs: FileSystem, path: string): Promise<FileHandle | null> {
  try {
    return await fs.open(path, 'wx', 0o600);
  } catch (error) {
    if (systemCodeOf(error) === 'EEXIST') return null;
    if (systemCodeOf(error) !== 'ENOENT') throw unwritable(path, error);
  }
  try {
    await makeDirectory(fs, dirname(path));
  } catch (error) {
    throw unwritable(dirname(path), error);
  }
  return create(fs, path);
}
