import type { Instant } from '../platform/clock.ts';
import type { CertificateFacts } from './certificate.ts';
import type { JournalEntry } from './journal.ts';
import { issuance } from './next-action.ts';
import { replacementOf, warnFrom } from './renewal.ts';
import type { Entry, State } from './state.ts';

/** One certificate as `certs list --json`, `status --json` and the admin endpoint print it. Times are ISO 8601 UTC. */
export interface CertificateView {
  readonly id: string;
  readonly names: readonly string[];
  /** The issuer of what is held, else the first one that will be asked. */
  readonly issuer: string;
  readonly status: 'valid' | 'expiring' | 'expired' | 'missing' | 'blocked';
  readonly notBefore: string | null;
  readonly notAfter: string | null;
  readonly serial: string | null;
  readonly keyType: string | null;
  readonly renewAt: string | null;
  readonly renewReason: string | null;
  readonly ari: {
    readonly start: string;
    readonly end: string;
    readonly selected: string;
    readonly explanationUrl: string | null;
  } | null;
  readonly ocsp: {
    readonly status: string;
    readonly thisUpdate: string;
    readonly nextUpdate: string | null;
  } | null;
  readonly lastError: {
    readonly code: string;
    readonly message: string;
    readonly at: string;
    readonly attempts: number;
    readonly retryAt: string | null;
  } | null;
}

/**
 * Every certificate that is wanted, in the order of the configuration, then what the store holds besides.
 *
 * @param others certificates of the store; those with the id of a wanted one are left out
 */
export function viewOf(
  state: Pick<State, 'entries'>,
  others: Iterable<CertificateFacts>,
  now: Instant,
): CertificateView[] {
  const unwanted = [...others].filter(({ id }) => !state.entries.has(id));
  return [
    ...[...state.entries.values()].map((entry) => viewOfEntry(entry, now)),
    ...unwanted.map((facts) => viewOfUnwanted(facts, now)),
  ];
}

function viewOfEntry(entry: Entry, now: Instant): CertificateView {
  const { wanted, held, journal } = entry;
  const next = issuance(entry, now);
  return {
    id: wanted.id,
    names: wanted.names,
    issuer: held?.facts.issuer ?? next?.issuer ?? wanted.issuers[0] ?? '',
    status: statusOf(entry, now),
    ...factFields(held?.facts ?? null),
    renewAt: next === null ? null : iso(next.dueAt),
    renewReason: next?.reason ?? null,
    ...journalFields(journal, held?.facts ?? null),
  };
}

function viewOfUnwanted(facts: CertificateFacts, now: Instant): CertificateView {
  return {
    id: facts.id,
    names: facts.names,
    issuer: facts.issuer,
    status: lifeOf(facts, now),
    ...factFields(facts),
    renewAt: null,
    renewReason: 'no route wants it',
    ari: null,
    ocsp: null,
    lastError: null,
  };
}

/** A block is the state of what is missing; what is held has the state of its dates, and its error beside them. */
function statusOf(entry: Entry, now: Instant): CertificateView['status'] {
  const { held, phase, wanted, journal } = entry;
  if (held === null) return phase === 'blocked' ? 'blocked' : 'missing';
  const life = lifeOf(held.facts, now);
  if (life !== 'valid') return life;
  return replacementOf(held, wanted, journal.ari).at <= now ? 'expiring' : 'valid';
}

function lifeOf(facts: CertificateFacts, now: Instant): 'valid' | 'expiring' | 'expired' {
  if (facts.notAfter <= now) return 'expired';
  return warnFrom(facts) <= now ? 'expiring' : 'valid';
}

function factFields(
  facts: CertificateFacts | null,
): Pick<CertificateView, 'notBefore' | 'notAfter' | 'serial' | 'keyType'> {
  return {
    notBefore: facts === null ? null : iso(facts.notBefore),
    notAfter: facts === null ? null : iso(facts.notAfter),
    serial: facts?.serial ?? null,
    keyType: facts?.keyType ?? null,
  };
}

function journalFields(
  { failure, ari }: JournalEntry,
  facts: CertificateFacts | null,
): Pick<CertificateView, 'ari' | 'ocsp' | 'lastError'> {
  const window = ari !== null && ari.ariId === facts?.ariId ? ari.window : null;
  return {
    ari:
      window === null
        ? null
        : {
            start: iso(window.start),
            end: iso(window.end),
            selected: iso(window.selected),
            explanationUrl: window.explanationUrl,
          },
    ocsp: null,
    lastError:
      failure === null
        ? null
        : {
            code: failure.code,
            message: failure.message,
            at: iso(failure.at),
            attempts: failure.attempts,
            retryAt: failure.retryAt === null ? null : iso(failure.retryAt),
          },
  };
}

function iso(instant: Instant): string {
  return new Date(instant).toISOString();
}
