import type { Instant } from '../platform/clock.ts';
import type { Action, IssueAction } from './action.ts';
import { replacementOf, satisfies } from './renewal.ts';
import type { Entry, State } from './state.ts';

type Issuers = State['issuers'];

/** What comes next for an entry. */
export interface Next {
  /** What is due; null = nothing yet. */
  readonly action: Action | null;
  /** When that may be another answer, though nothing has happened; `Infinity` = never. */
  readonly changesAt: Instant;
}

/** What is due for an entry at `now`: of several things the first in a fixed order. */
export function nextFor(entry: Entry, issuers: Issuers, now: Instant): Next {
  const steps = [
    adoption(entry, now),
    issuance(entry, now),
    saving(entry),
    stapling(entry),
    advice(entry, issuers, now),
  ];
  let changesAt = Number.POSITIVE_INFINITY;
  for (const step of steps) {
    if (step === null) continue;
    if (step.dueAt <= now) return { action: step, changesAt: Math.min(changesAt, endOf(step)) };
    changesAt = Math.min(changesAt, step.dueAt);
  }
  return { action: null, changesAt };
}

/** The order for an entry and when it will be made; null when none will be. */
export function issuance(entry: Entry, now: Instant): IssueAction | null {
  if (entry.phase === 'blocked') return null;
  // What the store has just has to be read; it may be slow today, but it is not absent.
  if (entry.offer !== null && satisfies(entry.offer.facts, entry.wanted)) return null;
  const { failure, ari } = entry.journal;
  if (failure !== null && failure.retryAt === null) return null;
  const { wanted, held } = entry;
  const { at, reason } =
    held === null
      ? { at: failure?.at ?? now, reason: 'there is no certificate yet' }
      : replacementOf(held, wanted, ari);
  const issuer =
    failure !== null && wanted.issuers.includes(failure.nextIssuer)
      ? failure.nextIssuer
      : (wanted.issuers[0] ?? '');
  return {
    kind: held === null ? 'obtain' : 'renew',
    id: wanted.id,
    issuer,
    dueAt: Math.max(at, failure?.retryAt ?? 0),
    reason: failure === null ? reason : `${reason}; attempt ${failure.attempts + 1} after ${failure.code}`,
  };
}

function adoption({ wanted, offer }: Entry, now: Instant): Action | null {
  if (offer === null) return null;
  return {
    kind: 'adopt',
    id: wanted.id,
    facts: offer.facts,
    dueAt: offer.trouble?.retryAt ?? now,
    reason: 'another process stored it',
  };
}

function saving({ wanted, held }: Entry): Action | null {
  if (held === null || held.unsaved === null) return null;
  const dueAt = held.unsaved.retryAt;
  return { kind: 'save', id: wanted.id, dueAt, reason: 'the store does not have it yet' };
}

function stapling({ wanted, held }: Entry): Action | null {
  if (held === null || held.stapleAt === null) return null;
  return {
    kind: 'refresh-staple',
    id: wanted.id,
    dueAt: held.stapleAt,
    reason: 'its OCSP answer gets old',
  };
}

function advice({ wanted, held, journal }: Entry, issuers: Issuers, now: Instant): Action | null {
  if (held === null) return null;
  const { facts } = held;
  if (facts.ariId === null || issuers.get(facts.issuer)?.advises !== true) return null;
  const known = journal.ari?.ariId === facts.ariId ? journal.ari : null;
  const dueAt = known?.nextFetchAt ?? facts.obtainedAt;
  // RFC 9773 4.3: a client stops asking once the certificate has expired.
  if (Math.max(dueAt, now) >= facts.notAfter) return null;
  return {
    kind: 'update-ari',
    id: wanted.id,
    facts,
    dueAt,
    reason: known === null ? 'its CA was not asked yet' : 'the advice of its CA gets old',
  };
}

/** When a thing that is due is due no more. */
function endOf(action: Action): Instant {
  return action.kind === 'update-ari' ? action.facts.notAfter : Number.POSITIVE_INFINITY;
}
