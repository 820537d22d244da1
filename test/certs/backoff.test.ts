import { describe, expect, it } from 'vitest';
import { afterFailure, afterTrouble, type FailedAttempt, released } from '../../src/certs/backoff.ts';
import type { Failure } from '../../src/certs/journal.ts';
import { DAY, HOUR, MINUTE, START } from './make.ts';

function attempt(parts: Partial<FailedAttempt> = {}): FailedAttempt {
  return {
    issuer: 'first',
    code: 'challenge-failed',
    message: 'no',
    hint: null,
    at: START,
    retryAt: null,
    // The middle of the jitter: none.
    chance: 0.5,
    ...parts,
  };
}

/** Lets attempts fail one after the other, each when and with whom it is due, and says when and with whom. */
function failures(
  count: number,
  issuers: readonly string[],
  make: (issuer: string) => Partial<FailedAttempt> = () => ({}),
): { at: number; issuer: string }[] {
  let last: Failure | null = null;
  const made: { at: number; issuer: string }[] = [];
  for (let index = 0; index < count; index += 1) {
    const { at, issuer } = { at: last?.retryAt ?? START, issuer: last?.nextIssuer ?? issuers[0] ?? '' };
    if (last !== null && last.retryAt === null) break;
    made.push({ at: at - START, issuer });
    last = afterFailure(last, attempt({ at, issuer, ...make(issuer) }), issuers, null);
  }
  return made;
}

describe('afterFailure', () => {
  it('waits 1, 10, 100 minutes, then a day each', () => {
    expect(failures(6, ['first']).map(({ at }) => at)).toEqual([
      0,
      1 * MINUTE,
      11 * MINUTE,
      111 * MINUTE,
      111 * MINUTE + DAY,
      111 * MINUTE + 2 * DAY,
    ]);
  });

  it('makes a pause longer or shorter by chance, a fifth at most', () => {
    const retryAt = (chance: number): number =>
      (afterFailure(null, attempt({ chance }), ['first'], null).retryAt ?? 0) - START;
    expect(retryAt(0)).toBe(0.8 * MINUTE);
    expect(retryAt(0.5)).toBe(MINUTE);
    expect(retryAt(0.999_999)).toBeCloseTo(1.2 * MINUTE, -2);
  });

  it('leaves a CA alone for an hour that said "too many" and not until when', () => {
    const limited = { code: 'rate-limited' as const };
    expect(failures(3, ['first'], () => limited).map(({ at }) => at)).toEqual([0, HOUR, 2 * HOUR]);
  });

  it.each([
    ['by a CAA record', 'caa-forbids'],
    ['as an identifier', 'identifier-refused'],
    ['for want of a good account binding', 'account-binding-invalid'],
  ] as const)('leaves out for good an issuer that refuses %s, and waits when all have', (_, code) => {
    const first = afterFailure(null, attempt({ code }), ['first', 'second'], null);
    expect(first).toMatchObject({ retryAt: START, nextIssuer: 'second', resting: { first: null } });
    expect(afterFailure(first, attempt({ code, issuer: 'second' }), ['first', 'second'], null)).toMatchObject(
      {
        retryAt: null,
      },
    );
  });

  it.each([
    ['later than the pause', 0, 7 * DAY, 7 * DAY],
    ['sooner than the pause', 9, 2 * HOUR, 2 * HOUR],
    ['sooner than anybody should ask', 0, 1_000, MINUTE],
    ['sooner than anybody should go on asking', 9, -DAY, 10 * MINUTE],
  ])('comes back when the CA said: %s', (_, failed, said, expected) => {
    const previous = { ...afterFailure(null, attempt(), ['first'], null), attempts: failed };
    const failure = afterFailure(previous, attempt({ retryAt: START + said }), ['first'], null);
    expect(failure.retryAt).toBe(START + expected);
  });

  it('tries the next issuer at once, and pauses after the last one', () => {
    expect(failures(5, ['first', 'second'])).toEqual([
      { at: 0, issuer: 'first' },
      { at: 0, issuer: 'second' },
      { at: 1 * MINUTE, issuer: 'first' },
      { at: 1 * MINUTE, issuer: 'second' },
      { at: 11 * MINUTE, issuer: 'first' },
    ]);
  });

  it('stays with an issuer when the program ended during the attempt, but not twice', () => {
    const interrupted = (): Partial<FailedAttempt> => ({ code: 'issuance-interrupted' });
    expect(failures(3, ['first', 'second'], interrupted)).toEqual([
      { at: 0, issuer: 'first' },
      { at: 1 * MINUTE, issuer: 'first' },
      { at: 1 * MINUTE, issuer: 'second' },
    ]);
    const once = afterFailure(
      null,
      attempt({ issuer: 'second', ...interrupted() }),
      ['first', 'second'],
      null,
    );
    expect(released(once, ['first', 'second'], START)).toMatchObject({
      retryAt: START,
      nextIssuer: 'second',
    });
  });

  it('leaves out an issuer that refused for good', () => {
    const refusing = (issuer: string): Partial<FailedAttempt> =>
      issuer === 'first' ? { code: 'identifier-refused' } : {};
    expect(failures(4, ['first', 'second'], refusing)).toEqual([
      { at: 0, issuer: 'first' },
      { at: 0, issuer: 'second' },
      { at: 10 * MINUTE, issuer: 'second' },
      { at: 110 * MINUTE, issuer: 'second' },
    ]);
  });

  it('blocks when all issuers have refused for good', () => {
    const refusing = (): Partial<FailedAttempt> => ({ code: 'identifier-refused' });
    expect(failures(9, ['first', 'second'], refusing)).toHaveLength(2);
  });

  it('leaves an issuer alone for as long as it asked, and goes on with the others', () => {
    const limited = (issuer: string): Partial<FailedAttempt> =>
      issuer === 'first' ? { code: 'rate-limited', retryAt: START + 2 * HOUR } : {};
    expect(failures(6, ['first', 'second'], limited).map(({ issuer }) => issuer)).toEqual([
      'first',
      'second',
      'second',
      'second',
      'second',
      'first',
    ]);
  });

  it('does not blame an issuer for trouble with the store, and comes back soon', () => {
    const local = (): Partial<FailedAttempt> => ({ code: 'store-unwritable' });
    expect(failures(5, ['first', 'second'], local)).toEqual([
      { at: 0, issuer: 'first' },
      { at: 10_000, issuer: 'first' },
      { at: 70_000, issuer: 'first' },
      { at: 670_000, issuer: 'first' },
      { at: 4_270_000, issuer: 'first' },
    ]);
  });

  it('gets more eager towards the end of what is held', () => {
    const pause = (left: number): number => {
      const previous = { attempts: 9 } as Failure;
      const failure = afterFailure(previous, attempt(), ['first'], START + left);
      return (failure.retryAt ?? 0) - START;
    };
    expect(pause(30 * DAY)).toBe(DAY);
    expect(pause(5 * DAY)).toBe(DAY / 2);
    expect(pause(DAY)).toBe(2.4 * HOUR);
    expect(pause(2 * HOUR)).toBe(HOUR);
    expect(pause(-DAY)).toBe(6 * HOUR);
  });
});

