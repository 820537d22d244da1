import type { Instant } from '../platform/clock.ts';

let second = Number.NaN;
let text = '';

/** `now` as a `Date` field has it (RFC 9110 6.6.1). The same second is only spelt once. */
export function httpDate(now: Instant): string {
  const current = Math.floor(now / 1000);
  if (current !== second) {
    second = current;
    text = new Date(current * 1000).toUTCString();
  }
  return text;
}
