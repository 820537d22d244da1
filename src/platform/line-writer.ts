import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** Bytes that may wait for a slow reader before new lines are given up. */
const LONGEST_QUEUE_BYTES = 1_048_576;

/**
 * Writes lines to a descriptor in order, without blocking the caller where that can happen.
 *
 * `process.stderr` blocks the whole process while nobody reads the pipe behind it; a log must not. When the reader
 * falls too far behind, lines are dropped, and the next one that goes out says how many.
 */
export class LineWriter {
  readonly #fd: number;
  readonly #owned: boolean;
  /** Null where a write never waits for a reader: files and terminals. */
  readonly #pipe: Socket | null;
  #dropped = 0;

  /** @param owned whether the descriptor is this writer's alone, to be closed by it */
  constructor(fd: number, owned = false) {
    this.#fd = fd;
    this.#owned = owned;
    this.#pipe = openPipe(fd, owned);
  }

  /** Adds a line; the line end is added here. */
  write(line: string): void {
    const note = this.#dropped === 0 ? '' : `(${this.#dropped} lines were dropped: nobody read them)\n`;
    if (this.offer(`${note}${line}\n`)) this.#dropped = 0;
    else this.#dropped += 1;
  }

  /** Adds text as it is: whole lines. Says whether it did; not when the reader is too far behind. */
  offer(text: string | Uint8Array): boolean {
    if (this.#pipe === null) {
      this.#writeNow(text);
      return true;
    }
    if (this.#pipe.writableLength > LONGEST_QUEUE_BYTES) return false;
    this.#pipe.write(text);
    return true;
  }

  /** Resolves when everything is written, or after `timeoutMs` milliseconds. */
  async drain(timeoutMs = 1_000): Promise<void> {
    const pipe = this.#pipe;
    if (pipe === null || pipe.writableLength === 0) return;
    const written = new Promise<void>((resolve) => pipe.write('', () => resolve()));
    await Promise.race([written, delay(timeoutMs, undefined, { ref: false })]);
  }

  /** Gives up what is not written, and closes a descriptor that it owns. Nothing can be written any more. */
  close(): void {
    if (this.#pipe !== null) this.#pipe.destroy();
    else if (this.#owned) closeSync(this.#fd);
  }

  #writeNow(text: string | Uint8Array): void {
    try {
      if (typeof text === 'string') writeSync(this.#fd, text);
      else writeSync(this.#fd, text);
    } catch {
      // A full disk or a vanished terminal: there is nobody left to tell.
    }
  }
}

function openPipe(fd: number, owned: boolean): Socket | null {
  const kind = fstatSync(fd);
  if (!kind.isFIFO() && !kind.isSocket()) return null;
  const used = kind.isFIFO() && !owned ? ownDescription(fd) : fd;
  const socket = new Socket({ fd: used, readable: false, writable: true });
  socket.on('error', () => {});
  socket.unref();
  return socket;
}

/**
 * A descriptor for the same pipe with an open file description of its own: the non-blocking mode belongs to the
 * description, and other programs that share ours would be surprised by it.
 */
function ownDescription(fd: number): number {
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return fd;
  }
}
