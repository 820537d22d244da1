import type { RawHeaders } from '../../exchange.ts';

/** What is kept of one body, in bytes. Enough for nearly all calls of gRPC, and for forms. */
const KEPT_BYTES = 65_536;

/** The part of a request's body that has been sent, for as long as it may have to be sent once more. */
export class Replay {
  chunks: Buffer[] = [];
  /** Whether `chunks` are all that has been sent. */
  whole = true;
  /** Once the body has ended; null before. */
  trailers: RawHeaders | null = null;
  #bytes = 0;

  /** Keeps a copy. `unsent`: there is no other, so that it is kept even if it is too long. */
  keep(chunk: Buffer, unsent: boolean): void {
    if (!this.whole) return;
    this.#bytes += chunk.length;
    if (this.#bytes > KEPT_BYTES && !unsent) this.forget();
    else this.chunks.push(Buffer.from(chunk));
  }

  /** It need not be sent again, or cannot. */
  forget(): void {
    this.chunks = [];
    this.whole = false;
  }
}
