import { randomUUID } from 'node:crypto';
import { type FSWatcher, mkdirSync, watch } from 'node:fs';
import { appendFile, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../platform/clock.ts';

/** How often the notes are looked at, in milliseconds: not every file system tells of changes by itself. */
const LOOK_EVERY_MS = 1_000;

/** How often somebody who watches is called without a reason, in milliseconds: a person may have changed files. */
const CALL_EVERY_MS = 600_000;

/** Notes of processes that have not written for so long are removed, in milliseconds. */
const FORGET_AFTER_MS = 86_400_000;

/**
 * How processes that share a store tell each other that they stored a certificate: each appends to a file of its own,
 * and looks at those of the others. So nobody is woken by itself, and nobody has to look at ten thousand directories.
 */
export class ChangeNotes {
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #mine = randomUUID();

  constructor(directory: string, clock: Clock) {
    this.#directory = directory;
    this.#clock = clock;
  }

  /** Tells the others. Never fails: they look by themselves now and then. */
  async write(): Promise<void> {
    const note = (): Promise<void> => appendFile(join(this.#directory, this.#mine), '.', { mode: 0o600 });
    await note()
      .catch(() => mkdir(this.#directory, { recursive: true, mode: 0o700 }).then(note))
      .catch(() => {});
  }

  /** Calls `onChange` after others have written, and every ten minutes. Returns a function that stops it. */
  watch(onChange: () => void): () => void {
    let known: string | null = null;
    let looking = false;
    const look = async (): Promise<void> => {
      if (looking) return;
      looking = true;
      const seen = await this.#others();
      looking = false;
      if (known !== null && seen !== known) onChange();
      known = seen;
    };
    void look();
    const watcher = this.#listen(look);
    const stops = [
      this.#clock.every(LOOK_EVERY_MS, () => void look()),
      this.#clock.every(CALL_EVERY_MS, onChange),
      () => watcher?.close(),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }

  /** Removes notes that nobody writes any more. */
  async forgetOld(): Promise<void> {
    const oldest = this.#clock.now() - FORGET_AFTER_MS;
    for (const name of await readdir(this.#directory).catch(() => [])) {
      const path = join(this.#directory, name);
      const written = await stat(path).catch(() => null);
      if (written !== null && written.mtimeMs < oldest) await rm(path, { force: true }).catch(() => {});
    }
  }

  /** What the others have written, as one text to compare. */
  async #others(): Promise<string> {
    const names = await readdir(this.#directory).catch(() => []);
    const sizes = names
      .filter((name) => name !== this.#mine)
      .sort()
      .map(async (name) => `${name} ${(await stat(join(this.#directory, name)).catch(() => null))?.size}`);
    return (await Promise.all(sizes)).join('\n');
  }

  #listen(look: () => Promise<void>): FSWatcher | null {
    try {
      mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
      const watcher = watch(this.#directory, { persistent: false }, (_, name) => {
        if (name !== this.#mine) void look();
      });
      watcher.on('error', () => watcher.close());
      return watcher;
    } catch {
      return null;
    }
  }
}
