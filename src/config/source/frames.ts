import { RigilError } from '../../errors.ts';
import { LARGEST_FILE } from '../parse.ts';

/** What every frame begins with: Centauri's name, then the version of the protocol. */
const PREAMBLE = Buffer.from('CENTAURI\x00\x00\x00\x01', 'latin1');
const MAGIC_BYTES = 8;
const LENGTH_BYTES = 4;
const HEADER_BYTES = PREAMBLE.length + LENGTH_BYTES;

/**
 * One frame of Centauri's network configuration, version 1: `CENTAURI`, the version and the length of the payload as
 * 32-bit numbers (big-endian), and the payload, a configuration text.
 */
export function encodeFrame(payload: Uint8Array): Buffer {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(payload.length);
  return Buffer.concat([PREAMBLE, length, payload]);
}

/** Takes frames out of a byte stream, however it is cut into pieces. After an error it is of no more use. */
export class FrameDecoder {
  #pieces: Buffer[] = [];
  #held = 0;
  /** Length of the payload under way, or null while its header is not complete. */
  #length: number | null = null;

  /** Bytes of a frame that is not complete are held. */
  get isInsideFrame(): boolean {
    return this.#held > 0 || this.#length !== null;
  }

  /**
   * The payloads that `piece` completes, in order.
   *
   * @throws RigilError `config-source-invalid` for what is no frame, another version, or a payload of more than 16 MiB
   */
  *push(piece: Uint8Array): Generator<Buffer> {
    this.#pieces.push(Buffer.from(piece));
    this.#held += piece.length;
    for (;;) {
      this.#length ??= this.#readHeader();
      if (this.#length === null) return;
      const payload = this.#take(this.#length);
      if (payload === null) return;
      this.#length = null;
      yield payload;
    }
  }

  #readHeader(): number | null {
    if (this.#held < HEADER_BYTES) {
      // A server of another kind need not send as much as a header before it is told from a slow one.
      checkPreamble(this.#whole());
      return null;
    }
    const header = this.#take(HEADER_BYTES);
    if (header === null) return null;
    checkPreamble(header);
    const length = header.readUInt32BE(PREAMBLE.length);
    if (length <= LARGEST_FILE) return length;
    throw new RigilError(
      'config-source-invalid',
      `the server announces a configuration of ${length} bytes, and ${LARGEST_FILE / 1024 / 1024} MiB are the most`,
    );
  }

  /** The next `size` bytes, or null when they are not all there. Pieces are joined once a frame, not once a piece. */
  #take(size: number): Buffer | null {
    if (this.#held < size) return null;
    const whole = this.#whole();
    const rest = whole.subarray(size);
    this.#pieces = [rest];
    this.#held = rest.length;
    return whole.subarray(0, size);
  }

  #whole(): Buffer {
    const [first] = this.#pieces;
    const whole = first !== undefined && this.#pieces.length === 1 ? first : Buffer.concat(this.#pieces);
    this.#pieces = [whole];
    return whole;
  }
}

/** Compares as much of the preamble as is there. */
function checkPreamble(bytes: Buffer): void {
  const size = Math.min(bytes.length, PREAMBLE.length);
  if (bytes.subarray(0, size).equals(PREAMBLE.subarray(0, size))) return;
  const isOtherVersion =
    size === PREAMBLE.length && bytes.subarray(0, MAGIC_BYTES).equals(PREAMBLE.subarray(0, MAGIC_BYTES));
  throw new RigilError(
    'config-source-invalid',
    isOtherVersion
      ? `the server speaks version ${bytes.readUInt32BE(MAGIC_BYTES)} of the protocol, and version 1 is the only one known`
      : 'what the server sends is no configuration: it does not begin with CENTAURI',
    { hint: isOtherVersion ? undefined : 'is config-source the address of a configuration server?' },
  );
}
