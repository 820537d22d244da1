import { copyBytes } from '../../octets.ts';
import { checkedKind } from '../field-rules.ts';
import { DynamicTable } from './dynamic-table.ts';
import type { HeaderList } from './header-list.ts';
import { huffmanDecode, longestDecoded } from './huffman.ts';
import { IntegerReader } from './integer.ts';
import { FIRST_DYNAMIC, STATIC_TABLE } from './static-table.ts';

/** What is wrong with a header block. Each is a connection error of type COMPRESSION_ERROR (RFC 9113 4.3). */
export type HpackFault =
  | 'hpack-truncated'
  | 'hpack-integer'
  | 'hpack-index'
  | 'hpack-huffman'
  | 'hpack-table-size'
  | 'hpack-table-size-late';

/**
 * Decodes the header blocks of one direction of one connection (RFC 7541), in the order in which they came.
 *
 * ```ts
 * const fault = decoder.decode(block, from, to, list);
 * if (fault !== null) return connectionError(COMPRESSION_ERROR, fault);
 * if (list.tooLarge) answer(431);        // the connection is fine
 * ```
 *
 * A list that grows beyond its limits is decoded on, since the dynamic table must stay the same on both sides, but
 * nothing is kept or copied any more: a block of one-byte references to a large entry costs no more than its bytes.
 */
export class HpackDecoder {
  readonly #table: DynamicTable;
  readonly #integer = new IntegerReader();
  /** The largest size that the peer may choose, as we announced it. */
  readonly #tableBytes: number;
  /** Where the last string read ends in the list's bytes; -1 = faulty. */
  #stringTo = 0;
  /** Where to read on in the block. */
  #at = 0;

  /** @param tableBytes SETTINGS_HEADER_TABLE_SIZE as the peer knows it */
  constructor(tableBytes = 4_096) {
    this.#tableBytes = tableBytes;
    this.#table = new DynamicTable(tableBytes);
  }

  /** Decodes `block[from, to)` into an emptied `list`. Null = no fault. After a fault the decoder is of no more use. */
  decode(block: Buffer, from: number, to: number, list: HeaderList): HpackFault | null {
    list.clear();
    this.#at = from;
    let updates = 0;
    let fields = 0;
    while (this.#at < to) {
      const byte = block[this.#at] ?? 0;
      let fault: HpackFault | null;
      if (byte >= 0x80) fault = this.#indexed(block, to, list);
      else if (byte >= 0x40) fault = this.#literal(block, to, list, 6);
      else if (byte < 0x20) fault = this.#literal(block, to, list, 4);
      else {
        // RFC 7541 4.2: at the beginning of a block, and two are all that can be needed there.
        updates += 1;
        fault = fields > 0 || updates > 2 ? 'hpack-table-size-late' : this.#resize(block, to);
        fields -= 1;
      }
      if (fault !== null) return fault;
      fields += 1;
    }
    return null;
  }

  /** No block comes for a while. The table stays, since the peer has the same; it takes no more memory than it has to. */
  rest(): void {
    this.#table.rest();
  }

  /** RFC 7541 6.1. */
  #indexed(block: Buffer, to: number, list: HeaderList): HpackFault | null {
    if (!this.#integer.read(block, this.#at, to, 7)) return 'hpack-integer';
    this.#at = this.#integer.end;
    const index = this.#integer.value;
    if (index < FIRST_DYNAMIC) {
      const entry = STATIC_TABLE[index];
      if (index === 0 || entry === undefined) return 'hpack-index';
      this.#emit(list, entry.name, 0, entry.name.length, entry.value, 0, entry.value.length, entry.kind);
      return null;
    }
    const table = this.#table;
    const entry = index - FIRST_DYNAMIC;
    if (entry >= table.count) return 'hpack-index';
    const nameTo = table.nameTo(entry);
    this.#emit(
      list,
      table.bytes,
      table.nameFrom(entry),
      nameTo,
      table.bytes,
      nameTo,
      table.valueTo(entry),
      table.tag(entry),
    );
    return null;
  }

