import type { Certificate, CertificateFacts, CertificateId } from '../../certs/certificate.ts';
import { lockKeyOf, type StoreContents, type StoreListing, type StoreLock } from '../../certs/ports.ts';
import { codeOf, messageOf, RigilError } from '../../errors.ts';
import { inSlices } from '../in-slices.ts';
import { digestOf, metaFromJson, metaToJson } from '../meta-json.ts';
import type { Seal } from '../seal.ts';
import { type Generation, orderNote, placeOf } from '../store.ts';
import { belongTogether } from '../stored-files.ts';
import { CERTIFICATE, type Changes } from './changes.ts';
import type { RedisConnection } from './connection.ts';
import { fieldOf } from './documents.ts';
import type { Keys } from './keys.ts';
import { RedisLock } from './locks.ts';
import { scanHash } from './scan.ts';
import { FIND_CERTIFICATES, READ_PEMS, REPLACE_FIELD, SAVE_CERTIFICATE } from './scripts.ts';

/** How many certificates are read in one round trip. */
const BATCH = 500;

interface Parts {
  readonly connection: RedisConnection;
  readonly keys: Keys;
  readonly changes: Changes;
  readonly seal: Seal;
}

/** Facts of one place, as the index has them. */
interface Indexed {
  readonly facts: CertificateFacts;
  readonly digest: string | null;
}

/**
 * The certificates: an index of facts, to list ten thousand of them in a few round trips, and a hash for each with chain
 * and key, sealed, and the two generations before.
 */
export class RedisCertificates {
  readonly #parts: Parts;
  /** What was read last, by place. */
  #index: ReadonlyMap<string, Indexed> = new Map();
  #damaged: StoreListing['damaged'] = [];

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** All facts, read anew. */
  async list(): Promise<StoreListing> {
    const { connection, keys } = this.#parts;
    const index = new Map<string, Indexed>();
    const damaged = new Map<string, string>();
    await scanHash(connection, keys.index, (place, value) => {
      const read = readFacts(place, value.toString());
      if (read === null) damaged.set(place, 'its facts are damaged');
      else index.set(place, read);
    });
    this.#index = index;
    this.#damaged = [...damaged].map(([place, problem]) => ({ path: this.locate(place), problem }));
    return this.#listing();
  }

