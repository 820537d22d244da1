import { copyBytes, lowerCase } from '../../octets.ts';
import { EncoderTable } from './encoder-table.ts';
import { huffmanEncode, huffmanLength } from './huffman.ts';
import { SHORT_COOKIE } from './indexing-policy.ts';
import { writeInteger } from './integer.ts';
import { HASH_SEED, hashByte, type KnownName, knownName } from './known-names.ts';
import { FIRST_DYNAMIC, STATIC_TABLE } from './static-table.ts';

/**
 * Encodes the header blocks of one direction of one connection (RFC 7541).
 *
 * ```ts
 * encoder.begin();
 * encoder.status(200);
 * encoder.field(bytes, nameFrom, nameTo, valueFrom, valueTo);   // from a parsed head, names in any case
 * encoder.text('server', 'rigil');
 * writer.headers(streamId, encoder.block(), endStream);
 * ```
 *
 * Every block that was begun has to be sent, and in this order: the peer's table follows it. What the other side has
 * in its table already, which is most of a common response, costs a look-up and one byte.
 */
export class HpackEncoder {
  /** Made with the first entry. */
  #table: EncoderTable | null = null;
  /** The size that the table may have. */
  #limit: number;
  readonly #largest: number;
  /** Where the block at hand ends in the memory that all encoders share. */
  #at = 0;
  #nameLength = 0;
  #nameHash = 0;
  /** The sizes to announce at the start of the next block: the smallest in between, and the last. -1 = none. */
  #smallest = -1;
  #announced: number;

  /** @param largest size of the dynamic table in bytes that we make use of, however large the peer lets it be */
  constructor(largest = 4_096) {
    this.#largest = largest;
    this.#announced = largest;
    this.#limit = largest;
  }

