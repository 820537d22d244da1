import type { Instant } from '../platform/clock.ts';

const UNITS = [
  { name: 'd', ms: 86_400_000 },
  { name: 'h', ms: 3_600_000 },
  { name: 'min', ms: 60_000 },
  { name: 's', ms: 1_000 },
] as const;

/** How long ago a time (ISO 8601) was: `3 h 12 min`. */
export function since(time: string, now: Instant): string {
  return span(now - Date.parse(time));
}

/** How far away a time (ISO 8601) is: `in 12 d 3 h`, `5 min ago`, `now`. */
export function until(time: string, now: Instant): string {
  const ms = Date.parse(time) - now;
  if (Math.abs(ms) < 1_000) return 'now';
  return ms > 0 ? `in ${span(ms)}` : `${span(-ms)} ago`;
}

/** How much time is left until a time (ISO 8601): `12 d 3 h`, `over since 5 min`. */
export function left(time: string, now: Instant): string {
  const ms = Date.parse(time) - now;
  return ms > 0 ? span(ms) : `over since ${span(-ms)}`;
}

/** The two largest units that are not zero. */
function span(ms: number): string {
  const first = UNITS.findIndex((unit) => ms >= unit.ms);
  if (first < 0) return '0 s';
  let rest = ms;
  return UNITS.slice(first, first + 2)
    .map(({ name, ms: size }) => {
      const count = Math.floor(rest / size);
      rest -= count * size;
      return count === 0 ? '' : `${count} ${name}`;
    })
    .filter((part) => part !== '')
    .join(' ');
}
