import { describe, expect, it } from 'vitest';
import { afterAnswer, afterNoAnswer } from '../../src/certs/renewal-info.ts';
import { DAY, HOUR, MINUTE, START } from './make.ts';

const info = {
  start: START + DAY,
  end: START + 3 * DAY,
  explanationUrl: null,
  nextFetchAt: START + 6 * HOUR,
};

describe('afterAnswer', () => {
  it('draws a moment in the window once, and keeps it for as long as the window stays', () => {
    const first = afterAnswer('id', info, null, START, 0.25);
    expect(first.window?.selected).toBe(START + 1.5 * DAY);
    const again = afterAnswer('id', info, first, START, 0.9);
    expect(again.window).toEqual(first.window);
    const moved = afterAnswer('id', { ...info, end: info.end + 1 }, first, START, 0.75);
    expect(moved.window?.selected).toBe(START + 2.5 * DAY);
    const other = afterAnswer('other', info, first, START, 0.75);
    expect(other.window?.selected).toBe(START + 2.5 * DAY);
  });

  it('keeps a moment inside the window, at both ends of chance', () => {
    for (const chance of [0, 0.999_999_999]) {
      const selected = afterAnswer('id', info, null, START, chance).window?.selected ?? 0;
      expect(selected).toBeGreaterThanOrEqual(info.start);
      expect(selected).toBeLessThan(info.end);
    }
  });

  it.each([
    ['too soon', START - HOUR, MINUTE],
    ['as it was asked to', START + 6 * HOUR, 6 * HOUR],
    ['too late', START + 30 * DAY, DAY],
    ['never', Number.POSITIVE_INFINITY, DAY],
  ])('asks again between a minute and a day later: %s', (_, nextFetchAt, later) => {
    expect(afterAnswer('id', { ...info, nextFetchAt }, null, START, 0).nextFetchAt).toBe(START + later);
  });

  it.each([
    ['ends before it starts', { ...info, end: info.start - 1 }],
    ['is empty', { ...info, end: info.start }],
    ['is no number', { ...info, end: Number.NaN }],
  ])('takes a window that %s for no advice', (_, broken) => {
    expect(afterAnswer('id', broken, null, START, 0.5).window).toBeNull();
  });

  it('asks again after a day where there is no advice', () => {
    expect(afterAnswer('id', null, null, START, 0.5)).toEqual({
      ariId: 'id',
      window: null,
      nextFetchAt: START + DAY,
      failures: 0,
    });
  });
});

describe('afterNoAnswer', () => {
  it('keeps what was known, and asks ever less often', () => {
    const known = afterAnswer('id', info, null, START, 0.5);
    const pauses: number[] = [];
    let last = known;
    for (let count = 0; count < 4; count += 1) {
      last = afterNoAnswer('id', last, START);
      pauses.push(last.nextFetchAt - START);
      expect(last.window).toEqual(known.window);
    }
    expect(pauses).toEqual([10 * MINUTE, HOUR, 6 * HOUR, 6 * HOUR]);
  });

  it('knows nothing of another certificate', () => {
    expect(afterNoAnswer('new', afterAnswer('old', info, null, START, 0.5), START).window).toBeNull();
  });
});
