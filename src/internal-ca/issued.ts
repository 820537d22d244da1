import { inParallel } from '../certs/in-parallel.ts';
import type { DocumentPath, DocumentStore } from '../certs/ports.ts';
import { RigilError } from '../errors.ts';
import type { Instant } from '../platform/clock.ts';
import type { IssuedStatus } from './ocsp-response.ts';

/** What is remembered of a certificate that may be asked about. */
export interface IssuedRecord {
  readonly names: readonly string[];
  readonly notAfter: Instant;
  /** `reason`: CRLReason of RFC 5280 5.3.1. */
  readonly revoked: { readonly at: Instant; readonly reason: number } | null;
}

const DAY_MS = 86_400_000;
/** How many records are looked at at a time. */
const READERS = 4;

/** The certificates that a local CA has issued, one document each, by serial number (upper case hex). */
export class IssuedCertificates {
  readonly #documents: DocumentStore;
  readonly #authority: string;

  constructor(documents: DocumentStore, authority: string) {
    this.#documents = documents;
    this.#authority = authority;
  }

  /** @throws RigilError `store-unreadable`, `store-damaged` */
  async find(serial: string): Promise<IssuedRecord | null> {
    const path = this.#path(serial);
    const document = await this.#documents.readDocument(path);
    if (document === null) return null;
    const record = decode(document);
    if (record !== null) return record;
    throw new RigilError('store-damaged', `${this.#documents.locateDocument(path)} is damaged`, {
      hint: 'restore it from a backup; without it nobody knows whether the certificate is revoked',
    });
  }

  /** @throws RigilError `store-unwritable` */
  async write(serial: string, { names, notAfter, revoked }: IssuedRecord): Promise<void> {
    const document = {
      names,
      notAfter: iso(notAfter),
      revoked: revoked === null ? null : { at: iso(revoked.at), reason: revoked.reason },
    };
    await this.#documents.writeDocument(this.#path(serial), `${JSON.stringify(document, null, 2)}\n`);
  }

  /** @throws RigilError as {@link find} */
  async statusOf(serial: string): Promise<IssuedStatus> {
    const record = await this.find(serial);
    if (record === null) return { kind: 'unknown' };
    return record.revoked === null ? { kind: 'good' } : { kind: 'revoked', ...record.revoked };
  }

  /**
   * Removes the records of certificates that expired more than a day before `now`.
   *
   * @throws RigilError that of the store
   */
  async forgetExpired(now: Instant): Promise<void> {
    const names = await this.#documents.listDocuments(['authorities', this.#authority, 'issued']);
    await inParallel(names, READERS, async (name) => {
      const path: DocumentPath = ['authorities', this.#authority, 'issued', name];
      const record = decode((await this.#documents.readDocument(path)) ?? Buffer.alloc(0));
      if (record !== null && record.notAfter < now - DAY_MS) await this.#documents.removeDocument(path);
    });
  }

  #path(serial: string): DocumentPath {
    return ['authorities', this.#authority, 'issued', `${serial}.json`];
  }
}

function decode(document: Uint8Array): IssuedRecord | null {
  const { names, notAfter, revoked } = fieldsOf(parse(document));
  const end = instant(notAfter);
  if (!Array.isArray(names) || end === null) return null;
  const record = { names: names.map(String), notAfter: end };
  if (revoked === null) return { ...record, revoked: null };
  const { at, reason } = fieldsOf(revoked);
  const since = instant(at);
  return since === null || typeof reason !== 'number' ? null : { ...record, revoked: { at: since, reason } };
}

function parse(document: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(document).toString('utf8'));
  } catch {
    return null;
  }
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function instant(value: unknown): Instant | null {
  const at = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? null : at;
}

function iso(at: Instant): string {
  return new Date(at).toISOString();
}
