import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NoncePool } from '../../src/acme/nonce-pool.ts';
import { RateLimiter } from '../../src/acme/rate-limiter.ts';
import { challengeToken, httpsUrl, instant, plainText } from '../../src/acme/untrusted.ts';
import { retryAfter } from '../../src/platform/retry-after.ts';
import { SleepingClock } from './fake-clock.ts';

const NOW = Date.UTC(2026, 0, 1);
const DAY_MS = 86_400_000;

describe('Retry-After', () => {
  it.each([
    ['120', 120_000],
    [' 0 ', 0],
    ['Thu, 01 Jan 2026 00:02:00 GMT', 120_000],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
    ['99999999', 7 * DAY_MS],
    ['Fri, 01 Jan 2100 00:00:00 GMT', 7 * DAY_MS],
  ])('%s is %i ms from now', (header, ms) => {
    expect(retryAfter(header, NOW)).toBe(NOW + ms);
  });

  it.each([
    undefined,
    '',
    '-1',
    '1.5',
    'soon',
    '2026-01-02',
    'Thu, 99 Foo 2026 00:00:00 GMT',
    '9'.repeat(400),
  ])('%s says nothing', (header) => {
    expect(retryAfter(header, NOW)).toBeNull();
  });
});

describe('nonces', () => {
  it('are used once each, the newest first', () => {
    const pool = new NoncePool();
    pool.put('one', NOW);
    pool.put('two', NOW);
    expect([pool.take(NOW), pool.take(NOW), pool.take(NOW)]).toEqual(['two', 'one', null]);
  });

  it('are dropped when they are old, too many, or none', () => {
    const pool = new NoncePool();
    for (let count = 0; count < 80; count++) pool.put(`n${count}`, NOW);
    for (const none of [undefined, '', 'a b', 'a\r\nb', 'x'.repeat(600)]) pool.put(none, NOW);
    expect(pool.take(NOW)).toBe('n79');
    let left = 0;
    while (pool.take(NOW) !== null) left++;
    expect(left).toBe(49);
    pool.put('old', NOW);
    expect(pool.take(NOW + 5 * 60_000 + 1)).toBeNull();
  });
});

describe('the pace', () => {
  it('lets a burst pass and then one every interval, in order', async () => {
    const clock = new SleepingClock(NOW);
    const pace = new RateLimiter({ intervalMs: 100, burst: 3, clock });
    for (let turn = 0; turn < 5; turn++) await pace.turn(new AbortController().signal);
    expect(clock.sleeps).toEqual([100, 100]);
    clock.pass(10_000);
    for (let turn = 0; turn < 4; turn++) await pace.turn(new AbortController().signal);
    expect(clock.sleeps, 'rest gives one burst, not more').toEqual([100, 100, 100]);
  });

  it('ends a wait with the signal', async () => {
    const pace = new RateLimiter({ intervalMs: 100, clock: new SleepingClock(NOW) });
    await expect(pace.turn(AbortSignal.abort('stop'))).rejects.toBe('stop');
  });
});

describe('what a CA sends', () => {
  it('becomes one bounded line without control characters', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 2_000 }),
        fc.integer({ min: 1, max: 300 }),
        (text, longest) => {
          const line = plainText(text, longest);
          expect([...line].length).toBeLessThanOrEqual(longest);
          expect(line).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
        },
      ),
    );
    expect(plainText('Zürich  löst\n das 🎉')).toBe('Zürich löst das 🎉');
    expect(plainText(7)).toBe('');
  });

  it.each([
    ['https://ca.test/a?b#c', 'https://ca.test/a?b#c'],
    ['HTTPS://CA.test', 'https://ca.test/'],
    ['http://ca.test/', null],
    ['https://user@ca.test/', null],
    ['//ca.test/', null],
    [`https://ca.test/${'x'.repeat(2_048)}`, null],
    [null, null],
  ])('%s is the address %s', (value, expected) => {
    expect(httpsUrl(value)).toBe(expected);
  });

  it('is a token only if it is base64url', () => {
    expect(challengeToken('evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA')).toBe(
      'evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA',
    );
    for (const bad of ['short', '../../../../../etc/x', 'a'.repeat(300), `${'a'.repeat(20)}\n`, 5, null]) {
      expect(challengeToken(bad)).toBeNull();
    }
  });

  it('is a moment only if it is RFC 3339', () => {
    expect(instant('2026-01-01T01:00:00+01:00')).toBe(NOW);
    for (const bad of ['2026', 'Thu, 01 Jan 2026', '2026-13-01T00:00:00Z', 5, null])
      expect(instant(bad)).toBeNull();
  });
});
