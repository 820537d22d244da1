import { type Code, ERRORS } from '../errors.ts';
import type { Instant } from '../platform/clock.ts';
import type { Failure } from './journal.ts';
import type { Trouble } from './state.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Pauses after the first, second, … round of failures; the last one stays. Let's Encrypt's integration guide. */
const LADDER: readonly number[] = [MINUTE, 10 * MINUTE, 100 * MINUTE, DAY];

/** The same for trouble on our side, which costs a CA nothing: a full disk, a database that restarts. */
const LOCAL_LADDER: readonly number[] = [10_000, MINUTE, 10 * MINUTE, HOUR];

/**
 * A CA may ask us back sooner than our own pause, but not sooner than this, in milliseconds: one that always says "in a
 * second" must not be asked every second.
 */
const SHORTEST_BY_CA = 10 * MINUTE;

/** How long a CA is left alone that said "too many" and not until when: Let's Encrypt counts failures by the hour. */
const LIMITED_PAUSE = HOUR;

/** Share of a pause by which it is made longer or shorter by chance, so that many certificates do not move as one. */
const JITTER = 0.2;

/** A pause never takes a greater share than this of what is left of the certificate, but an hour it may take. */
const SHARE_OF_LIFE = 1 / 10;

/** Longest pause when what is held has expired: a CA that is back must not go unnoticed for a day. */
const EXPIRED_PAUSE = 6 * HOUR;

/**
 * How long after a failure a start or a reload may try again, by number of failures: somebody may have mended it.
 * Bounded so that no storm of reloads gets past five failures an hour, Let's Encrypt's limit for a name.
 */
const RELEASE_AFTER: readonly number[] = [0, MINUTE, 20 * MINUTE];

/** An attempt that failed. */
export interface FailedAttempt {
  readonly issuer: string;
  readonly code: Code;
  readonly message: string;
  readonly hint: string | null;
  readonly at: Instant;
  /** When the CA said to come back, if it said. */
  readonly retryAt: Instant | null;
  /** Drawn by whoever made the attempt, in [0, 1). */
  readonly chance: number;
}

/**
 * What is remembered after `attempt`: when to go on, and with whom.
 *
 * An issuer that fails is followed at once by the next one of `issuers`; after the last one comes a pause, then the
 * first one again. What a CA says about when to come back wins over the pauses. An issuer that refuses for good is
 * left out; when all have, `retryAt` is null. Trouble with the store is not the issuer's fault, and its turn stays; so
 * it does when the program ended during the attempt, once: its order can be gone on with.
 *
 * @param expiresAt end of what is held, or null: towards it the pauses get shorter
 */
export function afterFailure(
  previous: Failure | null,
  attempt: FailedAttempt,
  issuers: readonly string[],
  expiresAt: Instant | null,
): Failure {
  const attempts = (previous?.attempts ?? 0) + 1;
  const refused = ERRORS[attempt.code].retry === 'never';
  const local = isLocal(attempt.code);
  const keepsTurn = local || (isInterruption(attempt) && previous?.code !== attempt.code);
  const { [attempt.issuer]: _, ...others } = previous?.resting ?? {};
  const willing = issuers.filter((each) => others[each] !== null && !(refused && each === attempt.issuer));
  const pause = local
    ? rung(LOCAL_LADDER, attempts)
    : shortened(rung(LADDER, Math.ceil(attempts / willing.length)), attempt.at, expiresAt);
  const resumeAt = attempt.at + jittered(pause, attempt.chance);
  const asked = attempt.retryAt ?? (attempt.code === 'rate-limited' ? attempt.at + LIMITED_PAUSE : null);
  const rest = asked === null ? null : Math.max(asked, attempt.at + Math.min(pause, SHORTEST_BY_CA));
  const resting = refused || rest !== null ? { ...others, [attempt.issuer]: refused ? null : rest } : others;

  const position = issuers.indexOf(attempt.issuer);
  const turns = willing.map((issuer): Turn => {
    if (issuer === attempt.issuer) return { issuer, at: rest ?? resumeAt };
    const itsTurn = !keepsTurn && issuers.indexOf(issuer) > position;
    return { issuer, at: Math.max(itsTurn ? attempt.at : resumeAt, resting[issuer] ?? 0) };
  });
  const next = earliest(turns, keepsTurn ? attempt.issuer : null);
  return {
    attempts,
    code: attempt.code,
    message: attempt.message,
    hint: attempt.hint,
    issuer: attempt.issuer,
    at: attempt.at,
    retryAt: next?.at ?? null,
    nextIssuer: next?.issuer ?? attempt.issuer,
    resting,
  };
}

/**
 * The same failure after a start or a reload: the next attempt comes sooner, also where every issuer had refused for
 * good. Only a CA's own word about when to come back still holds.
 *
 * @param soonest earliest moment for it; default by the number of failures, such that no storm of reloads can burn a
 *   CA's limits
 */
export function released(
  failure: Failure,
  issuers: readonly string[],
  now: Instant,
  soonest: Instant = failure.at + rung(RELEASE_AFTER, failure.attempts),
): Failure {
  const resting = Object.fromEntries(
    Object.entries(failure.resting).filter(([, until]) => until !== null && until > now),
  );
  const turns = issuers.map((issuer): Turn => ({ issuer, at: Math.max(soonest, resting[issuer] ?? 0) }));
  if (failure.retryAt !== null && issuers.includes(failure.nextIssuer)) {
    turns.push({ issuer: failure.nextIssuer, at: failure.retryAt });
  }
  const next = earliest(turns, isInterruption(failure) ? failure.nextIssuer : null);
  return {
    ...failure,
    resting,
    retryAt: next?.at ?? failure.retryAt,
    nextIssuer: next?.issuer ?? failure.nextIssuer,
  };
}

/** The next attempt at something that only this machine is concerned with. */
export function afterTrouble(previous: Trouble | null, at: Instant, chance: number): Trouble {
  const attempts = (previous?.attempts ?? 0) + 1;
  return { attempts, retryAt: at + jittered(rung(LOCAL_LADDER, attempts), chance) };
}

/** Whether a code speaks of this machine's store and not of the issuer. */
export function isLocal(code: string): boolean {
  return code.startsWith('store-') || code === 'lock-lost';
}

/** Whether a code says that the program ended during an attempt. */
export function isInterruption({ code }: { readonly code: string }): boolean {
  return code === 'issuance-interrupted';
}

interface Turn {
  readonly issuer: string;
  readonly at: Instant;
}

/** The turn that comes first; of equal ones that of `preferred`, else the first in the list. */
function earliest(turns: readonly Turn[], preferred: string | null = null): Turn | null {
  let first: Turn | null = null;
  for (const turn of turns) {
    const sooner = first === null || turn.at < first.at;
    if (sooner || (turn.at === first?.at && turn.issuer === preferred)) first = turn;
  }
  return first;
}

function rung(ladder: readonly number[], count: number): number {
  return ladder[Math.min(count, ladder.length) - 1] ?? DAY;
}

function shortened(pause: number, at: Instant, expiresAt: Instant | null): number {
  if (expiresAt === null) return pause;
  const left = expiresAt - at;
  return Math.min(pause, left > 0 ? Math.max(HOUR, left * SHARE_OF_LIFE) : EXPIRED_PAUSE);
}

function jittered(pause: number, chance: number): number {
  return Math.round(pause * (1 + JITTER * (2 * chance - 1)));
}
