import { write, writeSync } from 'node:fs';

/** Lines that may wait for a slow reader before the oldest are given up. */
const LONGEST_QUEUE = 10_000;
const RETRY_MS = 20;

/**
 * Writes lines to a descriptor in order, without ever blocking the caller.
 *
 * `process.stderr` blocks the whole process while nobody reads the pipe behind it; a log must not. When the reader
 * falls too far behind, the oldest waiting lines are dropped, and one line says how many.
 */
export class LineWriter {
  readonly #fd: number;
  #queue: string[] = [];
  #dropped = 0;
  #rest: Buffer | null = null;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Adds a line; the line end is added here. */
  write(line: string): void {
    if (this.#queue.length >= LONGEST_QUEUE) {
      this.#queue.shift();
      this.#dropped += 1;
    }
    this.#queue.push(line);
    if (this.#rest === null) this.#next();
  }

  /** Writes what still waits, as far as the reader takes it at once. For the last moments of a process. */
  flush(): void {
    const waiting = this.#rest ?? Buffer.alloc(0);
    const text = Buffer.concat([waiting, Buffer.from(this.#take())]);
    this.#rest = Buffer.alloc(0);
    try {
      for (let done = 0; done < text.length; ) done += writeSync(this.#fd, text, done);
    } catch {
      // Nobody reads any more, and there is nobody left to tell.
    }
  }

  #take(): string {
    const lines = this.#dropped > 0 ? [`(${this.#dropped} lines were dropped)`, ...this.#queue] : this.#queue;
    this.#queue = [];
    this.#dropped = 0;
    return lines.map((line) => `${line}\n`).join('');
  }

  #next(): void {
    const text = this.#take();
    if (text === '') return;
    this.#rest = Buffer.from(text);
    this.#push();
  }

  #push(): void {
    const rest = this.#rest;
    if (rest === null) return;
    write(this.#fd, rest, 0, rest.length, null, (error, written) => {
      if (this.#rest !== rest) return;
      if (error !== null) {
        if (error.code === 'EAGAIN') setTimeout(() => this.#push(), RETRY_MS).unref();
        else this.#rest = null;
        return;
      }
      const left = rest.subarray(written);
      this.#rest = left.length > 0 ? left : null;
      if (left.length > 0) this.#push();
      else this.#next();
    });
  }
}