  #emit(
    list: HeaderList,
    name: Buffer,
    nameFrom: number,
    nameTo: number,
    value: Buffer,
    valueFrom: number,
    valueTo: number,
    kind: number,
  ): void {
    const nameLength = nameTo - nameFrom;
    const valueLength = valueTo - valueFrom;
    if (!list.fits(nameLength, valueLength)) return;
    const bytes = list.reserve(nameLength + valueLength + 4);
    const start = list.fields.end;
    copyBytes(name, nameFrom, nameTo, bytes, start);
    copyBytes(value, valueFrom, valueTo, bytes, start + nameLength + 2);
    list.add(start + nameLength, start + nameLength + 2, start + nameLength + 2 + valueLength, kind);
  }

  /** RFC 7541 6.2: with (6 bits of prefix) or without (4 bits) incremental indexing, or never indexed (4 bits). */
  #literal(block: Buffer, to: number, list: HeaderList, prefixBits: 6 | 4): HpackFault | null {
    const indexing = prefixBits === 6;
    if (!this.#integer.read(block, this.#at, to, prefixBits)) return 'hpack-integer';
    this.#at = this.#integer.end;
    const index = this.#integer.value;
    const keep = indexing || !list.tooLarge;
    const start = list.fields.end;
    let nameTo = start;
    if (index === 0) {
      const fault = this.#string(block, to, list, start, keep);
      if (fault !== null) return fault;
      nameTo = this.#stringTo;
    } else {
      nameTo = this.#copyName(index, list, start);
      if (nameTo < 0) return 'hpack-index';
    }
    const valueFrom = nameTo + 2;
    const fault = this.#string(block, to, list, valueFrom, keep);
    if (fault !== null || !keep) return fault;
    const valueTo = this.#stringTo;
    const bytes = list.reserve(valueTo + 2 - start);
    const kind = checkedKind(bytes, start, nameTo, valueFrom, valueTo);
    if (indexing) this.#table.insert(bytes, start, nameTo, bytes, valueFrom, valueTo, kind);
    if (list.fits(nameTo - start, valueTo - valueFrom)) list.add(nameTo, valueFrom, valueTo, kind);
    return null;
  }

  /** Copies the name of an entry to `at` in the list's bytes; returns where it ends, or -1 if there is no such entry. */
  #copyName(index: number, list: HeaderList, at: number): number {
    if (index < FIRST_DYNAMIC) {
      const name = STATIC_TABLE[index]?.name;
      if (name === undefined) return -1;
      copyBytes(name, 0, name.length, list.reserve(name.length + 2), at);
      return at + name.length;
    }
    const table = this.#table;
    const entry = index - FIRST_DYNAMIC;
    if (entry >= table.count) return -1;
    const from = table.nameFrom(entry);
    const to = table.nameTo(entry);
    copyBytes(table.bytes, from, to, list.reserve(to - from + 2), at);
    return at + to - from;
  }

  /** RFC 7541 5.2. Decodes a string to `at` in the list's bytes, or only passes over it if it is not to be kept. */
  #string(block: Buffer, to: number, list: HeaderList, at: number, keep: boolean): HpackFault | null {
    if (this.#at >= to) return 'hpack-truncated';
    const huffman = (block[this.#at] ?? 0) >= 0x80;
    if (!this.#integer.read(block, this.#at, to, 7)) return 'hpack-integer';
    const from = this.#integer.end;
    const length = this.#integer.value;
    if (length > to - from) return 'hpack-truncated';
    this.#at = from + length;
    this.#stringTo = at;
    if (!keep) return null;
    const room = huffman ? longestDecoded(length) : length;
    const bytes = list.reserve(at - list.fields.end + room + 2);
    if (!huffman) copyBytes(block, from, from + length, bytes, at);
    this.#stringTo = huffman ? huffmanDecode(block, from, from + length, bytes, at) : at + length;
    return this.#stringTo < 0 ? 'hpack-huffman' : null;
  }

  /** RFC 7541 6.3. */
  #resize(block: Buffer, to: number): HpackFault | null {
    if (!this.#integer.read(block, this.#at, to, 5)) return 'hpack-integer';
    if (this.#integer.value > this.#tableBytes) return 'hpack-table-size';
    this.#at = this.#integer.end;
    this.#table.setLimit(this.#integer.value);
    return null;
  }
}
