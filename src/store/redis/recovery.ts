import { type DocumentPath, lockKeyOf, type StoreListing } from '../../certs/ports.ts';
import type { Emit } from '../../events/bus.ts';
import type { Epoch, LocalCopy } from '../local-copy.ts';
import { isNewer, placeOf, type Store } from '../store.ts';
import type { RedisConnection } from './connection.ts';
import type { Keys } from './keys.ts';
import { COUNT_LOSS } from './scripts.ts';

interface Parts {
  readonly copy: LocalCopy;
  readonly connection: RedisConnection;
  readonly keys: Keys;
  readonly store: Pick<Store, 'find' | 'lock' | 'save'>;
  /** What the database has, whatever is known of it. */
  readonly listAnew: () => Promise<StoreListing>;
  /** Stores a document unless there is one. */
  readonly restoreDocument: (path: DocumentPath, content: Buffer) => Promise<boolean>;
  readonly emit: Emit;
}

/**
 * Puts back what a database has lost although it had acknowledged it: after a failover to a replica that was behind, a
 * restart without persistence, a FLUSHALL. Every machine remembers how many writes there were; when there are fewer,
 * or somebody else has found that out, it adds what its own copy has and the database lacks. What is only missing, with
 * all writes there, was removed on purpose.
 *
 * The number of the last writes may not have come to every machine yet, and new ones may make up for those that were lost.
 * So after every connection that broke, certificates are compared one by one, before anybody is told what there is: nobody
 * is to go back to a former one.
 */
export class Recovery {
  readonly #parts: Parts;
  readonly #stopped = new AbortController();
  #known: Promise<Epoch | null>;
  #busy = false;
  /** The connection was lost since certificates were compared. */
  #doubt = false;
  #settling: Promise<void> | null = null;
  /** The writes that the copy knows of. */
  #kept = -1;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#known = parts.copy.readEpoch();
  }

  stop(): void {
    this.#stopped.abort();
  }

  /** Takes note of a write of this machine, which the database has counted as number `writes`. */
  noteWrite(writes: number): void {
    this.#known = this.#known.then((known) =>
      known === null ? null : { ...known, writes: Math.max(known.writes, writes) },
    );
  }

  /** The connection broke: what is at its other end now may have lost something. */
  doubt(): void {
    this.#doubt = true;
  }

  /** Puts back certificates if there is doubt whether they are still there. @throws RigilError that of the store */
  settle(): Promise<void> {
    if (!this.#doubt) return Promise.resolve();
    this.#settling ??= this.#settle().finally(() => {
      this.#settling = null;
    });
    return this.#settling;
  }

  /** Takes note of what the database has counted. Never rejects; what fails is tried again with the next count. */
  compare(epoch: Epoch): void {
    if (this.#busy) return;
    this.#busy = true;
    void this.#compare(epoch)
      .catch(() => {})
      .finally(() => {
        this.#busy = false;
      });
  }

  async #compare(epoch: Epoch): Promise<void> {
    const known = await this.#known;
    const fewer = known !== null && epoch.writes < known.writes;
    const lost = fewer || (known !== null && epoch.losses !== known.losses);
    if (lost) await this.#putBack();
    const now = fewer ? await this.#countLoss(known) : epoch;
    this.#known = Promise.resolve(now);
    if (now.writes === this.#kept && !lost) return;
    this.#kept = now.writes;
    this.#parts.copy.keepEpoch(now);
  }

  async #countLoss({ writes: known }: Epoch): Promise<Epoch> {
    const { connection, keys } = this.#parts;
    const counted = await connection.run(COUNT_LOSS, [keys.epoch], [known]);
    const [writes = 0, losses = 0] = Array.isArray(counted) ? counted.map(Number) : [];
    return { writes, losses };
  }

  async #settle(): Promise<void> {
    this.#doubt = false;
    try {
      await this.#parts.copy.idle;
      this.#tell(await this.#putBackCertificates(), 0);
    } catch (error) {
      this.#doubt = true;
      throw error;
    }
  }

  async #putBack(): Promise<void> {
    const { copy, restoreDocument } = this.#parts;
    await copy.idle;
    let documents = 0;
    for (const { path, content } of await copy.readDocuments()) {
      if (await restoreDocument(path, content)) documents += 1;
    }
    this.#tell(await this.#putBackCertificates(), documents);
  }

  /** Returns how many were put back. */
  async #putBackCertificates(): Promise<number> {
    const { copy, store, listAnew } = this.#parts;
    const { signal } = this.#stopped;
    const { certificates: stored } = await listAnew();
    const there = new Map(stored.map((facts) => [placeOf(facts), facts]));
    let certificates = 0;
    for (const certificate of await copy.readCertificates(signal, { but: stored })) {
      const known = there.get(placeOf(certificate.facts));
      if (known !== undefined && !isNewer(certificate.facts, known)) continue;
      const lock = await store.lock(lockKeyOf(certificate.facts.id), signal);
      try {
        const now = (await store.find(certificate.facts.id)).find(
          ({ issuer }) => issuer === certificate.facts.issuer,
        );
        if (now !== undefined && !isNewer(certificate.facts, now)) continue;
        await store.save(certificate, lock);
        certificates += 1;
      } finally {
        await lock.release();
      }
    }
    return certificates;
  }

  #tell(certificates: number, documents: number): void {
    if (certificates + documents > 0) this.#parts.emit({ event: 'store.restored', certificates, documents });
  }
}