  /** The peer's SETTINGS_HEADER_TABLE_SIZE has changed. To be called before its SETTINGS are acknowledged. */
  setPeerTableBytes(bytes: number): void {
    const limit = Math.min(bytes, this.#largest);
    if (limit === this.#limit) return;
    this.#smallest = this.#smallest < 0 ? limit : Math.min(this.#smallest, limit);
    this.#limit = limit;
    this.#table?.setLimit(limit);
  }

  /** No block comes for a while: gives up the table. The next block tells the peer to do the same. */
  rest(): void {
    if (this.#table === null) return;
    this.#table = null;
    this.#smallest = 0;
  }

  /** Begins a block. */
  begin(): void {
    this.#at = 0;
    if (this.#smallest < 0) return;
    // RFC 7541 4.2: first the smallest size that the table had, so that the peer evicts what we evicted.
    const limit = this.#limit;
    if (this.#smallest < limit) this.#at = writeInteger(shared.out, this.#at, 0x20, 5, this.#smallest);
    if (limit !== this.#announced || this.#smallest < limit) {
      this.#at = writeInteger(shared.out, this.#at, 0x20, 5, limit);
    }
    this.#announced = limit;
    this.#smallest = -1;
  }

  /** The block so far. It lies in memory that the next block of any encoder is written to. */
  block(): Buffer {
    return shared.out.subarray(0, this.#at);
  }

  /** The pseudo-field `:status`. */
  status(code: number): void {
    const index = STATUS_INDEX[code];
    if (index === undefined) this.text(':status', String(code));
    else {
      this.#reserve(1);
      shared.out[this.#at++] = 0x80 | index;
    }
  }

  /** A field whose name and value are ranges of `bytes`. */
  field(bytes: Buffer, nameFrom: number, nameTo: number, valueFrom: number, valueTo: number): void {
    this.#takeName(bytes, nameFrom, nameTo);
    this.#encode(bytes, valueFrom, valueTo);
  }

  /** A field given as latin1 strings. */
  text(name: string, value: string): void {
    const length = name.length + value.length;
    if (shared.text.length < length) shared.text = Buffer.allocUnsafeSlow(Math.max(2 * length, 256));
    shared.text.write(name, 0, 'latin1');
    shared.text.write(value, name.length, 'latin1');
    this.field(shared.text, 0, name.length, name.length, length);
  }

  #takeName(bytes: Buffer, from: number, to: number): void {
    const length = to - from;
    if (shared.name.length < length) shared.name = Buffer.allocUnsafeSlow(2 * length);
    const name = shared.name;
    let hash = HASH_SEED;
    for (let offset = 0; offset < length; offset += 1) {
      const byte = lowerCase(bytes[from + offset] ?? 0);
      name[offset] = byte;
      hash = hashByte(hash, byte);
    }
    this.#nameLength = length;
    this.#nameHash = hash;
  }

  #encode(bytes: Buffer, from: number, to: number): void {
    // Strings are encoded only if that makes them shorter; the rest is integers.
    this.#reserve(this.#nameLength + to - from + LONGEST_INTEGERS);
    const known = knownName(this.#nameHash, shared.name, this.#nameLength);
    const indexing = known === null ? 'indexed' : known.indexing;
    if (indexing === 'never' || (known?.isCookie === true && to - from < SHORT_COOKIE)) {
      this.#literal(0x10, 4, known, bytes, from, to);
    } else if (indexing === 'plain' || this.#isTooLarge(to - from)) {
      const index = known === null ? 0 : staticIndex(known, bytes, from, to);
      if (index > 0) shared.out[this.#at++] = 0x80 | index;
      else this.#literal(0x00, 4, known, bytes, from, to);
    } else {
      this.#indexed(known, bytes, from, to);
    }
  }

  #indexed(known: KnownName | null, bytes: Buffer, from: number, to: number): void {
    let hash = this.#nameHash;
    for (let at = from; at < to; at += 1) hash = hashByte(hash, bytes[at] ?? 0);
    hash ^= hash >>> 15;
    const entry = this.#table?.findField(hash, shared.name, this.#nameLength, bytes, from, to) ?? -1;
    if (entry >= 0) {
      this.#at = writeInteger(shared.out, this.#at, 0x80, 7, FIRST_DYNAMIC + entry);
      return;
    }
    const index = known === null ? 0 : staticIndex(known, bytes, from, to);
    if (index > 0) {
      shared.out[this.#at++] = 0x80 | index;
      return;
    }
    this.#literal(0x40, 6, known, bytes, from, to);
    this.#table ??= this.#makeTable();
    this.#table.insert(this.#nameHash, hash, shared.name, this.#nameLength, bytes, from, to);
  }

  #makeTable(): EncoderTable {
    const table = new EncoderTable(this.#largest);
    table.setLimit(this.#limit);
    return table;
  }

  #literal(
    first: number,
    prefixBits: number,
    known: KnownName | null,
    bytes: Buffer,
    from: number,
    to: number,
  ): void {
    const index = known === null ? this.#dynamicNameIndex() : known.index;
    this.#at = writeInteger(shared.out, this.#at, first, prefixBits, index);
    if (index === 0) this.#string(shared.name, 0, this.#nameLength);
    this.#string(bytes, from, to);
  }

  #dynamicNameIndex(): number {
    const entry = this.#table?.findName(this.#nameHash, shared.name, this.#nameLength) ?? -1;
    return entry < 0 ? 0 : FIRST_DYNAMIC + entry;
  }

  #string(bytes: Buffer, from: number, to: number): void {
    const length = huffmanLength(bytes, from, to);
    if (length < to - from) {
      this.#at = writeInteger(shared.out, this.#at, 0x80, 7, length);
      this.#at = huffmanEncode(bytes, from, to, shared.out, this.#at);
      return;
    }
    this.#at = writeInteger(shared.out, this.#at, 0, 7, to - from);
    this.#at = copyBytes(bytes, from, to, shared.out, this.#at);
  }

  /** Whether a field would push most others out of the table. */
  #isTooLarge(valueLength: number): boolean {
    return (this.#nameLength + valueLength + 32) * 4 > this.#limit * 3;
  }

  #reserve(length: number): void {
    if (this.#at + length <= shared.out.length) return;
    const larger = Buffer.allocUnsafeSlow(2 * (this.#at + length));
    shared.out.copy(larger, 0, 0, this.#at);
    shared.out = larger;
  }
}

/** Used up before another block begins: so one is enough for all connections. */
const shared = {
  out: Buffer.allocUnsafeSlow(1_024),
  /** The name at hand in lower case. */
  name: Buffer.allocUnsafeSlow(256),
  /** What `text` writes its strings to. */
  text: Buffer.allocUnsafeSlow(256),
};

/** Of the three in a literal, 6 bytes each. */
const LONGEST_INTEGERS = 18;

/** The entries of the static table with a status, by code. */
const STATUS_INDEX: readonly (number | undefined)[] = statusIndices();

function statusIndices(): (number | undefined)[] {
  const indices: (number | undefined)[] = Array.from({ length: 600 }, () => undefined);
  for (const [index, { name, value }] of STATIC_TABLE.entries()) {
    if (name.toString() === ':status') indices[Number(value.toString())] = index;
  }
  return indices;
}

/** The entry of the static table with this name and this value, or 0. */
function staticIndex(known: KnownName, bytes: Buffer, from: number, to: number): number {
  const { values } = known;
  for (let offset = 0; offset < values.length; offset += 1) {
    const value = values[offset];
    if (value !== undefined && value.length === to - from && isSame(value, bytes, from)) {
      return known.index + offset;
    }
  }
  return 0;
}

function isSame(value: Buffer, bytes: Buffer, from: number): boolean {
  for (let index = 0; index < value.length; index += 1) {
    if (value[index] !== bytes[from + index]) return false;
  }
  return true;
}