describe('released', () => {
  const failed = (attempts: number, parts: Partial<Failure> = {}): Failure => ({
    ...afterFailure(null, attempt({ code: 'identifier-refused' }), ['first'], null),
    attempts,
    ...parts,
  });

  it.each([
    [1, 0],
    [2, MINUTE],
    [3, 20 * MINUTE],
    [50, 20 * MINUTE],
  ])('after %i failures allows the next attempt %i ms after the last one', (attempts, pause) => {
    const { retryAt, nextIssuer } = released(failed(attempts), ['first'], START);
    expect(retryAt).toBe(START + pause);
    expect(nextIssuer).toBe('first');
  });

  it('never makes anybody wait longer', () => {
    const failure = failed(9, { retryAt: START + MINUTE });
    expect(released(failure, ['first'], START).retryAt).toBe(START + MINUTE);
  });

  it('keeps to what a CA said', () => {
    const resting = { first: START + DAY };
    const failure = failed(1, { retryAt: START + DAY, resting });
    expect(released(failure, ['first'], START)).toMatchObject({ retryAt: START + DAY, resting });
    expect(released(failure, ['first', 'second'], START)).toMatchObject({
      retryAt: START,
      nextIssuer: 'second',
    });
  });

  it('asks somebody else when the issuer is gone', () => {
    const failure = failed(1, { retryAt: START + MINUTE, nextIssuer: 'gone' });
    expect(released(failure, ['first'], START).nextIssuer).toBe('first');
  });

  it('keeps a storm of reloads under six attempts an hour', () => {
    let failure: Failure | null = null;
    const attempts: number[] = [];
    for (let now = START; now < START + 3 * HOUR; now += 10_000) {
      if (failure !== null) failure = released(failure, ['first'], now);
      if (failure === null || (failure.retryAt !== null && failure.retryAt <= now)) {
        attempts.push(now);
        failure = afterFailure(failure, attempt({ at: now }), ['first'], null);
      }
    }
    const busiest = Math.max(
      ...attempts.map((from) => attempts.filter((at) => at >= from && at < from + HOUR).length),
    );
    expect(busiest).toBeLessThanOrEqual(5);
  });
});

describe('afterTrouble', () => {
  it('waits 10 s, a minute, ten minutes, then an hour each', () => {
    const first = afterTrouble(null, 0, 0.5);
    const second = afterTrouble(first, 0, 0.5);
    const third = afterTrouble(second, 0, 0.5);
    expect([first, second, third, afterTrouble(third, 0, 0.5)].map(({ retryAt }) => retryAt)).toEqual([
      10_000, 60_000, 600_000, 3_600_000,
    ]);
  });
});