  /** What {@link list} found last, with these places read anew. */
  async update(places: ReadonlySet<string>): Promise<StoreListing> {
    const { connection, keys } = this.#parts;
    const asked = [...places];
    if (asked.length === 0) return this.#listing();
    const values = await connection.use((client) => client.hmget(keys.index, ...asked));
    const index = new Map(this.#index);
    for (const [at, place] of asked.entries()) {
      const read = readFacts(place, values[at] ?? '');
      if (read === null) index.delete(place);
      else index.set(place, read);
    }
    this.#index = index;
    return this.#listing();
  }

  /** @throws RigilError `aborted`, or that of the store */
  async readAll(signal: AbortSignal): Promise<StoreContents> {
    const listing = await this.list();
    const whole: Certificate[] = [];
    const others: Indexed[] = [];
    const entries = [...this.#index];
    for (let start = 0; start < entries.length; start += BATCH) {
      const batch = entries.slice(start, start + BATCH);
      const values = await this.#pems(batch.map(([place]) => place));
      await inSlices(
        batch,
        ([place, indexed]) => {
          const pem = values.get(place) ?? null;
          const certificate = pem === null ? null : this.#open(place, indexed, pem);
          if (certificate instanceof Error || certificate === null) others.push(indexed);
          else whole.push(certificate);
        },
        signal,
      );
    }
    const unusable: { facts: CertificateFacts; error: unknown }[] = [];
    for (const { facts } of others) {
      try {
        const certificate = await this.load(facts.issuer, facts.id);
        if (certificate !== null) whole.push(certificate);
      } catch (error) {
        unusable.push({ facts, error });
      }
    }
    return { ...listing, whole, unusable };
  }

  async find(id: CertificateId): Promise<readonly CertificateFacts[]> {
    const { connection, keys } = this.#parts;
    const found = await connection.run(FIND_CERTIFICATES, [keys.index, keys.issuers], [id]);
    return texts(found).flatMap((text) => metaFromJson(text)?.facts ?? []);
  }

  async load(issuer: string, id: CertificateId): Promise<Certificate | null> {
    const place = placeOf({ issuer, id });
    const fields = await this.#fields(place);
    const problems: unknown[] = [];
    for (const generation of generationsIn(fields)) {
      const read = this.#read(place, generation.meta, generation.pem);
      if (!(read instanceof Error)) return read;
      problems.push(read);
    }
    const [first] = problems;
    if (first === undefined) return null;
    // What is sealed is there all the same, and not to be replaced.
    if (codeOf(first) === 'store-sealed') throw first;
    throw new RigilError('store-damaged', `no stored generation of ${id} is whole: ${messageOf(first)}`, {
      hint: 'a new certificate replaces it',
    });
  }

  async former(issuer: string, id: CertificateId): Promise<Certificate | null> {
    const place = placeOf({ issuer, id });
    const [, ...older] = generationsIn(await this.#fields(place));
    for (const { meta, pem } of older) {
      const read = this.#read(place, meta, pem);
      if (!(read instanceof Error)) return read;
    }
    return null;
  }

  async history(issuer: string, id: CertificateId): Promise<readonly Generation[]> {
    const fields = await this.#fields(placeOf({ issuer, id }));
    return generationsIn(fields).flatMap(({ generation, meta }, index) => {
      const facts = metaFromJson(meta.toString())?.facts;
      return facts === undefined ? [] : [{ generation, inForce: index === 0, facts }];
    });
  }

  /**
   * @returns how many writes the store has counted
   * @throws RigilError `lock-lost`, or that of the store
   */
  async save(certificate: Certificate, lock: StoreLock): Promise<number> {
    const { connection, keys, changes } = this.#parts;
    const { facts, chain, key } = certificate;
    if (!(lock instanceof RedisLock) || lock.key !== lockKeyOf(facts.id)) {
      throw new RigilError('internal', `the lock ${lock.key} does not cover the certificate ${facts.id}`);
    }
    const lost = () => new RigilError('lock-lost', `another process has taken over the work on ${lock.key}`);
    if (lock.isOver) throw lost();
    const place = placeOf(facts);
    const digest = digestOf(chain, key);
    const note = orderNote(facts.id);
    const saved = await connection.run(
      SAVE_CERTIFICATE,
      [
        ...[keys.epoch, keys.lock(lock.key), keys.certificate(place), keys.index, keys.issuers],
        keys.documents(note[0]),
      ],
      [
        ...[lock.token, lock.fence, place, facts.issuer],
        ...[compact(metaToJson({ facts, digest })), this.#sealed(place, chain, key)],
        ...[changes.channel, changes.message(CERTIFICATE, [place]), fieldOf(note)],
      ],
    );
    if (saved === -1) {
      lock.lose();
      throw lost();
    }
    this.#index = new Map(this.#index).set(place, { facts, digest });
    return Number(saved);
  }

  /** Where certificates are, those whose facts are damaged too. */
  places(): Promise<readonly string[]> {
    const { connection, keys } = this.#parts;
    return connection.use((client) => client.hkeys(keys.index));
  }

  /** Seals one certificate's chains and keys anew. Returns how many of them had another seal. */
  async reseal(place: string): Promise<number> {
    const { connection, keys, changes, seal } = this.#parts;
    const fields = await this.#fields(place);
    const old = Object.entries(fields).filter(([name, value]) => /pem$/.test(name) && !seal.isCurrent(value));
    for (const [name, value] of old) {
      const sealed = seal.close(sealedAs(place), seal.open(sealedAs(place), value));
      // Not if a new certificate came meanwhile: that one is sealed as it should be.
      await connection.run(
        REPLACE_FIELD,
        [keys.epoch, keys.certificate(place)],
        [name, value, sealed, changes.channel, ''],
      );
    }
    return old.length;
  }

  locate(place: string): string {
    const { connection, keys } = this.#parts;
    return `${connection.place} ${keys.certificate(place)}`;
  }

  #listing(): StoreListing {
    return { certificates: [...this.#index.values()].map(({ facts }) => facts), damaged: this.#damaged };
  }

  async #pems(places: readonly string[]): Promise<ReadonlyMap<string, Buffer>> {
    const { connection, keys } = this.#parts;
    const names = places.map((place) => keys.certificate(place));
    const values = await connection.runForValues(READ_PEMS, names);
    return new Map(
      places.flatMap((place, index) => {
        const value = values[index];
        return value == null ? [] : [[place, value] as const];
      }),
    );
  }

  #fields(place: string): Promise<Record<string, Buffer>> {
    const { connection, keys } = this.#parts;
    return connection.use((client) => client.hgetallBuffer(keys.certificate(place)));
  }

  /** The error is a value here: there may be thousands, and an older generation may do. */
  #read(place: string, meta: Buffer, pem: Buffer): Certificate | Error {
    const indexed = readFacts(place, meta.toString());
    if (indexed === null) return new RigilError('store-damaged', 'its facts are damaged');
    return this.#open(place, indexed, pem);
  }

  #open(place: string, { facts, digest }: Indexed, stored: Buffer): Certificate | Error {
    try {
      const text = this.#parts.seal.open(sealedAs(place), stored).toString();
      const end = text.lastIndexOf('-----BEGIN ');
      const [chain, key] = [text.slice(0, end), text.slice(end)];
      if (belongTogether({ facts, digest }, chain, key)) return { facts, chain, key };
      return new RigilError('store-damaged', 'its facts are about another certificate');
    } catch (error) {
      return error instanceof Error ? error : new RigilError('store-damaged', String(error));
    }
  }

  #sealed(place: string, chain: string, key: string): Buffer {
    return this.#parts.seal.close(sealedAs(place), Buffer.from(chain + key));
  }
}

/** What a sealed chain and key belong to. */
function sealedAs(place: string): string {
  return `certificate\n${place}`;
}

function readFacts(place: string, text: string): Indexed | null {
  const meta = metaFromJson(text);
  return meta !== null && placeOf(meta.facts) === place ? meta : null;
}

interface StoredGeneration {
  readonly generation: string;
  readonly meta: Buffer;
  readonly pem: Buffer;
}

/** The one in force, then those before it, the newest first. */
function generationsIn(fields: Readonly<Record<string, Buffer>>): readonly StoredGeneration[] {
  const { generation, meta, pem } = fields;
  const former = Object.keys(fields)
    .flatMap((name) => /^(\d+):meta$/.exec(name)?.[1] ?? [])
    .sort((left, right) => Number(right) - Number(left))
    .flatMap((number) => {
      const [itsMeta, itsPem] = [fields[`${number}:meta`], fields[`${number}:pem`]];
      return itsMeta && itsPem ? [{ generation: number, meta: itsMeta, pem: itsPem }] : [];
    });
  if (generation === undefined || meta === undefined || pem === undefined) return former;
  return [{ generation: generation.toString(), meta, pem }, ...former];
}

/** JSON without white space: there may be ten thousand of them in memory. */
function compact(json: string): string {
  return JSON.stringify(JSON.parse(json));
}

function texts(answer: unknown): string[] {
  return Array.isArray(answer) ? answer.filter((each) => typeof each === 'string') : [];
}
