import { ReceiveWindow } from '../codec/http2/window.ts';

/** The window of the whole connection, in bytes: enough for a fast upload over a long way. */
export const CONNECTION_WINDOW = 1_048_576;

/**
 * Bytes of uploads that may wait for slow upstreams before the client has to wait with all its uploads, not only with
 * those. With the window this is the bound of what one connection can make us hold.
 */
const HELD_BYTES = 1_048_576;

/** The connection's window (RFC 9113 5.2) for what a client sends on all its streams. */
export class UploadBudget {
  readonly #window = new ReceiveWindow(CONNECTION_WINDOW);
  readonly #allow: (increment: number) => void;
  #held = 0;
  /** What the client will be allowed again when less is held. */
  #owed = 0;

  /** @param allow tells the client that it may send so many more bytes */
  constructor(allow: (increment: number) => void) {
    this.#allow = allow;
  }

  /** DATA came. False = more than was allowed. */
  receive(flowBytes: number): boolean {
    return this.#window.receive(flowBytes);
  }

  /**
   * They have been passed on, or are held on account of their stream: one slow stream must not stop the others, so the
   * client may send as many again, as long as not too much is held.
   */
  release(flowBytes: number): void {
    this.#owed += flowBytes;
    if (this.#held <= HELD_BYTES) this.#pay();
  }

  /** So many more bytes wait for an upstream, or fewer. */
  held(difference: number): void {
    this.#held += difference;
    if (this.#owed > 0 && this.#held <= HELD_BYTES) this.#pay();
  }

  #pay(): void {
    const increment = this.#window.release(this.#owed);
    this.#owed = 0;
    if (increment > 0) this.#allow(increment);
  }
}
