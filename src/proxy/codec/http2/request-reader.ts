import { hostEnd } from '../authority.ts';
import { parseContentLength } from '../content-length.ts';
import { FIELD } from '../field-kind.ts';
import type { FieldTable } from '../field-table.ts';
import { methodOf } from '../http1/method.ts';
import { areAlike, ascii, BACKSLASH, isName, QUESTION_MARK, SLASH, TARGET_BYTE, TOKEN } from '../octets.ts';
import type { HeaderList } from './hpack/header-list.ts';
import { isPseudo, kindFault, type MessageFault } from './message-faults.ts';

/**
 * Reads a decoded header list as a request (RFC 9113 8.2, 8.3, 8.5, RFC 8441).
 *
 * ```ts
 * const fault = request.read(list, reader.endStream);     // one a thread, like the list
 * if (fault !== null) return refuse(streamId, MESSAGE_FAULTS[fault]);
 * ```
 *
 * What is refused in HTTP/1 is refused here too: a request that came in as HTTP/2 goes on as HTTP/1.1. Everything
 * read holds until the list is used again.
 */
export class RequestReader {
  fields: FieldTable;
  method = '';
  scheme: 'http' | 'https' = 'https';
  /** Of extended CONNECT, as in `websocket`; null otherwise. */
  protocol: string | null = null;
  /** In bytes; -1 when the head does not say. */
  contentLength = -1;
  /** Whether the client waits for 100 before it sends the body (RFC 9110 10.1.1). */
  expectContinue = false;
  /** How many Cookie lines there are; they are one in HTTP/1.1 (RFC 9113 8.2.3). */
  cookies = 0;
  /** Path and query in `fields.bytes`; empty for CONNECT. */
  pathFrom = 0;
  pathTo = 0;
  /** The host and port that the request is for, in `fields.bytes`. */
  authorityFrom = 0;
  authorityTo = 0;
  /** Where in it the host ends. */
  hostTo = 0;
  readonly #extendedConnect: boolean;
  /** The line of each pseudo-field and of Host, by kind; -1 = none. */
  readonly #line = new Int32Array(FIELD.host + 1);

  /** @param extendedConnect whether we announced SETTINGS_ENABLE_CONNECT_PROTOCOL */
  constructor(list: HeaderList, extendedConnect = false) {
    this.fields = list.fields;
    this.#extendedConnect = extendedConnect;
  }

  /** Null when it is a request. */
  read(list: HeaderList, endStream: boolean): MessageFault | null {
    this.fields = list.fields;
    if (list.tooLarge) return 'header-list-too-large';
    return (
      this.#readFields() ??
      this.#readMethod() ??
      this.#readPath() ??
      this.#readAuthority() ??
      this.#check(endStream)
    );
  }

  /** Path and query, or `*`; empty for CONNECT. */
  path(): string {
    return this.fields.bytes.toString('latin1', this.pathFrom, this.pathTo);
  }

  /** The host and port that the request is for, as they came. */
  authority(): string {
    return this.fields.bytes.toString('latin1', this.authorityFrom, this.authorityTo);
  }

  /** The host that the request is for, in lower case and without port. */
  host(): string {
    return this.fields.bytes.toString('latin1', this.authorityFrom, this.hostTo).toLowerCase();
  }

