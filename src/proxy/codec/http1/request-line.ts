import { BACKSLASH, CR, HASH, LF, QUESTION_MARK, SP, TARGET_BYTE, TOKEN, VISIBLE } from '../octets.ts';
import type { Fault, Verdict } from './faults.ts';

/**
 * Reads a request line (RFC 9112 3), each byte once or twice. One empty line before it is passed over
 * (RFC 9112 2.2). Offsets are relative to where the message begins.
 */
export class RequestLine {
  fault: Fault = 'method-invalid';
  /** The next byte to look at. */
  at = 0;
  methodFrom = 0;
  methodTo = 0;
  /** It is never empty, and has neither white space nor `#` nor bytes beyond ASCII in it. */
  targetFrom = 0;
  targetTo = 0;
  /** 0 or 1, of HTTP/1.x. */
  minorVersion = 1;
  #state: State = LEADING;
  #queryFound = false;
  readonly #targetBytes: number;

  /** @param targetBytes the longest request target; RFC 9112 3 asks for 8000 octets in the whole line at least */
  constructor(targetBytes: number) {
    this.#targetBytes = targetBytes;
  }

  start(): void {
    this.at = 0;
    this.#state = LEADING;
    this.#queryFound = false;
  }

  /** True while the target is being read: a head that is too large by then has a target that is too long. */
  get inTarget(): boolean {
    return this.#state === TARGET;
  }

  /** Reads on up to `limit`. `base` is where the message begins in `bytes`. */
  read(bytes: Buffer, base: number, limit: number): Verdict {
    if (this.at === 0 && this.#readWhole(bytes, base, limit)) return 'done';
    while (this.at < limit) {
      const at = this.at;
      const byte = bytes[base + at] ?? 0;
      switch (this.#state) {
        case LEADING:
          if (byte === CR) {
            this.#state = LEADING_LF;
            break;
          }
          this.methodFrom = at;
          this.#state = METHOD;
          continue;
        case LEADING_LF:
          if (byte !== LF) return this.#fail('bare-cr');
          this.methodFrom = at + 1;
          this.#state = METHOD;
          break;
        case METHOD:
          if (byte === SP && at > this.methodFrom) {
            this.methodTo = at;
            this.targetFrom = at + 1;
            this.#state = TARGET;
            break;
          }
          if (TOKEN[byte] !== 1) return this.#fail(this.#methodFault(at, byte));
          if (byte >= 0x61 && byte <= 0x7a) return this.#fail('method-lower-case');
          if (at - this.methodFrom === LONGEST_METHOD) return this.#fail('method-too-long');
          break;
        case TARGET:
          if (this.#readTarget(bytes, base, limit) === 'fault') return 'fault';
          continue;
        case VERSION:
          if (byte === CR) {
            this.#state = LINE_LF;
            break;
          }
          if (VISIBLE[byte] !== 1) return this.#fail(versionFault(byte));
          if (at - this.targetTo > VERSION_LENGTH) return this.#fail('version-invalid');
          break;
        case LINE_LF: {
          if (byte !== LF) return this.#fail('bare-cr');
          const fault = this.#judgeVersion(bytes, base + this.targetTo + 1, base + at - 1);
          if (fault !== null) return this.#fail(fault);
          this.at = at + 1;
          return 'done';
        }
        default:
          return this.#state satisfies never;
      }
      this.at = at + 1;
    }
    return 'more';
  }

  /** Reads what nearly all request lines look like, in one go; anything else is left to whoever looks at each byte. */
  #readWhole(bytes: Buffer, base: number, limit: number): boolean {
    let at = base;
    const end = base + limit - ENDING.length;
    while (at < end && isCapital(bytes[at])) at += 1;
    const methodTo = at - base;
    if (bytes[at] !== SP || methodTo === 0 || methodTo > LONGEST_METHOD) return false;
    const from = at + 1;
    at = from;
    while (at < end && (TARGET_BYTE[bytes[at] ?? 0] === 1 || bytes[at] === QUESTION_MARK)) at += 1;
    if (at === from || at - from > this.#targetBytes) return false;
    for (let index = 0; index < ENDING.length; index += 1) {
      if (bytes[at + index] !== ENDING[index]) return false;
    }
    this.methodFrom = 0;
    this.methodTo = methodTo;
    this.targetFrom = from - base;
    this.targetTo = at - base;
    this.minorVersion = 1;
    this.at = this.targetTo + ENDING.length;
    return true;
  }

  /** Runs to the end of the target or of what has come; `more` means no more than that nothing is wrong yet. */
  #readTarget(bytes: Buffer, base: number, limit: number): Verdict {
    const from = this.targetFrom;
    const end = Math.min(limit, from + this.#targetBytes + 1);
    let at = this.at;
    while (at < end && TARGET_BYTE[bytes[base + at] ?? 0] === 1) at += 1;
    this.at = at;
    if (at - from > this.#targetBytes) return this.#fail('target-too-long');
    if (at === limit) return 'more';
    const byte = bytes[base + at] ?? 0;
    this.at = at + 1;
    if (byte === QUESTION_MARK || (byte === BACKSLASH && this.#queryFound)) {
      this.#queryFound = true;
      return 'more';
    }
    if (byte !== SP) return this.#fail(targetFault(byte, at === from));
    if (at === from) return this.#fail('target-missing');
    this.targetTo = at;
    this.#state = VERSION;
    return 'more';
  }

  #methodFault(at: number, byte: number): Fault {
    if (at === this.methodFrom && byte === CR) return 'leading-lines';
    return byte === LF ? 'bare-lf' : 'method-invalid';
  }

  #judgeVersion(bytes: Buffer, from: number, to: number): Fault | null {
    if (to === from) return 'version-missing';
    if (to - from !== VERSION_LENGTH) return 'version-invalid';
    for (let index = 0; index < VERSION_LENGTH; index += 1) {
      const byte = bytes[from + index] ?? 0;
      const wanted = HTTP_1_1[index];
      if (wanted === ONE ? byte < 0x30 || byte > 0x39 : byte !== wanted) return 'version-invalid';
    }
    const minor = (bytes[to - 1] ?? 0) - 0x30;
    if (bytes[to - 3] !== ONE || minor > 1) return 'version-unsupported';
    this.minorVersion = minor;
    return null;
  }

  #fail(fault: Fault): 'fault' {
    this.fault = fault;
    return 'fault';
  }
}

/** Longer than any registered method (RFC 9110 16.1.1); what is longer yet is not implemented. */
const LONGEST_METHOD = 32;

type State =
  | typeof LEADING
  | typeof LEADING_LF
  | typeof METHOD
  | typeof TARGET
  | typeof VERSION
  | typeof LINE_LF;
const LEADING = 0;
const LEADING_LF = 1;
const METHOD = 2;
const TARGET = 3;
const VERSION = 4;
const LINE_LF = 5;

function isCapital(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x41 && byte <= 0x5a;
}

/** What follows the target of nearly all. */
const ENDING = Buffer.from(' HTTP/1.1\r\n');

const HTTP_1_1 = Buffer.from('HTTP/1.1');
const VERSION_LENGTH = HTTP_1_1.length;
const ONE = 0x31;

function targetFault(byte: number, first: boolean): Fault {
  if (byte === HASH) return 'target-fragment';
  if (byte === BACKSLASH) return 'target-backslash';
  if (byte === LF) return 'bare-lf';
  if (byte === CR) return first ? 'target-missing' : 'version-missing';
  return 'target-invalid';
}

function versionFault(byte: number): Fault {
  if (byte === LF) return 'bare-lf';
  return byte === SP ? 'target-invalid' : 'version-invalid';
}
