import type { Instant } from '../platform/clock.ts';
import type { KnownRenewalInfo, RenewalWindow } from './journal.ts';
import type { RenewalInfo } from './ports.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Pauses after requests that failed in a row; the last one stays (RFC 9773 4.3.3). */
const LADDER: readonly number[] = [10 * MINUTE, HOUR, 6 * HOUR];

/**
 * What is known after the CA answered. The moment inside the window is drawn once and kept for as long as the window
 * stays the same (RFC 9773 4.2); a window that ends before it starts counts as no advice.
 *
 * @param info null = the CA has none for this certificate; it is asked again after a day
 * @param chance where in the window, in [0, 1)
 */
export function afterAnswer(
  ariId: string,
  info: RenewalInfo | null,
  previous: KnownRenewalInfo | null,
  now: Instant,
  chance: number,
): KnownRenewalInfo {
  if (info === null) return { ariId, window: null, nextFetchAt: now + DAY, failures: 0 };
  const nextFetchAt = Math.min(Math.max(info.nextFetchAt, now + MINUTE), now + DAY);
  return { ariId, window: windowOf(ariId, info, previous, chance), nextFetchAt, failures: 0 };
}

/** What is known after a request that failed: the same as before, and when to try again. */
export function afterNoAnswer(
  ariId: string,
  previous: KnownRenewalInfo | null,
  now: Instant,
): KnownRenewalInfo {
  const known = previous?.ariId === ariId ? previous : null;
  const failures = (known?.failures ?? 0) + 1;
  const pause = LADDER[Math.min(failures, LADDER.length) - 1] ?? DAY;
  return { ariId, window: known?.window ?? null, nextFetchAt: now + pause, failures };
}

function windowOf(
  ariId: string,
  { start, end, explanationUrl }: RenewalInfo,
  previous: KnownRenewalInfo | null,
  chance: number,
): RenewalWindow | null {
  if (!(end > start)) return null;
  const known = previous?.ariId === ariId ? previous.window : null;
  const selected =
    known !== null && known.start === start && known.end === end
      ? known.selected
      : Math.floor(start + (end - start) * chance);
  return { start, end, selected, explanationUrl };
}
