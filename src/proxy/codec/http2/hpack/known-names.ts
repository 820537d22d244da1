import { type Indexing, indexingOf } from './indexing-policy.ts';
import { STATIC_TABLE } from './static-table.ts';

/** A name of the static table, as the encoder wants it. */
export interface KnownName {
  readonly bytes: Buffer;
  /** The first entry of the static table with this name. */
  readonly index: number;
  /** The values that the static table has for it; the first belongs to `index`. Empty = only the name. */
  readonly values: readonly Buffer[];
  readonly indexing: Indexing;
  readonly isCookie: boolean;
}

/** The beginning of every {@link hashByte} chain. */
export const HASH_SEED = 0x811c9dc5 | 0;

/** FNV-1a, one byte on. Whoever chooses the bytes can make chains of equal hashes, but none longer than the table. */
export function hashByte(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, 0x01000193);
}

/** The name with these bytes, whose hash is `hash`, or null. */
export function knownName(hash: number, bytes: Uint8Array, length: number): KnownName | null {
  const name = BY_HASH[(hash ^ (hash >>> 15)) & (SLOTS - 1)];
  if (name === undefined) return null;
  for (const candidate of name) {
    if (candidate.bytes.length === length && isSame(candidate.bytes, bytes)) return candidate;
  }
  return null;
}

const SLOTS = 256;

const BY_HASH: readonly (readonly KnownName[] | undefined)[] = slots();

function slots(): readonly (readonly KnownName[] | undefined)[] {
  const result: KnownName[][] = [];
  for (const known of knownNames()) {
    let hash = HASH_SEED;
    for (const byte of known.bytes) hash = hashByte(hash, byte);
    const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
    result[slot] = [...(result[slot] ?? []), known];
  }
  return Array.from({ length: SLOTS }, (_, slot) => result[slot]);
}

function knownNames(): KnownName[] {
  const names = new Set(STATIC_TABLE.slice(1).map(({ name }) => name.toString('latin1')));
  return Array.from(names, (name) => {
    const entries = STATIC_TABLE.filter((entry) => entry.name.toString('latin1') === name);
    const values = entries.map(({ value }) => value).filter((value) => value.length > 0);
    const index = STATIC_TABLE.findIndex((entry) => entry.name.toString('latin1') === name);
    const bytes = Buffer.from(name);
    return { bytes, index, values, indexing: indexingOf(name), isCookie: name === 'cookie' };
  });
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  for (let index = 0; index < a.length; index += 1) if (a[index] !== b[index]) return false;
  return true;
}
