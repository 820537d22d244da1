import { X509Certificate } from 'node:crypto';
import type { CertificateFacts } from '../certs/certificate.ts';
import { idFor } from '../certs/run.ts';
import type { CertificateView } from '../certs/view.ts';
import { codeOf, RigilError } from '../errors.ts';
import { covers } from '../x509/names.ts';
import { certificatesOf } from '../x509/pem.ts';
import { ocspView } from './ocsp-view.ts';
import { type Offline, type OfflineOptions, offline } from './offline.ts';

/** `certs show --json`: what `certs list --json` says of it, and more. */
export interface CertificateDetails extends CertificateView {
  /** SHA-256 of the leaf, lower case hex. */
  readonly fingerprint: string | null;
  readonly chain: readonly {
    readonly subject: string;
    readonly issuer: string;
    readonly serial: string;
    readonly notBefore: string;
    readonly notAfter: string;
  }[];
  readonly mustStaple: boolean | null;
  readonly responderUrl: string | null;
  /** What obtained it: `rigil`, or the program it was imported from. */
  readonly source: string | null;
  readonly obtainedAt: string | null;
  /** Issuers that the configuration wants for it, the preferred one first. */
  readonly wantedIssuers: readonly string[];
  /** Directory with `fullchain.pem` and `privkey.pem`. */
  readonly directory: string | null;
  readonly hint: string | null;
  /** Generations that the store keeps, the newest first. */
  readonly history: readonly {
    readonly generation: string;
    readonly inForce: boolean;
    readonly serial: string;
    readonly notBefore: string;
    readonly notAfter: string;
    readonly obtainedAt: string;
    readonly source: string;
  }[];
}

/**
 * One certificate in full, by its id or a name in it. Touches nothing and asks nobody.
 *
 * @throws RigilError `name-unknown`, or that of the store
 */
export function showCertificate(options: OfflineOptions, name: string): Promise<CertificateDetails> {
  return offline(options, { purpose: 'look' }, async (parts) => {
    const { manager, staples, store, now } = parts;
    const { id, facts } = await findCertificate(name, parts);
    const entry = manager.entries.get(id) ?? null;
    const view = manager.views(now()).find((each) => each.id === id);
    if (view === undefined) throw unknown(name);
    const extra = {
      wantedIssuers: entry?.wanted.issuers ?? [],
      hint: entry?.journal.failure?.hint ?? null,
    };
    if (facts === null) return { ...view, ...NOTHING_HELD, ...extra };
    const [certificate, history] = await Promise.all([
      store.load(facts.issuer, facts.id),
      store.history(facts.issuer, facts.id),
    ]);
    return {
      ...view,
      ...extra,
      ocsp: ocspView(staples.answerOf(facts.fingerprint)),
      fingerprint: facts.fingerprint,
      chain: certificatesOf(certificate?.chain ?? '').map(({ der }) => link(new X509Certificate(der))),
      mustStaple: facts.mustStaple,
      responderUrl: facts.responderUrl,
      source: facts.source,
      obtainedAt: iso(facts.obtainedAt),
      directory: store.locate(facts.issuer, facts.id),
      history: history.map(({ generation, inForce, facts: then }) => ({
        generation,
        inForce,
        serial: then.serial,
        notBefore: iso(then.notBefore),
        notAfter: iso(then.notAfter),
        obtainedAt: iso(then.obtainedAt),
        source: then.source,
      })),
    };
  });
}

/**
 * A wanted certificate with what is held of it, else a stored one that nobody wants.
 *
 * @throws RigilError `name-unknown`
 */
export async function findCertificate(
  name: string,
  { manager, store }: Offline,
): Promise<{ id: string; facts: CertificateFacts | null }> {
  try {
    const id = idFor(name, manager.entries);
    return { id, facts: manager.entries.get(id)?.held?.facts ?? null };
  } catch (error) {
    if (codeOf(error) !== 'name-unknown') throw error;
    const asked = name.toLowerCase();
    const { certificates } = await store.list();
    const facts =
      certificates.find(({ id }) => id === asked) ??
      certificates.find(({ names }) => covers(names, asked)) ??
      null;
    if (facts === null) throw unknown(name);
    return { id: facts.id, facts };
  }
}

const NOTHING_HELD = {
  fingerprint: null,
  chain: [],
  mustStaple: null,
  responderUrl: null,
  source: null,
  obtainedAt: null,
  directory: null,
  history: [],
} as const;

function link(certificate: X509Certificate): CertificateDetails['chain'][number] {
  const { subject, issuer, serialNumber, validFromDate, validToDate } = certificate;
  return {
    subject: oneLine(subject),
    issuer: oneLine(issuer),
    serial: serialNumber,
    notBefore: iso(validFromDate.getTime()),
    notAfter: iso(validToDate.getTime()),
  };
}

/** Node writes a line for each part of a distinguished name; escapes are its own, as for control characters. */
function oneLine(name: string | undefined): string {
  return (name ?? '').split('\n').join(', ');
}

function unknown(name: string): RigilError {
  return new RigilError('name-unknown', `no route wants a certificate for ${name}, and the store has none`, {
    hint: '`rigil certs list` shows those that there are',
  });
}

function iso(instant: number): string {
  return new Date(instant).toISOString();
}
