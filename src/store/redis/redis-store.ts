import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Certificate, CertificateFacts, CertificateId } from '../../certs/certificate.ts';
import { emptyJournal, type JournalEntry } from '../../certs/journal.ts';
import { lockKeyOf, type StoreContents, type StoreListing, type StoreLock } from '../../certs/ports.ts';
import { codeOf, messageOf, RigilError } from '../../errors.ts';
import type { Emit } from '../../events/bus.ts';
import type { Clock, Instant } from '../../platform/clock.ts';
import { FileLocks } from '../file-locks.ts';
import { systemFileSystem } from '../file-system.ts';
import { journalFromJson, journalToJson } from '../journal-json.ts';
import { LocalCopy } from '../local-copy.ts';
import type { Seal } from '../seal.ts';
import {
  type DaemonIdentity,
  type Fleet,
  type Generation,
  orderNote,
  placeOf,
  type Store,
  type StoreState,
} from '../store.ts';
import { RedisCertificates } from './certificates.ts';
import { CERTIFICATE, Changes } from './changes.ts';
import { RedisConnection } from './connection.ts';
import { isAway, RedisDocuments } from './documents.ts';
import { Keys } from './keys.ts';
import { RedisLock, RedisLocks } from './locks.ts';
import { Nodes } from './nodes.ts';
import { Recovery } from './recovery.ts';
import { scanHash } from './scan.ts';
import { REMOVE_FIELD, WRITE_FIELD } from './scripts.ts';
import { checkSeal } from './seal-check.ts';
import type { RedisServer } from './server.ts';
import { ServerWatch } from './server-watch.ts';

export interface RedisStoreOptions {
  readonly server: RedisServer;
  readonly prefix: string;
  readonly seal: Seal;
  /** Directory of the copy on this machine; null = none, as for commands. */
  readonly copyDirectory: string | null;
  readonly clock: Clock;
  readonly emit: Emit;
}

/** How often everything is read again, in milliseconds: a message may have been missed. */
const READ_AGAIN_MS = 60_000;
/** How long a listing waits for what is being put back, in milliseconds. */
const SETTLE_MS = 5_000;
/** What is stored while a store is sealed anew may take a former value along: it is gone through until none is left. */
const RESEAL_PASSES = 5;

const DAEMON_LOCK = 'daemon';

/**
 * Certificates, journal and documents in a Redis that several machines share. Long because it is where all parts of the
 * engine are put together.
 *
 * While Redis is away, a daemon reads what it needs to serve from its copy; whatever has to be agreed upon with others
 * (locks, what was obtained meanwhile) fails, so that nothing is ordered twice.
 */
export class RedisStore implements Store {
  readonly documents: RedisDocuments;
  readonly fleet: Fleet;
  readonly #options: RedisStoreOptions;
  readonly #node = randomUUID();
  readonly #keys: Keys;
  readonly #connection: RedisConnection;
  readonly #certificates: RedisCertificates;
  readonly #locks: RedisLocks;
  readonly #changes: Changes;
  readonly #nodes: Nodes;
  readonly #server: ServerWatch;
  readonly #copy: LocalCopy | null;
  readonly #reported = new Set<string>();
  #recovery: Recovery | null = null;
  /** Places that others have changed since they were read. */
  #changed = new Set<string>();
  /** Everything was read at this moment, and changes are heard of since; null = then all is to be read. */
  #readAt: Instant | null = null;
  #watching = 0;
  #sealChecked: Promise<void> | null = null;

