import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mayStaple, refreshAt, retryAt, usableUntil } from '../../src/ocsp/freshness.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const T = Date.UTC(2026, 10, 24);

describe('usableUntil', () => {
  const good = { verified: true, status: 'good', validUntil: T + 7 * DAY };

  it.each([
    ['a good answer', good, T + 90 * DAY, T + 7 * DAY],
    ['a certificate that ends first', good, T + 2 * DAY, T + 2 * DAY],
    ['a revoked certificate', { ...good, status: 'revoked' }, T + 90 * DAY, null],
    ['an unknown certificate', { ...good, status: 'unknown' }, T + 90 * DAY, null],
    ['an answer that is not verified', { ...good, verified: false, validUntil: null }, T + 90 * DAY, null],
  ])('of %s', (_, verdict, notAfter, until) => expect(usableUntil(verdict, notAfter)).toBe(until));
});

describe('mayStaple', () => {
  it('allows an answer up to its end, without tolerance', () => {
    expect(mayStaple({ usableUntil: T }, T - 1)).toBe(true);
    expect(mayStaple({ usableUntil: T }, T)).toBe(false);
    expect(mayStaple({ usableUntil: null }, T)).toBe(false);
  });
});

describe('refreshAt', () => {
  const week = { thisUpdate: T, usableUntil: T + 8 * DAY, cachedUntil: null };

  it.each([
    ['at half of the life', week, T, 0, T + 4 * DAY],
    ['by chance a tenth later', week, T, 0.5, T + 4.4 * DAY],
    ['when a cache has something new', { ...week, cachedUntil: T + 5 * DAY }, T, 0, T + 5 * DAY],
    [
      'while a quarter is left, whatever caches do',
      { ...week, cachedUntil: T + 30 * DAY },
      T,
      0,
      T + 6 * DAY,
    ],
    ['at half of what is left of an old answer', week, T + 6 * DAY, 0, T + 7 * DAY],
    ['a minute later at the soonest', week, T + 8 * DAY, 0, T + 8 * DAY + MINUTE],
  ])('is %s', (_, times, fetchedAt, jitter, at) => expect(refreshAt(times, fetchedAt, jitter)).toBe(at));

  it('is before the end and after the fetch for every answer that lives longer than some minutes', () => {
    const moments = fc.record({
      life: fc.integer({ min: 10 * MINUTE, max: 10 * DAY }),
      age: fc.double({ min: 0, max: 0.7, noNaN: true }),
      cache: fc.option(fc.integer({ min: 0, max: 30 * DAY })),
      jitter: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    });
    fc.assert(
      fc.property(moments, ({ life, age, cache, jitter }) => {
        const fetchedAt = Math.round(T + life * age);
        const times = {
          thisUpdate: T,
          usableUntil: T + life,
          cachedUntil: cache === null ? null : T + cache,
        };
        const at = refreshAt(times, fetchedAt, jitter);
        return fetchedAt < at && at < T + life;
      }),
    );
  });
});

describe('retryAt', () => {
  it.each([
    [1, MINUTE],
    [2, 5 * MINUTE],
    [3, 15 * MINUTE],
    [4, HOUR],
    [400, HOUR],
  ])('waits longer after failure %d', (failures, wait) => {
    expect(retryAt(failures, T, 0, null)).toBe(T + wait);
    expect(retryAt(failures, T, 0.999, null)).toBeLessThan(T + wait * 1.2);
  });

  it('believes the responder, within a minute and a day', () => {
    expect(retryAt(1, T, 0.5, T + 3 * HOUR)).toBe(T + 3 * HOUR);
    expect(retryAt(9, T, 0.5, T - DAY)).toBe(T + MINUTE);
    expect(retryAt(9, T, 0.5, T + 400 * DAY)).toBe(T + DAY);
  });
});
