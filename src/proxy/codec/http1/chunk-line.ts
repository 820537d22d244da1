import { BACKSLASH, CR, EQUALS, FIELD_CONTENT, HEX_VALUE, LF, QUOTE, SEMICOLON, TOKEN } from '../octets.ts';
import type { Fault, Verdict } from './faults.ts';

/**
 * Reads the line before a chunk: its size and its extensions (RFC 9112 7.1 and 7.1.1), each byte once.
 *
 * Extensions mean nothing to us, but they are read by the letter, since what hides in them (a bare LF above all) is
 * read in other ways elsewhere. White space, which the grammar calls bad, is refused; nobody sends it.
 */
export class ChunkLine {
  fault: Fault = 'chunk-size-invalid';
  /** Offset in the last piece of the first byte after the line. */
  end = 0;
  /** Of the chunk, in bytes. */
  size = 0;
  /** Bytes of extensions since `reset`, over all lines of a body. */
  extensionBytes = 0;
  #digits = 0;
  #state: State = SIZE;

  /** Begins a body. */
  reset(): void {
    this.extensionBytes = 0;
    this.start();
  }

  /** Begins a line. */
  start(): void {
    this.size = 0;
    this.#digits = 0;
    this.#state = SIZE;
  }

  read(bytes: Buffer, from: number, to: number): Verdict {
    for (let at = from; at < to; at += 1) {
      const byte = bytes[at] ?? 0;
      if (this.#state === SIZE) {
        const digit = HEX_VALUE[byte] ?? 255;
        if (digit !== 255) {
          this.size = this.size * 16 + digit;
          this.#digits += 1;
          if (this.#digits > MOST_DIGITS || this.size > Number.MAX_SAFE_INTEGER) {
            return this.#fail('chunk-size-too-large');
          }
          continue;
        }
        if (this.#digits === 0 || (byte !== CR && byte !== SEMICOLON)) {
          return this.#fail(byte === LF ? 'bare-lf' : 'chunk-size-invalid');
        }
      }
      if (this.#state === LINE_LF) {
        if (byte !== LF) return this.#fail('bare-cr');
        this.end = at + 1;
        return 'done';
      }
      const next = nextState(this.#state, byte);
      if (next === INVALID) return this.#fail(byte === LF ? 'bare-lf' : 'chunk-extension-invalid');
      if (next !== LINE_LF) {
        this.extensionBytes += 1;
        if (this.extensionBytes > MOST_EXTENSION_BYTES) return this.#fail('chunk-extensions-too-large');
      }
      this.#state = next;
    }
    return 'more';
  }

  #fail(fault: Fault): 'fault' {
    this.fault = fault;
    return 'fault';
  }
}

/** Zeros in front are allowed, as in `0000000a`, but a number has an end. */
const MOST_DIGITS = 16;

/** Of one body. Without a bound a body of tiny chunks with long extensions makes us read for nothing. */
const MOST_EXTENSION_BYTES = 16_384;

type State =
  | typeof SIZE
  | typeof EXTENSION
  | typeof NAME
  | typeof VALUE
  | typeof TOKEN_VALUE
  | typeof QUOTED
  | typeof QUOTED_PAIR
  | typeof QUOTED_END
  | typeof LINE_LF;
const INVALID = -1;
const SIZE = 0;
/** After `;`. */
const EXTENSION = 1;
const NAME = 2;
/** After `=`. */
const VALUE = 3;
const TOKEN_VALUE = 4;
const QUOTED = 5;
const QUOTED_PAIR = 6;
const QUOTED_END = 7;
const LINE_LF = 8;

/** chunk-ext = *( ";" token [ "=" ( token / quoted-string ) ] ) */
function nextState(state: State, byte: number): State | typeof INVALID {
  switch (state) {
    case EXTENSION:
      return TOKEN[byte] === 1 ? NAME : INVALID;
    case NAME:
      if (byte === EQUALS) return VALUE;
      return TOKEN[byte] === 1 ? NAME : afterExtension(byte);
    case VALUE:
      if (byte === QUOTE) return QUOTED;
      return TOKEN[byte] === 1 ? TOKEN_VALUE : INVALID;
    case TOKEN_VALUE:
      return TOKEN[byte] === 1 ? TOKEN_VALUE : afterExtension(byte);
    case QUOTED:
      if (byte === QUOTE) return QUOTED_END;
      if (byte === BACKSLASH) return QUOTED_PAIR;
      return FIELD_CONTENT[byte] === 1 ? QUOTED : INVALID;
    case QUOTED_PAIR:
      return FIELD_CONTENT[byte] === 1 ? QUOTED : INVALID;
    case SIZE:
    case QUOTED_END:
    case LINE_LF:
      return afterExtension(byte);
    default:
      return state satisfies never;
  }
}

function afterExtension(byte: number): State | typeof INVALID {
  if (byte === CR) return LINE_LF;
  return byte === SEMICOLON ? EXTENSION : INVALID;
}
