import { describe, expect, it } from 'vitest';
import { timeline } from '../../src/cli/timeline.ts';

const T = Date.UTC(2026, 10, 24, 8);
const DAY = 86_400_000;

describe('timeline', () => {
  it('draws how much of a span is over, between its ends', () => {
    expect(timeline(T, T + 4 * DAY, T + DAY, 62)).toEqual([
      '2026-11-24 08:00 UTC █████░░░░░░░░░░░░░░░ 2026-11-28 08:00 UTC',
      '3 d left',
    ]);
  });

  it.each([
    [T - DAY, '░', 'begins in 1 d'],
    [T + 5 * DAY, '█', 'ended 1 d ago'],
  ])('says when now is outside', (now, bar, text) => {
    expect(timeline(T, T + 4 * DAY, now, 52)).toEqual([
      `2026-11-24 08:00 UTC ${bar.repeat(10)} 2026-11-28 08:00 UTC`,
      text,
    ]);
  });

  it.each([0, 1, 5, 20, 51, 52, 80, 500])('never is wider than it may be, but for the dates: %d', (width) => {
    const lines = timeline(T, T + DAY, T, width);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(Math.max(width, 25));
    expect(lines.join(' ')).toMatch(/2026-11-24 08:00 UTC.*░.*2026-11-25 08:00 UTC.*1 d left/);
  });

  it('bears a span that is none', () => {
    expect(timeline(T, T, T, 80)).toEqual([expect.stringContaining('█'), '0 ms left']);
  });
});