  #readFields(): MessageFault | null {
    const { fields } = this;
    const line = this.#line.fill(-1);
    this.contentLength = -1;
    this.expectContinue = false;
    this.cookies = 0;
    let regular = false;
    for (let index = 0; index < fields.count; index += 1) {
      const kind = fields.kind(index);
      if (kind === FIELD.other) {
        regular = true;
        continue;
      }
      const fault = kindFault(kind);
      if (fault !== null) return fault;
      if (isPseudo(kind)) {
        if (kind === FIELD.status) return 'pseudo-field-unexpected';
        if (regular) return 'pseudo-field-late';
        if ((line[kind] ?? -1) >= 0) return 'pseudo-field-repeated';
        line[kind] = index;
        continue;
      }
      regular = true;
      const known = this.#readField(kind, index);
      if (known !== null) return known;
    }
    return null;
  }

  #readField(kind: number, index: number): MessageFault | null {
    const { fields } = this;
    const from = fields.valueFrom(index);
    const to = fields.valueTo(index);
    switch (kind) {
      case FIELD.host:
        if ((this.#line[FIELD.host] ?? -1) >= 0) return 'host-repeated';
        this.#line[FIELD.host] = index;
        return null;
      case FIELD.contentLength:
        if (this.contentLength >= 0) return 'content-length-repeated';
        this.contentLength = parseContentLength(fields.bytes, from, to, false);
        return this.contentLength < 0 ? 'content-length-invalid' : null;
      case FIELD.te:
        return isName(fields.bytes, from, to, TRAILERS) ? null : 'te-invalid';
      case FIELD.expect:
        this.expectContinue = isName(fields.bytes, from, to, CONTINUE);
        return this.expectContinue ? null : 'expectation-unknown';
      case FIELD.cookie:
        this.cookies += 1;
        return null;
      default:
        return null;
    }
  }

  #readMethod(): MessageFault | null {
    const { fields } = this;
    const line = this.#line;
    const index = line[FIELD.method] ?? -1;
    if (index < 0) return 'pseudo-field-missing';
    const from = fields.valueFrom(index);
    const to = fields.valueTo(index);
    if (to === from || to - from > LONGEST_METHOD) return 'method-invalid';
    for (let at = from; at < to; at += 1) {
      const byte = fields.bytes[at] ?? 0;
      // In lower case it is another method to some and the same to others; see HTTP/1.
      if (TOKEN[byte] !== 1 || (byte >= 0x61 && byte <= 0x7a)) return 'method-invalid';
    }
    this.method = methodOf(fields.bytes, from, to);
    const protocol = line[FIELD.protocol] ?? -1;
    this.protocol = protocol < 0 ? null : fields.value(protocol);
    if (protocol >= 0 && (!this.#extendedConnect || this.method !== 'CONNECT')) {
      return 'connect-protocol-unexpected';
    }
    return null;
  }

  /** `:scheme` and `:path`: both, or none for CONNECT without protocol (RFC 9113 8.5, RFC 8441 4). */
  #readPath(): MessageFault | null {
    const { fields } = this;
    const scheme = this.#line[FIELD.scheme] ?? -1;
    const path = this.#line[FIELD.path] ?? -1;
    if (this.method === 'CONNECT' && this.protocol === null) {
      this.pathFrom = 0;
      this.pathTo = 0;
      return scheme >= 0 || path >= 0 ? 'pseudo-field-unexpected' : null;
    }
    if (scheme < 0 || path < 0) return 'pseudo-field-missing';
    const schemeFrom = fields.valueFrom(scheme);
    const schemeTo = fields.valueTo(scheme);
    if (isName(fields.bytes, schemeFrom, schemeTo, HTTPS)) this.scheme = 'https';
    else if (isName(fields.bytes, schemeFrom, schemeTo, HTTP)) this.scheme = 'http';
    else return 'scheme-invalid';
    this.pathFrom = fields.valueFrom(path);
    this.pathTo = fields.valueTo(path);
    if (this.pathTo - this.pathFrom > LONGEST_TARGET) return 'target-too-long';
    return this.#isPath() ? null : 'path-invalid';
  }

  #isPath(): boolean {
    const { bytes } = this.fields;
    const { pathFrom, pathTo } = this;
    if (bytes[pathFrom] !== SLASH || pathTo === pathFrom) {
      return bytes[pathFrom] === ASTERISK && pathTo - pathFrom === 1 && this.method === 'OPTIONS';
    }
    let query = false;
    for (let at = pathFrom; at < pathTo; at += 1) {
      const byte = bytes[at] ?? 0;
      if (TARGET_BYTE[byte] === 1) continue;
      if (byte === QUESTION_MARK) query = true;
      else if (byte !== BACKSLASH || !query) return false;
    }
    return true;
  }

  /** `:authority` or Host, and the same if both are there (RFC 9113 8.3.1). */
  #readAuthority(): MessageFault | null {
    const { fields } = this;
    const authority = this.#line[FIELD.authority] ?? -1;
    const host = this.#line[FIELD.host] ?? -1;
    const index = authority >= 0 ? authority : this.method === 'CONNECT' ? -1 : host;
    if (index < 0) return 'authority-missing';
    this.authorityFrom = fields.valueFrom(index);
    this.authorityTo = fields.valueTo(index);
    this.hostTo = hostEnd(fields.bytes, this.authorityFrom, this.authorityTo);
    if (this.hostTo < 0) return 'authority-invalid';
    if (this.method === 'CONNECT' && this.protocol === null && this.hostTo === this.authorityTo) {
      return 'authority-invalid';
    }
    if (host < 0 || host === index) return null;
    const from = fields.valueFrom(host);
    const to = fields.valueTo(host);
    const same = areAlike(fields.bytes, from, to, fields.bytes, this.authorityFrom, this.authorityTo);
    return same ? null : 'host-mismatch';
  }

  #check(endStream: boolean): MessageFault | null {
    if (this.contentLength < 0) return null;
    if (this.method === 'CONNECT') return 'content-length-mismatch';
    return endStream && this.contentLength > 0 ? 'content-length-mismatch' : null;
  }
}

const LONGEST_METHOD = 32;

/** In bytes, as in HTTP/1. */
const LONGEST_TARGET = 8_192;

const ASTERISK = 0x2a;
const HTTP = ascii('http');
const HTTPS = ascii('https');
const TRAILERS = ascii('trailers');
const CONTINUE = ascii('100-continue');
