import { hostEnd } from '../authority.ts';
import { parseContentLength } from '../content-length.ts';
import { FIELD } from '../field-kind.ts';
import { FieldTable } from '../field-table.ts';
import { areAlike, ascii, isName } from '../octets.ts';
import { ConnectionOptions } from './connection-options.ts';
import type { Fault, Verdict } from './faults.ts';
import { FieldLines } from './field-lines.ts';
import { REQUEST_LIMITS, type RequestLimits } from './head-limits.ts';
import { methodOf } from './method.ts';
import { RequestLine } from './request-line.ts';
import { RequestTarget } from './request-target.ts';
import { transferEncodingFault } from './transfer-encoding.ts';

/**
 * Reads request heads (RFC 9112 2, 3, 5), one after the other, and decides how the body is framed (6.3).
 *
 * ```ts
 * const request = new RequestParser();             // one a connection
 * switch (request.parse(bytes, from, to)) {
 *   case 'more':  // keep bytes[from, to), append what comes, parse again from the same `from` (HeadCollector does)
 *   case 'done':  // the body begins at from + request.length; everything else says what the request is
 *   case 'fault': // answer with FAULTS[request.fault], close
 * }
 * request.reset();                                 // before the next head
 * ```
 *
 * A byte is looked at once, however many pieces a head comes in, and the verdict does not depend on where they were
 * cut. What two parsers could read differently is a fault. All offsets hold as long as nobody writes over `bytes`.
 */
export class RequestParser {
  readonly fields: FieldTable;
  readonly target = new RequestTarget();
  /** After the verdict `fault`. */
  fault: Fault = 'method-invalid';
  /** Of the head, in bytes, with the empty line. */
  length = 0;
  method = '';
  /** 0 or 1, of HTTP/1.x. */
  minorVersion: number = 1;
  body: 'none' | 'length' | 'chunked' = 'none';
  /** In bytes; -1 when the head does not say. */
  contentLength = -1;
  /** Whether the client lets the connection serve another request (RFC 9112 9.3). */
  keepAlive = true;
  /** Whether the client asks to switch protocols; which ones is the value of the Upgrade field (RFC 9110 7.8). */
  upgrade = false;
  /** Whether the client waits for 100 before it sends the body (RFC 9110 10.1.1). */
  expectContinue = false;
  /** The host and port that the request is for, in `fields.bytes`; -1 when HTTP/1.0 does not say. */
  authorityFrom = -1;
  authorityTo = -1;
  /** Where in it the host ends. */
  hostTo = -1;
  readonly #limits: RequestLimits;
  readonly #line: RequestLine;
  readonly #lines: FieldLines;
  readonly #options = new ConnectionOptions();
  #lineRead = false;
  /** Which lines have a say in what the message is; -1 = none. */
  #host = -1;
  #transferEncoding = -1;
  #connection = false;
  #upgrade = false;

  readonly #judgesHost: boolean;

  /**
   * @param judgesHost whether a Host that is malformed, or is not letter for letter what the target names, is a fault;
   * false where the caller judges with more knowledge, such as of default ports
   */
  constructor(limits: RequestLimits = REQUEST_LIMITS, judgesHost = true) {
    this.#limits = limits;
    this.#judgesHost = judgesHost;
    this.fields = new FieldTable(limits.fields);
    this.#line = new RequestLine(limits.targetBytes);
    this.#lines = new FieldLines(this.fields);
  }

  /** Forgets the last head. */
  reset(): void {
    this.#lineRead = false;
    this.#line.start();
    this.fields.release();
  }

