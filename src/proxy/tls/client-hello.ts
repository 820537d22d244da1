/**
 * What a TLS connection begins with, read without answering: the name that the client asks for and the protocols that
 * it offers (RFC 8446 4.1.2, RFC 6066 3, RFC 7301 3.1).
 */
export type Opening =
  | {
      readonly kind: 'hello' /** As sent, in lower case; null when absent. */;
      readonly serverName: string | null;
      readonly protocols: readonly string[];
    }
  /** Cannot be judged before there are `need` bytes in all. */
  | { readonly kind: 'incomplete'; readonly need: number }
  /** A request in clear text on a TLS port. */
  | { readonly kind: 'http' }
  | { readonly kind: 'malformed' };

/** Longest ClientHello that is read, in bytes. One with X25519MLKEM768 has some 1 800. */
const LONGEST_HELLO = 65_536;
/** A hello in more records than this is somebody's attempt to make reading it costly. */
const MOST_RECORDS = 32;

const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
const RECORD_HEADER = 5;
const LONGEST_RECORD = 16_384;
const SERVER_NAME = 0;
const ALPN = 16;

const MALFORMED: Opening = { kind: 'malformed' };
const HTTP: Opening = { kind: 'http' };

/** Judges the first bytes of a connection. Never throws. */
export function readOpening(bytes: Buffer): Opening {
  const first = bytes[0];
  if (first === undefined) return incomplete(1);
  if (first !== HANDSHAKE_RECORD) return isUpperCase(first) ? HTTP : MALFORMED;
  const message = handshakeMessage(bytes);
  if (!Buffer.isBuffer(message)) return message;
  return readHello(new Reader(message, 0, message.length)) ?? MALFORMED;
}

/** The body of the ClientHello, put together from as many records as it takes (RFC 8446 5.1). */
function handshakeMessage(bytes: Buffer): Buffer | Opening {
  const parts: Buffer[] = [];
  for (let at = 0; parts.length < MOST_RECORDS; ) {
    if (bytes.length < at + RECORD_HEADER) return incomplete(at + RECORD_HEADER);
    const length = bytes.readUInt16BE(at + 3);
    if (bytes[at] !== HANDSHAKE_RECORD || bytes[at + 1] !== 3 || length === 0 || length > LONGEST_RECORD) {
      return MALFORMED;
    }
    const end = at + RECORD_HEADER + length;
    if (bytes.length < end) return incomplete(end);
    const part = bytes.subarray(at + RECORD_HEADER, end);
    parts.push(part);
    at = end;

    const message = parts.length === 1 ? part : Buffer.concat(parts);
    if (message[0] !== CLIENT_HELLO) return MALFORMED;
    if (message.length < 4) continue;
    const size = 4 + message.readUIntBE(1, 3);
    if (size > LONGEST_HELLO) return MALFORMED;
    if (message.length >= size) return message.subarray(4, size);
  }
  return MALFORMED;
}

function incomplete(need: number): Opening {
  return need > LONGEST_HELLO ? MALFORMED : { kind: 'incomplete', need };
}

function readHello(hello: Reader): Opening | null {
  if (!hello.skip(2 + 32)) return null;
  // The session id, the cipher suites and the compression methods.
  if (!hello.skipVector(1) || !hello.skipVector(2) || !hello.skipVector(1)) return null;
  if (hello.left === 0) return { kind: 'hello', serverName: null, protocols: [] };
  const extensions = hello.vector(2);
  if (extensions === null || hello.left > 0) return null;

  let serverName: string | null = null;
  let protocols: readonly string[] = [];
  const seen = new Types();
  while (extensions.left > 0) {
    const type = extensions.number(2);
    // Two extensions of one type could be read differently here and by the TLS library (RFC 8446 4.2).
    if (type === null || !seen.add(type)) return null;
    if (type === SERVER_NAME) {
      serverName = readServerName(extensions.vector(2));
      if (serverName === null) return null;
    } else if (type === ALPN) {
      const list = readProtocols(extensions.vector(2));
      if (list === null) return null;
      protocols = list;
    } else if (!extensions.skipVector(2)) return null;
  }
  return { kind: 'hello', serverName, protocols };
}

/** The only entry of the list; more than one of a type is forbidden, and there is but one type (RFC 6066 3). */
function readServerName(body: Reader | null): string | null {
  const list = body?.vector(2) ?? null;
  if (body === null || list === null || body.left > 0 || list.number(1) !== 0) return null;
  const name = list.vector(2);
  if (name === null || list.left > 0 || name.left === 0 || name.left > 255) return null;
  return name.text().toLowerCase();
}

function readProtocols(body: Reader | null): string[] | null {
  const list = body?.vector(2) ?? null;
  if (body === null || list === null || body.left > 0 || list.left === 0) return null;
  const protocols: string[] = [];
  while (list.left > 0) {
    const protocol = list.vector(1);
    if (protocol === null || protocol.left === 0) return null;
    protocols.push(protocol.text());
  }
  return protocols;
}

/** Types of extensions. Nearly all are small numbers, which take no memory. */
class Types {
  /** Bit by bit: 0 to 31, 32 to 63. */
  #low = 0;
  #high = 0;
  #others: Set<number> | null = null;

  /** Returns false when `type` is there already. */
  add(type: number): boolean {
    if (type >= 64) {
      this.#others ??= new Set();
      const { size } = this.#others;
      return this.#others.add(type).size > size;
    }
    const before = type < 32 ? this.#low : this.#high;
    const after = before | (1 << (type & 31));
    if (type < 32) this.#low = after;
    else this.#high = after;
    return after !== before;
  }
}

/** Reads length-prefixed values; what would go past the end is null. */
class Reader {
  readonly #bytes: Buffer;
  #at: number;
  readonly #end: number;

  constructor(bytes: Buffer, from: number, end: number) {
    this.#bytes = bytes;
    this.#at = from;
    this.#end = end;
  }

  get left(): number {
    return this.#end - this.#at;
  }

  skip(count: number): boolean {
    if (this.left < count) return false;
    this.#at += count;
    return true;
  }

  skipVector(size: 1 | 2): boolean {
    const length = this.number(size);
    return length !== null && this.skip(length);
  }

  /** An unsigned number of `size` bytes. */
  number(size: 1 | 2): number | null {
    if (this.left < size) return null;
    const at = this.#at;
    this.#at += size;
    return size === 1 ? this.#bytes.readUInt8(at) : this.#bytes.readUInt16BE(at);
  }

  /** A value whose length is in the `size` bytes before it. */
  vector(size: 1 | 2): Reader | null {
    const length = this.number(size);
    if (length === null || this.left < length) return null;
    const from = this.#at;
    this.#at += length;
    return new Reader(this.#bytes, from, this.#at);
  }

  text(): string {
    return this.#bytes.toString('latin1', this.#at, this.#end);
  }
}

function isUpperCase(byte: number): boolean {
  return byte >= 0x41 && byte <= 0x5a;
}
