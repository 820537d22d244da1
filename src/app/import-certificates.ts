import { accountDocuments } from '../acme/account-documents.ts';
import type { Certificate } from '../certs/certificate.ts';
import { toCertificate } from '../certs/facts.ts';
import { emptyJournal } from '../certs/journal.ts';
import { withLock } from '../certs/store-access.ts';
import { codeOf, messageOf, RigilError } from '../errors.ts';
import type { Emit } from '../events/bus.ts';
import { systemClock } from '../platform/clock.ts';
import { readCentauriRedis } from '../store/import/centauri-redis.ts';
import { type Ordered, orderChain } from '../store/import/chain.ts';
import type { FoundAccount, FoundCertificate, SourceKind } from '../store/import/found.ts';
import { readImportSource } from '../store/import/read-source.ts';
import { RedisConnection } from '../store/redis/connection.ts';
import { readLeaf } from '../x509/leaf.ts';
import { readPrivateKey } from '../x509/private-key.ts';
import { matchWanted, WantedByNames } from './import-match.ts';
import { type Offline, type OfflineOptions, offline } from './offline.ts';
import { serverOf } from './store.ts';
import { storeArgument } from './store-argument.ts';
import { wantedOf } from './wanted.ts';

export { SOURCE_KINDS, type SourceKind } from '../store/import/found.ts';

const LOCK_TIMEOUT_MS = 60_000;

export interface ImportOptions {
  /** File or folder. */
  readonly source: string;
  /** Null = guessed. */
  readonly from: SourceKind | null;
  /** Nothing is stored. */
  readonly dryRun: boolean;
}

/** `certs import --json`. */
export interface ImportReport {
  readonly from: SourceKind;
  readonly imported: readonly {
    readonly id: string;
    readonly names: readonly string[];
    readonly issuer: string;
    readonly notAfter: string;
    readonly place: string;
  }[];
  /** Sound, but not needed. */
  readonly skipped: readonly {
    readonly place: string;
    readonly names: readonly string[];
    readonly reason: string;
  }[];
  /** Cannot be used by anybody. */
  readonly failed: readonly { readonly place: string; readonly code: string; readonly message: string }[];
  readonly accounts: readonly { readonly issuer: string; readonly url: string; readonly place: string }[];
}

/**
 * Takes over what another program has, so that the daemon serves it and renews it when it is due. The source is only
 * read; a stored certificate that is as good or newer stays.
 *
 * @throws RigilError `target-unreadable`, or that of the store
 */
export function importCertificates(
  options: OfflineOptions,
  { source, from, dryRun }: ImportOptions,
): Promise<ImportReport> {
  return offline(options, { purpose: 'look' }, async (parts) => {
    const { kind, found } = await readSource(source, from, parts.emit);
    if (found.certificates.length + found.accounts.length + found.unusable.length === 0) {
      throw new RigilError('target-unreadable', `${source} holds no certificate (read as ${kind})`, {
        hint: 'say what it is with --from centauri, centauri-redis, certbot, acme.sh, traefik or pem',
      });
    }
    const take = new Takeover(kind, dryRun, parts);
    const failed = found.unusable.map(({ place, problem }) =>
      failure(place, 'certificate-unusable', problem),
    );
    const readable = found.certificates.flatMap((each) => {
      try {
        return [{ ...each, ordered: orderChain(each.chain, each.key) }];
      } catch (error) {
        failed.push(failure(each.place, codeOf(error), messageOf(error)));
        return [];
      }
    });
    // The newest first: of several for the same names the others are then older than what is there.
    const inOrder = readable.toSorted((left, right) => endOf(right.ordered) - endOf(left.ordered));
    for (const each of inOrder) await take.certificate(each, each.ordered);
    for (const account of found.accounts) await take.account(account);
    return { from: kind, ...take.report, failed };
  });
}

/** A URL of Redis is Centauri's; everything else is a file or a folder. */
async function readSource(source: string, from: SourceKind | null, emit: Emit) {
  const isUrl = /^\s*(redis\s|rediss?(\+\w+)?:\/\/)/i.test(source);
  if (from !== 'centauri-redis' && (from !== null || !isUrl)) return readImportSource(source, from);
  const store = await storeArgument(source, ['prefix=centauri']);
  if (store.kind === 'file') {
    throw new RigilError('usage', `${source} is not the URL of a Redis`, {
      hint: "write it like 'redis://localhost:6379/0 prefix=centauri'",
    });
  }
  const connection = new RedisConnection({ server: serverOf(store), clock: systemClock, emit });
  try {
    const found = await readCentauriRedis(connection, store.prefix, systemClock);
    return { kind: 'centauri-redis' as const, found };
  } finally {
    await connection.close();
  }
}

