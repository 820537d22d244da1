import { connectionFault, type H2Fault } from './fault.ts';
import { H2_ERROR } from './protocol.ts';

/** A header block that comes in several frames (RFC 9113 4.3), put together within bounds. */
export class HeaderBlock {
  /** Whether more of it has to come; until then no other frame may. */
  open = false;
  streamId = 0;
  endStream = false;
  /** A stream error that was found in the HEADERS frame already. */
  fault: H2Fault | null = null;
  bytes: Buffer = NO_BYTES;
  /** How much of `bytes` it is. */
  length = 0;
  /** How many frames it came in besides HEADERS. */
  continuations = 0;
  readonly #mostBytes: number;
  readonly #mostContinuations: number;

  constructor(mostBytes: number, mostContinuations: number) {
    this.#mostBytes = mostBytes;
    this.#mostContinuations = mostContinuations;
  }

  begin(
    streamId: number,
    endStream: boolean,
    fault: H2Fault | null,
    bytes: Buffer,
    from: number,
    to: number,
  ): void {
    this.open = true;
    this.streamId = streamId;
    this.endStream = endStream;
    this.fault = fault;
    this.length = 0;
    this.continuations = 0;
    this.#append(bytes, from, to);
  }

  /** Adds what a CONTINUATION frame carries. */
  add(bytes: Buffer, from: number, to: number): H2Fault | null {
    this.continuations += 1;
    if (this.continuations > this.#mostContinuations) {
      return connectionFault(H2_ERROR.enhanceYourCalm, 'too-many-continuations');
    }
    if (this.length + to - from > this.#mostBytes) {
      return connectionFault(H2_ERROR.enhanceYourCalm, 'header-block-too-large');
    }
    this.#append(bytes, from, to);
    return null;
  }

  /** Lets go of the bytes of a block that is complete. */
  release(): void {
    if (this.open) return;
    this.bytes = NO_BYTES;
    this.length = 0;
  }

  #append(bytes: Buffer, from: number, to: number): void {
    const length = this.length + to - from;
    if (length > this.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(2 * length, this.#mostBytes));
      this.bytes.copy(larger, 0, 0, this.length);
      this.bytes = larger;
    }
    bytes.copy(this.bytes, this.length, from, to);
    this.length = length;
  }
}

const NO_BYTES = Buffer.alloc(0);
