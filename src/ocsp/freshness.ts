import type { Instant } from '../platform/clock.ts';

/** The moments of a verified OCSP answer that decide how long it is used. */
export interface StapleTimes {
  readonly thisUpdate: Instant;
  /** End of its use: {@link usableUntil}. */
  readonly usableUntil: Instant;
  /** Until when a cache would give the same answer again, or null. */
  readonly cachedUntil: Instant | null;
}

const MINUTE_MS = 60_000;

/** Waits after the first, second … failure in a row, in milliseconds; the last one repeats. */
const BACK_OFF_MS = [1, 5, 15, 60].map((minutes) => minutes * MINUTE_MS);
/** Longest wait that a responder may ask for, in milliseconds. */
const LONGEST_WAIT_MS = 24 * 60 * MINUTE_MS;

/**
 * Until when an answer may be stapled, or null when it may not be at all: only one that is verified and `good` (RFC
 * 6066 8 allows others, but clients take them as a refusal), not beyond its own end, nor that of its signer, nor that
 * of the certificate.
 */
export function usableUntil(
  verdict: {
    readonly verified: boolean;
    readonly status: string | null;
    readonly validUntil: Instant | null;
  },
  certificateNotAfter: Instant,
): Instant | null {
  if (!verdict.verified || verdict.status !== 'good' || verdict.validUntil === null) return null;
  return Math.min(verdict.validUntil, certificateNotAfter);
}

/** Whether a staple may be sent at `now`. No tolerance: the clocks of clients are not ours. */
export function mayStaple({ usableUntil }: { readonly usableUntil: Instant | null }, now: Instant): boolean {
  return usableUntil !== null && now < usableUntil;
}

/**
 * When to fetch the next answer: at half of the life of this one, a little later by chance so that many certificates
 * do not ask at once, and not before a cache would give a new one, as long as a quarter of the life remains. An answer
 * that was already old when it came is used for half of what was left.
 *
 * @param jitter in [0, 1), drawn once and kept with the answer; spreads over a tenth of the time
 */
export function refreshAt(times: StapleTimes, fetchedAt: Instant, jitter: number): Instant {
  const { thisUpdate, usableUntil, cachedUntil } = times;
  const life = Math.max(0, usableUntil - thisUpdate);
  const begin = fetchedAt < thisUpdate + life / 2 ? thisUpdate : fetchedAt;
  const fresh = begin + Math.max(0, usableUntil - begin) * (0.5 + jitter / 10);
  const afterCache = Math.min(cachedUntil ?? 0, thisUpdate + life * 0.75);
  return Math.round(Math.max(fresh, afterCache, fetchedAt + MINUTE_MS));
}

/**
 * When to ask again after `failures` failures in a row (at least 1): 1, 5, 15 minutes, then every hour, up to a fifth
 * longer by chance; or when the responder said, within a minute and a day.
 *
 * @param jitter in [0, 1)
 */
export function retryAt(failures: number, now: Instant, jitter: number, asked: Instant | null): Instant {
  if (asked !== null) return Math.min(Math.max(asked, now + MINUTE_MS), now + LONGEST_WAIT_MS);
  const wait = BACK_OFF_MS[Math.min(failures, BACK_OFF_MS.length) - 1] ?? MINUTE_MS;
  return Math.round(now + wait * (1 + jitter / 5));
}
