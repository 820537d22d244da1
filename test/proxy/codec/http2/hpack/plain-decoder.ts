import { huffmanDecode, longestDecoded } from '../../../../../src/proxy/codec/http2/hpack/huffman.ts';
import { STATIC_TABLE } from '../../../../../src/proxy/codec/http2/hpack/static-table.ts';

type Field = readonly [name: string, value: string];

/**
 * RFC 7541 as plainly as it can be written: strings, arrays, no limits. What it says is what the real decoder has to say.
 */
export class PlainDecoder {
  #table: Field[] = [];
  #limit: number;
  readonly #largest: number;

  constructor(largest: number) {
    this.#largest = largest;
    this.#limit = largest;
  }

  /** The fields, or null for a fault. */
  decode(block: Uint8Array): Field[] | null {
    const fields: Field[] = [];
    let rest = [...block];
    let updates = 0;
    const integer = (bits: number): number => {
      const most = 2 ** bits - 1;
      let value = (rest.shift() ?? fail()) & most;
      if (value < most) return value;
      for (let shift = 0; ; shift += 7) {
        if (shift === 28) fail();
        const byte = rest.shift() ?? fail();
        value += (byte & 127) * 2 ** shift;
        if (byte < 128) return value;
      }
    };
    const string = (): string => {
      const huffman = (rest[0] ?? fail()) >= 128;
      const length = integer(7);
      if (length > rest.length) fail();
      const bytes = Buffer.from(rest.slice(0, length));
      rest = rest.slice(length);
      if (!huffman) return bytes.toString('latin1');
      const target = Buffer.alloc(longestDecoded(length));
      const end = huffmanDecode(bytes, 0, length, target, 0);
      return end < 0 ? fail() : target.toString('latin1', 0, end);
    };
    const entry = (index: number): Field => {
      const known = STATIC_TABLE[index];
      if (index > 0 && known !== undefined) return [known.name.toString(), known.value.toString()];
      return this.#table[index - 62] ?? fail();
    };
    try {
      while (rest.length > 0) {
        const first = rest[0] ?? 0;
        if (first >= 128) fields.push(entry(integer(7)));
        else if (first >= 32 && first < 64) {
          updates += 1;
          if (fields.length > 0 || updates > 2) fail();
          const size = integer(5);
          if (size > this.#largest) fail();
          this.#limit = size;
          this.#evict();
        } else {
          const indexing = first >= 64;
          const index = integer(indexing ? 6 : 4);
          const name = index === 0 ? string() : entry(index)[0];
          const field: Field = [name, string()];
          fields.push(field);
          if (!indexing) continue;
          this.#table.unshift(field);
          this.#evict();
        }
      }
      return fields;
    } catch (error) {
      if (error instanceof Fault) return null;
      throw error;
    }
  }

  #evict(): void {
    const size = () => this.#table.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0);
    while (size() > this.#limit) this.#table.pop();
  }
}

class Fault extends Error {}

function fail(): never {
  throw new Fault();
}
