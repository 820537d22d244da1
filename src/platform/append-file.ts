import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** A new file is for its owner, and for the group that may read logs. */
const MODE = 0o640;

/** Never waits for the other end of a FIFO, never makes a terminal the process' own. */
const FLAGS =
  constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK | constants.O_NOCTTY;

/** Opens a file of whatever kind to append to it; made with mode 0640 where there is none. */
export function openToAppend(path: string): Promise<FileHandle> {
  return open(path, FLAGS, MODE);
}

/**
 * A regular file that several processes append to. What is asked of it happens in order, one step at a time, and
 * nobody's thread waits for the disk.
 */
export class AppendFile {
  readonly #path: string;
  #handle: FileHandle | null = null;
  /** The last write went wrong in the middle of a line. */
  #torn = false;
  #steps: Promise<void> = Promise.resolve();

  /** It is opened at once; should that fail, each write tries again. */
  constructor(path: string) {
    this.#path = path;
    this.reopen().catch(() => {});
  }

  /**
   * Appends whole lines. Rejects with the system's error when they could not be written (all of them); the file is
   * then opened again for the next ones.
   */
  write(lines: Buffer): Promise<void> {
    return this.#step(async () => {
      const handle = this.#handle ?? (await openRegular(this.#path));
      this.#handle = handle;
      const bytes = this.#torn ? Buffer.concat([LINE_END, lines]) : lines;
      let written = 0;
      try {
        while (written < bytes.length) written += (await handle.write(bytes, written)).bytesWritten;
        this.#torn = false;
      } catch (error) {
        if (written > 0) this.#torn = bytes[written - 1] !== LINE_END[0];
        this.#handle = null;
        await handle.close().catch(() => {});
        throw error;
      }
    });
  }

  /** Goes on with the file that is at the path now. Rejects when there can be none; then the former is kept. */
  reopen(): Promise<void> {
    return this.#step(async () => {
      const fresh = await openRegular(this.#path);
      await this.#handle?.close().catch(() => {});
      this.#handle = fresh;
      this.#torn = false;
    });
  }

  close(): Promise<void> {
    return this.#step(async () => {
      await this.#handle?.close().catch(() => {});
      this.#handle = null;
    });
  }

  #step(action: () => Promise<void>): Promise<void> {
    const step = this.#steps.then(action);
    this.#steps = step.catch(() => {});
    return step;
  }
}

const LINE_END = Buffer.from('\n');

/** A write to anything else could wait for its reader, and with it a thread that name look-ups need. */
async function openRegular(path: string): Promise<FileHandle> {
  const handle = await openToAppend(path);
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw new Error(`${path} is no regular file`);
}
