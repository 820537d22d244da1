import { DEFAULT_WINDOW, LARGEST_WINDOW } from './protocol.ts';

/** How much we may send, on a stream or on the connection (RFC 9113 5.2, 6.9). */
export class SendWindow {
  #bytes: number;

  constructor(bytes = DEFAULT_WINDOW) {
    this.#bytes = bytes;
  }

  /** In bytes, never below 0, though the window itself can be (RFC 9113 6.9.2). */
  get available(): number {
    return Math.max(this.#bytes, 0);
  }

  /** So many bytes go out, not more than are `available`. */
  spend(bytes: number): void {
    this.#bytes -= bytes;
  }

  /** The peer sent WINDOW_UPDATE. False = the window is larger than it can be: FLOW_CONTROL_ERROR. */
  grow(increment: number): boolean {
    this.#bytes += increment;
    return this.#bytes <= LARGEST_WINDOW;
  }

  /** The peer's SETTINGS_INITIAL_WINDOW_SIZE changed by `difference`. False = FLOW_CONTROL_ERROR. */
  shift(difference: number): boolean {
    this.#bytes += difference;
    return this.#bytes <= LARGEST_WINDOW;
  }
}

/** How much the peer may send us, and when to let it send more. */
export class ReceiveWindow {
  #size: number;
  #left: number;
  /** Used up here, but not given back yet. */
  #owed = 0;

  /** @param size as the peer knows it: SETTINGS_INITIAL_WINDOW_SIZE for a stream, 65535 and what was added for a connection */
  constructor(size = DEFAULT_WINDOW) {
    this.#size = size;
    this.#left = size;
  }

  /** How much may be under way at once, in bytes. */
  get size(): number {
    return this.#size;
  }

  /** Lets so much more be under way at once. The increment has to be sent in a WINDOW_UPDATE. */
  widen(bytes: number): number {
    this.#size += bytes;
    this.#left += bytes;
    return bytes;
  }

  /** DATA came, `flowBytes` of it. False = more than was allowed: FLOW_CONTROL_ERROR. */
  receive(bytes: number): boolean {
    this.#left -= bytes;
    return this.#left >= 0;
  }

  /**
   * So many of the received bytes are dealt with. Returns the increment to send in a WINDOW_UPDATE, or 0 while it is not
   * worth a frame: less than half of the window.
   */
  release(bytes: number): number {
    this.#owed += bytes;
    if (this.#owed * 2 < this.#size) return 0;
    const increment = this.#owed;
    this.#owed = 0;
    this.#left += increment;
    return increment;
  }
}
