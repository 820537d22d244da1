/** How long a line waits for others to be written with it, in milliseconds. */
const WAIT_MS = 100;
/** What is written at once, in bytes (and what one more line is longer). */
const BATCH_BYTES = 65_536;
/** What may wait for a slow writer; lines beyond it are dropped. In bytes. */
export const LONGEST_QUEUE_BYTES = 4_194_304;

/** Where lines go. */
export interface LineSink {
  /** Resolves when they are written. Called again only then. */
  write(lines: Buffer, count: number): Promise<void>;
  /** Begins the file anew: it has been moved away. Rejects when that cannot be; then the former one is kept. */
  reopen(): Promise<void>;
  close(): Promise<void>;
}

interface Batch {
  text: string;
  count: number;
}

/**
 * Collects lines and writes them a batch at a time. Whoever adds one never waits: what the sink does not take in time,
 * or at all, is dropped and counted.
 */
export class LineQueue {
  readonly #sink: LineSink;
  readonly #onDropped: (count: number, reason: unknown) => void;
  readonly #batches: Batch[] = [];
  #bytes = 0;
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> | null = null;

  /** @param onDropped told how many lines are lost, and the error of the write; null: there was no room */
  constructor(sink: LineSink, onDropped: (count: number, reason: unknown) => void) {
    this.#sink = sink;
    this.#onDropped = onDropped;
  }

  /** Adds a line of ASCII text, its end included. */
  push(line: string): void {
    if (this.#bytes + line.length > LONGEST_QUEUE_BYTES) {
      this.#onDropped(1, null);
      return;
    }
    this.#bytes += line.length;
    const last = this.#batches.at(-1);
    if (last === undefined || last.text.length >= BATCH_BYTES) this.#batches.push({ text: line, count: 1 });
    else {
      last.text += line;
      last.count += 1;
    }
    if (this.#writing !== null) return;
    if (this.#bytes >= BATCH_BYTES) this.#write();
    else this.#timer ??= setTimeout(() => this.#write(), WAIT_MS);
  }

  /** Writes what is there without waiting for more. Resolves when all is written or dropped. */
  async flush(): Promise<void> {
    if (this.#writing === null) this.#write();
    while (this.#writing !== null) await this.#writing;
  }

  #write(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#bytes > 0) this.#writing = this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    for (let batch = this.#batches.shift(); batch !== undefined; batch = this.#batches.shift()) {
      const { text, count } = batch;
      try {
        await this.#sink.write(Buffer.from(text, 'latin1'), count);
      } catch (error) {
        this.#onDropped(count, error);
      }
      this.#bytes -= text.length;
    }
    this.#writing = null;
  }
}