  /** Reads on. The head begins at `from`; what was given before must lie there again. */
  parse(bytes: Buffer, from: number, to: number): Verdict {
    this.fields.bytes = bytes;
    this.fields.base = from;
    const limit = Math.min(to - from, this.#limits.bytes);
    if (!this.#lineRead) {
      const verdict = this.#line.read(bytes, from, limit);
      if (verdict === 'fault') return this.#fail(this.#line.fault);
      if (verdict === 'more') return this.#wait(limit);
      this.#lineRead = true;
      this.#lines.start(this.#line.at);
    }
    const verdict = this.#lines.read(limit);
    if (verdict === 'fault') return this.#fail(this.#lines.fault);
    if (verdict === 'more') return this.#wait(limit);
    this.length = this.#lines.at;
    const fault = this.#judge();
    if (fault !== null) return this.#fail(fault);
    if (this.target.form === 'origin' && this.minorVersion === 1) this.fields.lineFrom = this.lineFrom;
    return 'done';
  }

  /** Path and query for the origin form (RFC 9112 3.2.1), or `*`; empty for CONNECT. */
  path(): string {
    const { form, pathFrom, pathTo } = this.target;
    const path = this.fields.bytes.toString('latin1', pathFrom, pathTo);
    if (form !== 'absolute' || path.startsWith('/')) return path;
    return path === '' && this.method === 'OPTIONS' ? '*' : `/${path}`;
  }

  /** The request target as it came. */
  targetText(): string {
    return this.fields.text(this.#line.targetFrom, this.#line.targetTo);
  }

  /** The host and port that the request is for, as they came; null when HTTP/1.0 does not say. */
  authority(): string | null {
    return this.authorityFrom < 0
      ? null
      : this.fields.bytes.toString('latin1', this.authorityFrom, this.authorityTo);
  }

  /** The host that the request is for, in lower case and without port; null when HTTP/1.0 does not say. */
  host(): string | null {
    if (this.authorityFrom < 0) return null;
    return this.fields.bytes.toString('latin1', this.authorityFrom, this.hostTo).toLowerCase();
  }

  /** Where the request line begins: after the empty line that may stand before it. Relative to the head. */
  get lineFrom(): number {
    return this.#line.methodFrom;
  }

  /** Where the field lines begin, relative to the head. */
  get fieldsFrom(): number {
    return this.#line.at;
  }

  #judge(): Fault | null {
    const line = this.#line;
    const { bytes, base } = this.fields;
    this.method = methodOf(bytes, base + line.methodFrom, base + line.methodTo);
    this.minorVersion = line.minorVersion;
    return (
      this.target.read(bytes, base + line.targetFrom, base + line.targetTo, this.method) ??
      this.#judgeFields() ??
      this.#judgeAuthority() ??
      this.#judgeFraming() ??
      this.#judgeConnection()
    );
  }

  /** Finds the lines that have a say in what the message is. */
  #judgeFields(): Fault | null {
    const fields = this.fields;
    this.#host = -1;
    this.#transferEncoding = -1;
    this.#connection = false;
    this.#upgrade = false;
    this.contentLength = -1;
    this.expectContinue = false;
    for (let index = 0; index < fields.count; index += 1) {
      switch (fields.kind(index)) {
        case FIELD.host:
          if (this.#host >= 0) return 'host-repeated';
          this.#host = index;
          break;
        case FIELD.contentLength: {
          if (this.contentLength >= 0) return 'content-length-repeated';
          const { bytes } = fields;
          const length = parseContentLength(bytes, fields.valueFrom(index), fields.valueTo(index), false);
          if (length < 0) return 'content-length-invalid';
          this.contentLength = length;
          break;
        }
        case FIELD.transferEncoding:
          if (this.#transferEncoding >= 0) return 'transfer-encoding-repeated';
          this.#transferEncoding = index;
          break;
        case FIELD.connection:
          this.#connection = true;
          break;
        case FIELD.upgrade:
          this.#upgrade = true;
          break;
        case FIELD.expect:
          if (!isName(fields.bytes, fields.valueFrom(index), fields.valueTo(index), CONTINUE)) {
            return 'expectation-unknown';
          }
          // A client of HTTP/1.0 does not know interim responses.
          this.expectContinue = this.minorVersion === 1;
          break;
        default:
      }
    }
    return null;
  }

  /** RFC 9112 3.2: one Host in HTTP/1.1, the same as in the target if that names one. */
  #judgeAuthority(): Fault | null {
    const { fields, target } = this;
    this.authorityFrom = target.authorityFrom;
    this.authorityTo = target.authorityTo;
    const index = this.#host;
    if (index >= 0) {
      const from = fields.valueFrom(index);
      const to = fields.valueTo(index);
      if (this.authorityFrom < 0) {
        this.authorityFrom = from;
        this.authorityTo = to;
      } else if (!areAlike(fields.bytes, from, to, fields.bytes, this.authorityFrom, this.authorityTo)) {
        if (this.#judgesHost) return hostEnd(fields.bytes, from, to) < 0 ? 'host-invalid' : 'host-mismatch';
      }
    } else if (this.minorVersion === 1) {
      return 'host-missing';
    }
    if (this.authorityFrom < 0) return null;
    this.hostTo = hostEnd(fields.bytes, this.authorityFrom, this.authorityTo);
    return this.hostTo < 0 && this.#judgesHost ? 'host-invalid' : null;
  }

  /** RFC 9112 6.1 to 6.3. */
  #judgeFraming(): Fault | null {
    const index = this.#transferEncoding;
    if (this.method === 'CONNECT' && (index >= 0 || this.contentLength >= 0)) return 'connect-with-body';
    if (index < 0) {
      this.body = this.contentLength > 0 ? 'length' : 'none';
      return null;
    }
    if (this.contentLength >= 0) return 'content-length-with-transfer-encoding';
    if (this.minorVersion === 0) return 'transfer-encoding-in-http-1.0';
    this.body = 'chunked';
    return transferEncodingFault(this.fields.bytes, this.fields.valueFrom(index), this.fields.valueTo(index));
  }

  #judgeConnection(): Fault | null {
    const { fields, minorVersion } = this;
    const options = this.#options;
    this.keepAlive = minorVersion === 1;
    this.upgrade = false;
    if (!this.#connection) return null;
    options.clear();
    for (
      let index = fields.find(FIELD.connection);
      index >= 0;
      index = fields.find(FIELD.connection, index + 1)
    ) {
      options.read(fields, index);
    }
    if (options.invalid) return 'connection-invalid';
    if (options.namesFraming) return 'connection-names-framing';
    this.keepAlive = !options.close && (minorVersion === 1 || options.keepAlive);
    this.upgrade = this.#upgrade && options.upgrade && minorVersion === 1;
    return null;
  }

  #wait(limit: number): Verdict {
    if (limit < this.#limits.bytes) return 'more';
    return this.#fail(!this.#lineRead && this.#line.inTarget ? 'target-too-long' : 'head-too-large');
  }

  #fail(fault: Fault): 'fault' {
    this.fault = fault;
    return 'fault';
  }
}

const CONTINUE = ascii('100-continue');
