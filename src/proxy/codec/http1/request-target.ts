import { hostEnd } from '../authority.ts';
import { ascii, isName, QUESTION_MARK, SLASH } from '../octets.ts';
import type { Fault } from './faults.ts';

/** The four forms of a request target (RFC 9112 3.2). */
export type TargetForm = 'origin' | 'absolute' | 'authority' | 'asterisk';

/**
 * Takes a request target apart. One is made a connection; `read` fills it.
 *
 * Offsets are those of the buffer given to `read`. `authorityFrom < 0` means that the target names no authority.
 */
export class RequestTarget {
  form: TargetForm = 'origin';
  /** Of the absolute form; null in the others. */
  scheme: 'http' | 'https' | null = null;
  authorityFrom = -1;
  authorityTo = -1;
  /** Path and query. Empty for the authority form, and for an absolute form without path, which means `/`. */
  pathFrom = 0;
  pathTo = 0;

  /** The target is `bytes[from, to)`: not empty, visible ASCII, without fragment. Null when all is well. */
  read(bytes: Buffer, from: number, to: number, method: string): Fault | null {
    this.scheme = null;
    this.authorityFrom = -1;
    this.authorityTo = -1;
    this.pathFrom = from;
    this.pathTo = to;
    if (method === 'CONNECT') return this.#readAuthorityForm(bytes, from, to);
    if (bytes[from] === SLASH) {
      this.form = 'origin';
      return null;
    }
    if (bytes[from] === ASTERISK && to - from === 1) {
      this.form = 'asterisk';
      return method === 'OPTIONS' ? null : 'target-form';
    }
    return this.#readAbsoluteForm(bytes, from, to);
  }

  /** `host:port`, both needed (RFC 9110 9.3.6). */
  #readAuthorityForm(bytes: Buffer, from: number, to: number): Fault | null {
    this.form = 'authority';
    this.authorityFrom = from;
    this.authorityTo = to;
    this.pathFrom = to;
    const end = hostEnd(bytes, from, to);
    if (end < 0) return bytes[from] === SLASH ? 'target-form' : 'target-authority';
    return end === to ? 'target-form' : null;
  }

  #readAbsoluteForm(bytes: Buffer, from: number, to: number): Fault | null {
    this.form = 'absolute';
    if (isName(bytes, from, from + HTTP.length, HTTP)) this.scheme = 'http';
    else if (isName(bytes, from, from + HTTPS.length, HTTPS)) this.scheme = 'https';
    else return hasScheme(bytes, from, to) ? 'target-scheme' : 'target-form';
    const start = from + (this.scheme === 'http' ? HTTP.length : HTTPS.length);
    if (start > to) return 'target-form';
    let end = start;
    while (end < to && bytes[end] !== SLASH && bytes[end] !== QUESTION_MARK) end += 1;
    this.authorityFrom = start;
    this.authorityTo = end;
    this.pathFrom = end;
    return hostEnd(bytes, start, end) < 0 ? 'target-authority' : null;
  }
}

const HTTP = ascii('http://');
const HTTPS = ascii('https://');
const ASTERISK = 0x2a;

/** Whether it begins like `scheme:/`; `host:8080` does not. */
function hasScheme(bytes: Buffer, from: number, to: number): boolean {
  let at = from;
  while (at < to && SCHEME_BYTE[bytes[at] ?? 0] === 1) at += 1;
  return at > from && bytes[at] === 0x3a && bytes[at + 1] === SLASH && at + 1 < to;
}

/** RFC 3986 3.1. */
const SCHEME_BYTE = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < 0x80 && /[a-z0-9+.-]/i.test(String.fromCharCode(byte)) ? 1 : 0,
);