  constructor(options: RedisStoreOptions) {
    const { server, prefix, seal, copyDirectory, clock, emit } = options;
    this.#options = options;
    this.#keys = new Keys(prefix);
    this.#connection = new RedisConnection({ server, clock, emit });
    this.#changes = new Changes(this.#node, this.#connection, this.#keys);
    this.#copy = copyDirectory === null ? null : new LocalCopy(copyDirectory, seal, { clock, emit });
    const parts = { connection: this.#connection, keys: this.#keys, changes: this.#changes, seal };
    this.#certificates = new RedisCertificates(parts);
    this.documents = new RedisDocuments({
      ...parts,
      copy: this.#copy,
      checkSeal: () => this.#checkSeal(),
      noteWrite: (writes) => this.#recovery?.noteWrite(writes),
    });
    this.#locks = new RedisLocks(this.#connection, this.#keys, clock);
    this.#nodes = new Nodes(this.#node, this.#connection, this.#keys, clock);
    this.#server = new ServerWatch({
      ...{ ...parts, clock, emit },
      isCluster: server.mode === 'cluster',
      onLook: () => this.#keepSecrets(),
      onSeal: () => {
        this.#sealChecked = null;
      },
    });
    this.fleet = {
      node: this.#node,
      watchDocuments: (kind, onChange) =>
        this.#changes.listen({
          onChange: (change) => {
            if (change.kind === kind) onChange(change.names);
          },
          onGap: () => onChange([]),
        }),
      replaceDocument: (...change) => this.documents.replaceDocument(...change),
    };
    this.#connection.onUp((wasLost) => {
      this.#sealChecked = null;
      if (wasLost) this.#recovery?.doubt();
    });
  }

  async list(): Promise<StoreListing> {
    await this.#settled();
    return this.#list();
  }

  /** Waits until what a failover has lost is there again, but not for somebody who works on one of the certificates. */
  async #settled(): Promise<void> {
    if (this.#recovery === null) return;
    const settled = new AbortController();
    const settling = this.#recovery.settle().finally(() => settled.abort());
    await Promise.race([settling, this.#options.clock.sleep(SETTLE_MS, settled.signal)]);
  }

  async #list(): Promise<StoreListing> {
    await this.#checkSeal();
    const now = this.#options.clock.now();
    const known = this.#watching > 0 && this.#readAt !== null && now - this.#readAt < READ_AGAIN_MS;
    const changed = this.#changed;
    this.#changed = new Set();
    try {
      if (known) return await this.#certificates.update(changed);
      this.#readAt = now;
      return await this.#certificates.list();
    } catch (error) {
      this.#readAt = null;
      throw error;
    }
  }

  async readAll(signal: AbortSignal): Promise<StoreContents> {
    try {
      await this.#checkSeal();
      const contents = await this.#certificates.readAll(signal);
      this.#copy?.keepSoon(contents.whole);
      return contents;
    } catch (error) {
      if (this.#copy === null || !isAway(error)) throw error;
      const whole = await this.#copy.readCertificates(signal);
      if (whole.length === 0) throw error;
      const { directory } = this.#copy;
      this.#options.emit({ event: 'store.copy.used', directory, certificates: whole.length });
      return { whole, certificates: whole.map(({ facts }) => facts), damaged: [], unusable: [] };
    }
  }

  find(id: CertificateId): Promise<readonly CertificateFacts[]> {
    return this.#certificates.find(id);
  }

  async load(issuer: string, id: CertificateId): Promise<Certificate | null> {
    const certificate = await this.#certificates.load(issuer, id);
    if (certificate !== null) this.#copy?.keep(certificate);
    return certificate;
  }

  history(issuer: string, id: CertificateId): Promise<readonly Generation[]> {
    return this.#certificates.history(issuer, id);
  }

  former(issuer: string, id: CertificateId): Promise<Certificate | null> {
    return this.#certificates.former(issuer, id);
  }

  locate(issuer: string, id: CertificateId): string {
    return this.#certificates.locate(placeOf({ issuer, id }));
  }

  async save(certificate: Certificate, lock: StoreLock): Promise<void> {
    await this.#checkSeal();
    const writes = await this.#certificates.save(certificate, lock);
    this.#recovery?.noteWrite(writes);
    this.#copy?.keep(certificate);
    await this.#server.waitForReplica();
  }

  readOrder(id: CertificateId): Promise<Buffer | null> {
    return this.documents.readDocument(orderNote(id));
  }

  async writeOrder(id: CertificateId, note: string | null, lock: StoreLock): Promise<void> {
    await this.#checkSeal();
    if (!(lock instanceof RedisLock) || lock.key !== lockKeyOf(id)) {
      throw new RigilError('internal', `the lock ${lock.key} does not cover the order for ${id}`);
    }
    await this.documents.changeUnderLock(orderNote(id), note, lock);
  }

  async readJournal(): Promise<ReadonlyMap<CertificateId, JournalEntry>> {
    const entries = new Map<CertificateId, JournalEntry>();
    try {
      await scanHash(this.#connection, this.#keys.journal, (id, value) => {
        const read = journalFromJson(value.toString());
        if (read?.id === id) entries.set(id, read.entry);
        else this.#report('store-damaged', `${this.#keys.journal} ${id}: it is damaged and counts as empty`);
      });
    } catch (error) {
      // It is read once more before anything is ordered.
      if (this.#copy === null || !isAway(error)) throw error;
    }
    return entries;
  }

  async readJournalOf(id: CertificateId): Promise<JournalEntry | null> {
    const text = await this.#connection.use((client) => client.hget(this.#keys.journal, id));
    return (text === null ? null : journalFromJson(text))?.entry ?? null;
  }

  async writeJournal(id: CertificateId, entry: JournalEntry): Promise<void> {
    const keys = [this.#keys.epoch, this.#keys.journal];
    const { channel } = this.#changes;
    const isEmpty = entry.failure === emptyJournal.failure && entry.ari === emptyJournal.ari;
    if (isEmpty) await this.#connection.run(REMOVE_FIELD, keys, [id, channel, '']);
    else await this.#connection.run(WRITE_FIELD, keys, [id, journalToJson(id, entry), channel, '']);
  }

  lock(key: string, signal: AbortSignal): Promise<StoreLock> {
    return this.#locks.acquire(key, signal);
  }

  watch(onChange: () => void): () => void {
    this.#watching += 1;
    const readAgain = (): void => {
      this.#readAt = null;
      onChange();
    };
    const stops = [
      this.#changes.listen({
        onChange: ({ kind, names: [place] }) => {
          if (kind !== CERTIFICATE || place === undefined) return;
          this.#changed.add(place);
          onChange();
        },
        onGap: readAgain,
      }),
      this.#connection.onUp((wasLost) => {
        if (wasLost) readAgain();
      }),
      this.#options.clock.every(READ_AGAIN_MS, readAgain),
    ];
    return () => {
      this.#watching -= 1;
      for (const stop of stops) stop();
    };
  }

  /** One daemon for each copy, so for each machine. Waits for no database: a daemon starts without it. */
  async acquireDaemonLock(options: {
    readonly signal: AbortSignal;
    readonly wait?: boolean;
  }): Promise<StoreLock> {
    const here = await this.#lockCopy(options);
    const copy = this.#copy;
    const recovery =
      copy === null
        ? null
        : new Recovery({
            copy,
            connection: this.#connection,
            keys: this.#keys,
            store: this,
            listAnew: () => {
              this.#readAt = null;
              this.#sealChecked = null;
              return this.#list();
            },
            restoreDocument: (path, content) => this.documents.replaceDocument(path, null, content),
            emit: this.#options.emit,
          });
    this.#recovery = recovery;
    const stopLooking = this.#server.follow();
    const leave = this.#nodes.join((epoch) => recovery?.compare(epoch));
    return {
      key: DAEMON_LOCK,
      fence: here?.fence ?? 0,
      lost: here?.lost ?? new AbortController().signal,
      release: async () => {
        recovery?.stop();
        if (this.#recovery === recovery) this.#recovery = null;
        stopLooking();
        await leave();
        await copy?.idle;
        await here?.release();
      },
    };
  }

  daemons(): Promise<readonly DaemonIdentity[]> {
    return this.#nodes.living();
  }

  state(): StoreState {
    const { up, since, error } = this.#connection.health;
    return {
      kind: 'redis',
      place: this.#connection.place,
      up,
      since,
      lastError: up ? null : (error?.message ?? null),
      warnings: this.#server.warnings,
      unsealed: this.#server.unsealed,
    };
  }

  async close(): Promise<void> {
    this.#changes.close();
    await this.#copy?.idle;
    await this.#connection.close();
  }

  /** Seals anew whatever is not sealed with the newest key. Returns how many values that were. */
  async reseal(): Promise<number> {
    await this.#checkSeal();
    let count = 0;
    for (let pass = 1; pass <= RESEAL_PASSES; pass += 1) {
      const resealed = await this.#resealOnce();
      count += resealed;
      if (resealed === 0) break;
    }
    await checkSeal(this.#sealParts, { renew: true });
    return count;
  }

  async #resealOnce(): Promise<number> {
    let count = 0;
    for (const place of await this.#certificates.places()) count += await this.#certificates.reseal(place);
    for (const kind of DOCUMENT_KINDS) count += await this.documents.reseal(kind);
    return count;
  }

  async #lockCopy({
    signal,
    wait = false,
  }: {
    readonly signal: AbortSignal;
    readonly wait?: boolean;
  }): Promise<StoreLock | null> {
    if (this.#copy === null) return null;
    const { directory } = this.#copy;
    const locks = new FileLocks(systemFileSystem, join(directory, 'locks'), this.#options.clock);
    try {
      return await (wait ? locks.acquire(DAEMON_LOCK, signal) : locks.acquireNow(DAEMON_LOCK, signal));
    } catch (error) {
      if (codeOf(error) === 'aborted') throw error;
      // A machine that cannot write to its disk goes on without a copy, as it does when the disk fails later.
      if (codeOf(error) !== 'store-locked') return null;
      throw new RigilError(
        'store-locked',
        `a daemon on this machine uses ${directory} already: ${messageOf(error)}`,
        {
          hint: 'stop it first, or give this one another CACHE_DIRECTORY',
          cause: error,
        },
      );
    }
  }

  /** Once after each connect: keys that open nothing are a mistake that nobody should find out about by and by. */
  #checkSeal(): Promise<void> {
    this.#sealChecked ??= checkSeal(this.#sealParts).catch((error: unknown) => {
      this.#sealChecked = null;
      throw error;
    });
    return this.#sealChecked;
  }

  get #sealParts() {
    const { seal } = this.#options;
    return { connection: this.#connection, keys: this.#keys, changes: this.#changes, seal };
  }

  /** Accounts and roots that others have made are needed for a start without Redis. */
  async #keepSecrets(): Promise<void> {
    if (this.#copy === null) return;
    for (const kind of ['accounts', 'authorities'] as const) {
      for (const path of await this.documents.allDocuments(kind)) await this.documents.readDocument(path);
    }
  }

  /** Once for each problem: it is met again and again. */
  #report(code: string, message: string): void {
    if (this.#reported.has(message)) return;
    this.#reported.add(message);
    this.#options.emit({ event: 'store.problem', code, message, hint: null });
  }
}

const DOCUMENT_KINDS = [
  'accounts',
  'authorities',
  'challenges',
  'ocsp',
  'orders',
  'routes',
  'tickets',
] as const;
