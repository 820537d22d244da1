import type { Instant } from './clock.ts';

/** Longest wait that anybody is believed: Let's Encrypt's longest limit is a week. A larger wish would stop renewals. */
const LONGEST_MS = 7 * 24 * 3_600_000;

/**
 * The moment that a `Retry-After` header names (RFC 9110 10.2.3): seconds from `now`, or a date.
 * Null when the header is absent or says nothing usable. Never before `now`, never later than seven days after it.
 */
export function retryAfter(header: string | null | undefined, now: Instant): Instant | null {
  const text = header?.trim() ?? '';
  const at = /^\d{1,12}$/.test(text)
    ? now + Number(text) * 1000
    : / GMT$/.test(text)
      ? Date.parse(text)
      : Number.NaN;
  return Number.isNaN(at) ? null : Math.min(Math.max(at, now), now + LONGEST_MS);
}
