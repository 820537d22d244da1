import { DynamicTable } from './dynamic-table.ts';

/**
 * The dynamic table of an encoder, in which entries are found by what they hold.
 *
 * Two hash tables point from a hash to the newest entry that has it, and each entry points to the one before. A pointer
 * to an entry that is gone is found out by its age.
 */
export class EncoderTable {
  readonly #table: DynamicTable;
  readonly #fields: Chains;
  readonly #names: Chains;

  constructor(largest: number) {
    this.#table = new DynamicTable(largest);
    this.#fields = new Chains(this.#table.mostEntries);
    this.#names = new Chains(this.#table.mostEntries);
  }

  setLimit(limit: number): void {
    this.#table.setLimit(limit);
  }

  /** The entry with this name and value, or -1. 0 is the newest. */
  findField(
    hash: number,
    name: Buffer,
    nameLength: number,
    value: Buffer,
    valueFrom: number,
    valueTo: number,
  ): number {
    const { count } = this.#table;
    for (
      let entry = this.#fields.newest(hash);
      entry >= 0 && entry < count;
      entry = this.#fields.older(entry)
    ) {
      const nameFrom = this.#table.nameFrom(entry);
      const nameTo = this.#table.nameTo(entry);
      if (
        this.#holds(nameFrom, nameTo, name, 0, nameLength) &&
        this.#holds(nameTo, this.#table.valueTo(entry), value, valueFrom, valueTo)
      ) {
        return entry;
      }
    }
    return -1;
  }

  /** An entry with this name, or -1. */
  findName(hash: number, name: Buffer, nameLength: number): number {
    const { count } = this.#table;
    for (
      let entry = this.#names.newest(hash);
      entry >= 0 && entry < count;
      entry = this.#names.older(entry)
    ) {
      if (this.#holds(this.#table.nameFrom(entry), this.#table.nameTo(entry), name, 0, nameLength))
        return entry;
    }
    return -1;
  }

  insert(
    nameHash: number,
    fieldHash: number,
    name: Buffer,
    nameLength: number,
    value: Buffer,
    valueFrom: number,
    valueTo: number,
  ): void {
    if (!this.#table.insert(name, 0, nameLength, value, valueFrom, valueTo, 0)) return;
    this.#names.add(nameHash);
    this.#fields.add(fieldHash);
  }

  #holds(from: number, to: number, wanted: Buffer, wantedFrom: number, wantedTo: number): boolean {
    if (to - from !== wantedTo - wantedFrom) return false;
    const { bytes } = this.#table;
    for (let offset = 0; offset < to - from; offset += 1) {
      if (bytes[from + offset] !== wanted[wantedFrom + offset]) return false;
    }
    return true;
  }
}

/** For each hash the entries that have it, the newest first. Entries are named by age: 0 is the newest. */
class Chains {
  /** The number of the newest entry, by hash. Numbers count insertions and wrap around; 0 is no entry. */
  readonly #heads = new Int32Array(HEADS);
  /** The number of the next older one in the chain, by slot. */
  readonly #older: Int32Array;
  #added = 0;

  constructor(slots: number) {
    this.#older = new Int32Array(slots);
  }

  newest(hash: number): number {
    return this.#age(this.#heads[hash & (HEADS - 1)] ?? 0);
  }

  older(entry: number): number {
    return this.#age(this.#older[(this.#added - entry) & (this.#older.length - 1)] ?? 0);
  }

  add(hash: number): void {
    this.#added = this.#added === LAST ? 1 : this.#added + 1;
    const head = hash & (HEADS - 1);
    this.#older[this.#added & (this.#older.length - 1)] = this.#heads[head] ?? 0;
    this.#heads[head] = this.#added;
  }

  #age(number: number): number {
    return number === 0 ? -1 : this.#added - number;
  }
}

const HEADS = 256;

/** After so many insertions numbers begin again, and chains are lost; what is not found is written anew. */
const LAST = 0x7fff_ffff;
