import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { RigilError } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';
import { UNFINISHED } from './atomic-write.ts';
import { FileLock, type Holder } from './file-lock.ts';
import { type FileSystem, isAbsence, unreadable, unwritable } from './file-system.ts';
import { isGone, sharesProcesses, thisProcess } from './process-identity.ts';
import { toSegment } from './segment.ts';

/**
 * A lock whose holder has shown no life for so long, while we looked, is taken from it; in milliseconds. The age of
 * the file says nothing: clocks differ between machines, and jump.
 */
export const STALE_AFTER_MS = 15_000;

/** Pauses between two looks at a lock that somebody has, in milliseconds; each is twice the one before. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

/** The locks of a file store: one file for each key in one directory. */
export class FileLocks {
  readonly #fs: FileSystem;
  readonly #directory: string;
  readonly #clock: Clock;

  constructor(fs: FileSystem, directory: string, clock: Clock) {
    this.#fs = fs;
    this.#directory = directory;
    this.#clock = clock;
  }

  /**
   * Waits until nobody has the lock, and takes it.
   *
   * @throws RigilError `aborted` when `signal` aborts, `store-unwritable`, `store-unreadable`
   */
  acquire(key: string, signal: AbortSignal): Promise<FileLock> {
    return this.#contend(key, signal, () => {});
  }

  /**
   * Takes the lock if nobody has it. Waits only to find out whether a holder that is elsewhere lives.
   *
   * @throws RigilError `store-locked` with who has it, and as {@link acquire}
   */
  acquireNow(key: string, signal: AbortSignal): Promise<FileLock> {
    return this.#contend(key, signal, (lock, beating) => {
      if (lock.holder === null || !(beating || sharesProcesses(lock.holder, thisProcess()))) return;
      const { pid, host, since } = lock.holder;
      throw new RigilError('store-locked', `process ${pid} on ${host} has had it since ${since}`);
    });
  }

  /** Who has the lock, or null. */
  async holderOf(key: string): Promise<Holder | null> {
    return (await this.#look(this.#pathOf(key)))?.holder ?? null;
  }

  async #contend(
    key: string,
    signal: AbortSignal,
    onLiving: (lock: SeenLock, beating: boolean) => void,
  ): Promise<FileLock> {
    const path = this.#pathOf(key);
    let former: SeenLock | null = null;
    let silentMs = 0;
    let beating = false;
    let pauseMs = FIRST_PAUSE_MS;
    while (!signal.aborted) {
      const lock = await FileLock.make(this.#fs, path, key, this.#clock);
      if (lock !== null) return lock;
      const seen = await this.#look(path);
      if (seen === null) continue;
      const sameHolder = former?.file === seen.file;
      if (sameHolder && former?.touchedAt !== seen.touchedAt) beating = true;
      if (!sameHolder || former?.touchedAt !== seen.touchedAt) silentMs = 0;
      former = seen;
      if (isAbandoned(seen) || silentMs >= STALE_AFTER_MS) {
        await this.#remove(path, seen);
        continue;
      }
      onLiving(seen, beating);
      await this.#clock.sleep(pauseMs, signal);
      silentMs += pauseMs;
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
    throw new RigilError('aborted', `the wait for the lock on ${key} was broken off`);
  }

  async #look(path: string): Promise<SeenLock | null> {
    try {
      const { ino, dev, mtimeNs } = await this.#fs.stat(path, { bigint: true });
      const text = await this.#fs.readFile(path, 'utf8');
      const holder = parseHolder(text);
      return { file: `${dev}:${ino}:${holder?.token}`, touchedAt: mtimeNs, holder };
    } catch (error) {
      if (isAbsence(error)) return null;
      throw unreadable(path, error);
    }
  }

  /**
   * Takes a dead lock away. Two processes may do so at once, and the slower one then moves the new lock of the faster
   * one: it puts that back.
   */
  async #remove(path: string, dead: SeenLock): Promise<void> {
    const aside = join(this.#directory, UNFINISHED + randomUUID());
    try {
      if ((await this.#look(path))?.file !== dead.file) return;
      await this.#fs.rename(path, aside);
      const moved = await this.#look(aside);
      if (moved !== null && moved.file !== dead.file) await this.#fs.link(aside, path).catch(() => {});
      await this.#fs.unlink(aside);
    } catch (error) {
      if (!isAbsence(error)) throw unwritable(path, error);
    }
  }

  #pathOf(key: string): string {
    return join(this.#directory, `${toSegment(key)}.lock`);
  }
}

/** A lock file as it was found. */
interface SeenLock {
  /** Which file it is. The number of a file alone may be given to the next one. */
  readonly file: string;
  readonly touchedAt: bigint;
  /** Null when the file is not written yet, or damaged. */
  readonly holder: Holder | null;
}

/** Whether nobody can have this lock any more. */
function isAbandoned({ holder }: SeenLock): boolean {
  if (holder === null) return false;
  const me = thisProcess();
  // In a container that was started again a process has the number that it had in its former life.
  const formerLife =
    sharesProcesses(holder, me) && holder.pid === me.pid && !FileLock.isHeldHere(holder.token);
  return formerLife || isGone(holder, me);
}

function parseHolder(text: string): Holder | null {
  try {
    const { pid, host, boot, pidNamespace, token, fence, since } = JSON.parse(text) as Record<
      string,
      unknown
    >;
    if (typeof pid !== 'number' || typeof host !== 'string' || typeof token !== 'string') return null;
    return {
      pid,
      host,
      boot: typeof boot === 'string' ? boot : null,
      pidNamespace: typeof pidNamespace === 'string' ? pidNamespace : null,
      token,
      fence: typeof fence === 'number' ? fence : 0,
      since: typeof since === 'string' ? since : 'an unknown time',
    };
  } catch {
    return null;
  }
}
