import type { OrderNote } from '../../src/certs/ports.ts';
import { RigilError } from '../../src/errors.ts';

/** A note as one process after the other sees it, each under its own lock. */
export class MemoryNote {
  content: string | null = null;
  #owner = 0;

  /** Takes the lock: whoever had it has lost it, and finds out when `tell` is called or when he writes. */
  take(): OrderNote & { tell(): void } {
    this.#owner += 1;
    const me = this.#owner;
    const lost = new AbortController();
    const change = async (content: string | null): Promise<void> => {
      if (this.#owner !== me) {
        lost.abort();
        throw new RigilError('lock-lost', 'another process has the lock');
      }
      this.content = content;
    };
    return {
      lost: lost.signal,
      read: async () => this.content,
      write: change,
      erase: () => change(null),
      tell: () => lost.abort(),
    };
  }
}
