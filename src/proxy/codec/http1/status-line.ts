import { CR, FIELD_CONTENT, LF, SP } from '../octets.ts';
import type { Fault, Verdict } from './faults.ts';

/**
 * Reads a status line (RFC 9112 4), each byte once. Offsets are relative to where the message begins.
 *
 * Real upstreams leave out the reason phrase together with the space before it; that is understood. Versions other
 * than HTTP/1.0 and HTTP/1.1 and codes that are not three digits from 100 up are not.
 */
export class StatusLine {
  fault: Fault = 'status-line-invalid';
  /** The next byte to look at. */
  at = 0;
  /** 0 or 1, of HTTP/1.x. */
  minorVersion = 1;
  /** 100 to 999. */
  status = 0;
  /** The reason phrase; empty when there is none. */
  reasonFrom = 0;
  reasonTo = 0;
  #state: State = VERSION;

  start(): void {
    this.at = 0;
    this.status = 0;
    this.#state = VERSION;
  }

  /** Reads on up to `limit`. `base` is where the message begins in `bytes`. */
  read(bytes: Buffer, base: number, limit: number): Verdict {
    if (this.at === 0 && limit > STATUS_END) this.#readStart(bytes, base);
    for (; this.at < limit; this.at += 1) {
      const at = this.at;
      const byte = bytes[base + at] ?? 0;
      switch (this.#state) {
        case VERSION: {
          const fault = this.#readVersion(at, byte);
          if (fault !== null) return this.#fail(fault);
          break;
        }
        case STATUS:
          if (at < STATUS_END) {
            if (byte < 0x30 || byte > 0x39) return this.#fail('status-invalid');
            this.status = this.status * 10 + byte - 0x30;
            break;
          }
          if (this.status < 100) return this.#fail('status-invalid');
          this.reasonFrom = byte === SP ? at + 1 : at;
          this.reasonTo = this.reasonFrom;
          if (byte === SP) this.#state = REASON;
          else if (byte === CR) this.#state = LINE_LF;
          else return this.#fail(byte === LF ? 'bare-lf' : 'status-invalid');
          break;
        case REASON:
          if (FIELD_CONTENT[byte] === 1) break;
          if (byte !== CR) return this.#fail(byte === LF ? 'bare-lf' : 'control-byte');
          this.reasonTo = at;
          this.#state = LINE_LF;
          break;
        case LINE_LF:
          if (byte !== LF) return this.#fail('bare-cr');
          this.at += 1;
          return 'done';
        default:
          return this.#state satisfies never;
      }
    }
    return 'more';
  }

  /** What nearly all status lines begin with, in one step; anything else is left to whoever looks at each byte. */
  #readStart(bytes: Buffer, base: number): void {
    for (let index = 0; index < COMMON.length; index += 1) if (bytes[base + index] !== COMMON[index]) return;
    let status = 0;
    for (let at = base + COMMON.length; at < base + STATUS_END; at += 1) {
      const digit = (bytes[at] ?? 0) - 0x30;
      if (digit < 0 || digit > 9) return;
      status = status * 10 + digit;
    }
    this.minorVersion = 1;
    this.status = status;
    this.at = STATUS_END;
    this.#state = STATUS;
  }

  #readVersion(at: number, byte: number): Fault | null {
    if (at < PREFIX.length) return byte === PREFIX[at] ? null : 'status-line-invalid';
    if (at === PREFIX.length) {
      if (byte < 0x30 || byte > 0x39) return 'status-line-invalid';
      if (byte > 0x31) return 'version-unsupported';
      this.minorVersion = byte - 0x30;
      return null;
    }
    this.#state = STATUS;
    return byte === SP ? null : 'status-line-invalid';
  }

  #fail(fault: Fault): 'fault' {
    this.fault = fault;
    return 'fault';
  }
}

type State = typeof VERSION | typeof STATUS | typeof REASON | typeof LINE_LF;
const VERSION = 0;
const STATUS = 1;
const REASON = 2;
const LINE_LF = 3;

const PREFIX = Buffer.from('HTTP/1.');
const COMMON = Buffer.from('HTTP/1.1 ');
/** Of `HTTP/1.x nnn`. */
const STATUS_END = 12;
