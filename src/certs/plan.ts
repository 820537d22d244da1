import type { Instant } from '../platform/clock.ts';
import type { CertificateFacts, CertificateId } from './certificate.ts';
import { freeAt, withStart } from './pace.ts';
import { replacementOf, satisfies } from './renewal.ts';
import type { Entry, IssuerState, State } from './state.ts';

/** One thing to do for one certificate. `dueAt`: since when; `reason`: words that follow "because". */
export type Action =
  /** Order a certificate: the first one, or the next one. */
  | IssueAction
  /** Take over what another process stored. */
  | (ActionParts & { readonly kind: 'adopt'; readonly facts: CertificateFacts })
  /** Store what lives in memory only. */
  | (ActionParts & { readonly kind: 'save' })
  /** Ask the CA when to renew. */
  | (ActionParts & { readonly kind: 'update-ari'; readonly facts: CertificateFacts })
  /** Ask for a fresh OCSP answer. */
  | (ActionParts & { readonly kind: 'refresh-staple' });

export type IssueAction = ActionParts & { readonly kind: 'obtain' | 'renew'; readonly issuer: string };

interface ActionParts {
  readonly id: CertificateId;
  readonly dueAt: Instant;
  readonly reason: string;
}

export interface Plan {
  /** What is to be done now, the most urgent first; at most one action for a certificate. */
  readonly actions: readonly Action[];
  /** What is due, but has to wait until its issuer may be asked again. */
  readonly paced: readonly Action[];
  /** When something may be due that is not now; never in the past. `Infinity` = nothing is coming. */
  readonly wakeAt: Instant;
}

/**
 * What is due at `now`, and when to ask again. No clock, no input, no chance: the same state gives the same plan, and
 * the daemon, `certs list`, `--dry-run` and the status page all read this one.
 *
 * A flight that ends is a reason to ask again, so what is in flight is left out.
 */
export function plan(state: State, now: Instant): Plan {
  const due: Action[] = [];
  let wakeAt = Number.POSITIVE_INFINITY;
  for (const entry of state.entries.values()) {
    if (state.inFlight.has(entry.wanted.id)) continue;
    const action = nextActionOf(entry, state, now);
    if (action === null) continue;
    if (action.dueAt <= now) due.push(action);
    else wakeAt = Math.min(wakeAt, action.dueAt);
  }
  due.sort((left, right) => urgency(left, state) - urgency(right, state) || left.dueAt - right.dueAt);
  const { actions, paced, freeAt } = keepPace(due, state.issuers, now);
  return { actions, paced, wakeAt: Math.min(wakeAt, freeAt) };
}

/** The action of an entry that is due, or else the one that will be due first; null = none ever. */
export function nextActionOf(entry: Entry, state: Pick<State, 'issuers'>, now: Instant): Action | null {
  const steps = [
    adoption(entry, now),
    issuance(entry, now),
    saving(entry),
    stapling(entry),
    advice(entry, state.issuers, now),
  ];
  let first: Action | null = null;
  for (const step of steps) {
    if (step === null) continue;
    if (step.dueAt <= now) return step;
    if (first === null || step.dueAt < first.dueAt) first = step;
  }
  return first;
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

function advice({ wanted, held, journal }: Entry, issuers: State['issuers'], now: Instant): Action | null {
  if (held === null) return null;
  const { facts } = held;
  if (facts.ariId === null || issuers.get(facts.issuer)?.advises !== true) return null;
  // RFC 9773 4.3: a client stops asking once the certificate has expired.
  if (now >= facts.notAfter) return null;
  const known = journal.ari?.ariId === facts.ariId ? journal.ari : null;
  return {
    kind: 'update-ari',
    id: wanted.id,
    facts,
    dueAt: known?.nextFetchAt ?? facts.obtainedAt,
    reason: known === null ? 'its CA was not asked yet' : 'the advice of its CA gets old',
  };
}

const RANK = { adopt: 0, obtain: 2, renew: 3, save: 4, 'refresh-staple': 5, 'update-ari': 6 } as const;

/** Smaller goes first: what clients wait for, what is there already, what is missing, what is due, and upkeep. */
function urgency(action: Action, { prioritised }: State): number {
  return action.kind === 'obtain' && prioritised.has(action.id) ? 1 : RANK[action.kind];
}

/** Splits off the orders that their issuer may not be asked for yet; `freeAt`: when the first of them may go. */
function keepPace(
  due: readonly Action[],
  issuers: State['issuers'],
  now: Instant,
): { actions: Action[]; paced: Action[]; freeAt: Instant } {
  const states = new Map<string, IssuerState>(issuers);
  const actions: Action[] = [];
  const paced: Action[] = [];
  let first = Number.POSITIVE_INFINITY;
  for (const action of due) {
    const issuer = action.kind === 'obtain' || action.kind === 'renew' ? action.issuer : null;
    const state = issuer === null ? undefined : states.get(issuer);
    if (issuer === null || state === undefined || state.paces.length === 0) {
      actions.push(action);
      continue;
    }
    const free = freeAt(state, now);
    if (free > now) {
      paced.push(action);
      first = Math.min(first, free);
    } else {
      actions.push(action);
      states.set(issuer, { ...state, starts: withStart(state, now) });
    }
  }
  return { actions, paced, freeAt: first };
}
