import { parseContentLength } from '../content-length.ts';
import { FIELD } from '../field-kind.ts';
import { FieldTable } from '../field-table.ts';
import { ConnectionOptions } from './connection-options.ts';
import type { Fault, Verdict } from './faults.ts';
import { FieldLines } from './field-lines.ts';
import { type HeadLimits, RESPONSE_LIMITS } from './head-limits.ts';
import { StatusLine } from './status-line.ts';
import { transferEncodingFault } from './transfer-encoding.ts';

/**
 * Reads response heads of upstreams (RFC 9112 4, 5). It is used like the RequestParser; how the body is framed depends
 * on the request too, see {@link responseBody}.
 *
 * As strict as for requests, but for what real upstreams do: a missing reason phrase, codes above 599,
 * zeros before a Content-Length, a Connection field that names Transfer-Encoding.
 */
export class ResponseParser {
  readonly fields: FieldTable;
  /** After the verdict `fault`. */
  fault: Fault = 'status-line-invalid';
  /** Of the head, in bytes, with the empty line. */
  length = 0;
  /** 100 to 999. */
  status = 0;
  /** 0 or 1, of HTTP/1.x. */
  minorVersion: number = 1;
  /** In bytes; -1 when the head does not say. */
  contentLength = -1;
  /** Whether it is sent in chunks. */
  chunked = false;
  /** Whether the upstream lets the connection serve another request (RFC 9112 9.3). See {@link staysOpen}. */
  keepAlive = true;
  readonly #limits: HeadLimits;
  readonly #line = new StatusLine();
  readonly #lines: FieldLines;
  readonly #options = new ConnectionOptions();
  #lineRead = false;

  constructor(limits: HeadLimits = RESPONSE_LIMITS) {
    this.#limits = limits;
    this.fields = new FieldTable(limits.fields);
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
    this.status = this.#line.status;
    this.minorVersion = this.#line.minorVersion;
    const fault = this.#judgeFraming() ?? this.#judgeConnection();
    return fault === null ? 'done' : this.#fail(fault);
  }

  /** The reason phrase; empty when there is none. */
  reason(): string {
    return this.fields.text(this.#line.reasonFrom, this.#line.reasonTo);
  }

  /** Whether the status line needs no rewriting for a client of HTTP/1.1. */
  get lineIsWhole(): boolean {
    return this.minorVersion === 1 && this.#line.reasonFrom > STATUS_END;
  }

  /** Where the field lines begin, relative to the head. */
  get fieldsFrom(): number {
    return this.#line.at;
  }

  #judgeFraming(): Fault | null {
    const fields = this.fields;
    this.contentLength = -1;
    this.chunked = false;
    for (let index = 0; index < fields.count; index += 1) {
      const kind = fields.kind(index);
      if (kind === FIELD.contentLength) {
        if (this.contentLength >= 0) return 'content-length-repeated';
        this.contentLength = parseContentLength(
          fields.bytes,
          fields.valueFrom(index),
          fields.valueTo(index),
          true,
        );
        if (this.contentLength < 0) return 'content-length-invalid';
      } else if (kind === FIELD.transferEncoding) {
        if (this.chunked) return 'transfer-encoding-repeated';
        const fault = transferEncodingFault(fields.bytes, fields.valueFrom(index), fields.valueTo(index));
        if (fault !== null) return fault;
        this.chunked = true;
      }
    }
    if (!this.chunked) return null;
    if (this.contentLength >= 0) return 'content-length-with-transfer-encoding';
    return this.minorVersion === 0 ? 'transfer-encoding-in-http-1.0' : null;
  }

  #judgeConnection(): Fault | null {
    const { fields, minorVersion } = this;
    const options = this.#options;
    this.keepAlive = minorVersion === 1;
    let index = fields.find(FIELD.connection);
    if (index < 0) return null;
    options.clear();
    for (; index >= 0; index = fields.find(FIELD.connection, index + 1)) options.read(fields, index);
    if (options.invalid) return 'connection-invalid';
    this.keepAlive = !options.close && (minorVersion === 1 || options.keepAlive);
    return null;
  }

  #wait(limit: number): Verdict {
    return limit < this.#limits.bytes ? 'more' : this.#fail('head-too-large');
  }

  #fail(fault: Fault): 'fault' {
    this.fault = fault;
    return 'fault';
  }
}

/** Of `HTTP/1.1 nnn`. */
const STATUS_END = 12;