function failure(place: string, code: string, message: string): ImportReport['failed'][number] {
  return { place, code, message };
}

function endOf({ leaf }: Ordered): number {
  return leaf.validToDate.getTime();
}

/** Takes one find after the other into the store, and keeps the books. */
class Takeover {
  readonly #kind: SourceKind;
  readonly #dryRun: boolean;
  readonly #parts: Offline;
  readonly #wanted: WantedByNames;
  readonly #taken = new Set<string>();
  readonly #imported: ImportReport['imported'][number][] = [];
  readonly #skipped: ImportReport['skipped'][number][] = [];
  readonly #accounts: ImportReport['accounts'][number][] = [];

  constructor(kind: SourceKind, dryRun: boolean, parts: Offline) {
    this.#kind = kind;
    this.#dryRun = dryRun;
    this.#parts = parts;
    this.#wanted = new WantedByNames(wantedOf(parts.config).wanted);
  }

  get report(): Pick<ImportReport, 'imported' | 'skipped' | 'accounts'> {
    return { imported: this.#imported, skipped: this.#skipped, accounts: this.#accounts };
  }

  async certificate({ place, origin }: FoundCertificate, ordered: Ordered): Promise<void> {
    const { config, now } = this.#parts;
    const { names, notBefore, notAfter } = readLeaf(ordered.chain);
    const skip = (reason: string) => void this.#skipped.push({ place, names, reason });
    if (notAfter <= now()) return skip(`it has expired on ${iso(notAfter).slice(0, 10)}`);
    const match = matchWanted(names, ordered, origin, this.#wanted, config.issuers);
    if (match.kind === 'none') return skip(match.reason);
    const { id } = match.wanted;
    if (this.#taken.has(id)) return skip('a newer one was taken');
    const certificate = toCertificate(ordered.chain, ordered.key, {
      id,
      issuer: match.issuer,
      obtainedAt: notBefore,
      source: this.#kind,
    });
    const reason = this.#dryRun ? await this.#needless(certificate) : await this.#store(certificate);
    if (reason !== null) return skip(reason);
    this.#taken.add(id);
    this.#imported.push({ id, names, issuer: match.issuer, notAfter: iso(notAfter), place });
  }

  async account({ place, email, key, url }: FoundAccount): Promise<void> {
    const { config, store, now } = this.#parts;
    const skip = (reason: string) =>
      void this.#skipped.push({ place: `${place} (account)`, names: [], reason });
    const issuer = config.issuers.find(({ directory }) => directory !== null && sameOrigin(directory, url));
    if (issuer === undefined || issuer.directory === null)
      return skip(`no issuer of the configuration has ${url}`);
    const accounts = accountDocuments(store.documents, store);
    if ((await accounts.list(issuer.directory)).length > 0)
      return skip(`${issuer.name} has an account already`);
    const account = {
      directory: issuer.directory,
      issuer: issuer.name,
      email,
      eabKeyId: issuer.eab?.keyId ?? null,
      key: readPrivateKey(key).export({ type: 'pkcs8', format: 'pem' }).toString(),
      nextKey: null,
      url,
      createdAt: now(),
    };
    if (!this.#dryRun) await accounts.save(account);
    this.#accounts.push({ issuer: issuer.name, url, place });
  }

  /** Stores it and returns null, or says why the store does not need it. */
  #store(certificate: Certificate): Promise<string | null> {
    const { store, signal } = this.#parts;
    const { id } = certificate.facts;
    return withLock({ store, clock: systemClock }, id, LOCK_TIMEOUT_MS, signal, async (lock) => {
      const needless = await this.#needless(certificate);
      if (needless !== null) return needless;
      await store.save(certificate, lock);
      await store.writeJournal(id, emptyJournal);
      return null;
    });
  }

  async #needless({ facts }: Certificate): Promise<string | null> {
    const { store, manager } = this.#parts;
    const issuers = manager.entries.get(facts.id)?.wanted.issuers ?? [];
    for (const stored of await store.find(facts.id)) {
      if (stored.fingerprint === facts.fingerprint) return 'the store has it already';
      if (!issuers.includes(stored.issuer) || stored.notAfter < facts.notAfter) continue;
      return `the store has one until ${iso(stored.notAfter).slice(0, 10)}`;
    }
    return null;
  }
}

function sameOrigin(left: string, right: string): boolean {
  return URL.canParse(left) && URL.canParse(right) && new URL(left).origin === new URL(right).origin;
}

function iso(instant: number): string {
  return new Date(instant).toISOString();
}
