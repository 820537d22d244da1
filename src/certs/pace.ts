import type { Instant } from '../platform/clock.ts';
import type { IssuerState } from './state.ts';

/**
 * From when on an issuer may be asked for one more certificate: `now`, or the moment when the oldest start that still
 * counts leaves the time that a pace looks at.
 */
export function freeAt({ paces, starts }: IssuerState, now: Instant): Instant {
  let free = now;
  for (const { issuances, perMs } of paces) {
    const first = starts.at(-issuances);
    if (issuances > 0 && first !== undefined) free = Math.max(free, first + perMs);
  }
  return free;
}

/** The issuers after an issuance was started at `name`, which counts for all that share its account. */
export function noteStart(
  issuers: ReadonlyMap<string, IssuerState>,
  name: string,
  now: Instant,
): ReadonlyMap<string, IssuerState> {
  const account = issuers.get(name)?.account;
  if (account === undefined) return issuers;
  const noted = new Map(issuers);
  for (const [each, state] of issuers) {
    if (state.account === account) noted.set(each, { ...state, starts: withStart(state, now) });
  }
  return noted;
}

/** The starts that still count at `now` for some pace, with one more. */
function withStart({ paces, starts }: IssuerState, now: Instant): readonly Instant[] {
  if (paces.length === 0) return [];
  const horizon = now - Math.max(...paces.map(({ perMs }) => perMs));
  return [...starts.filter((start) => start > horizon), now];
}
