import { describe, expect, it } from 'vitest';
import { bar } from '../../src/cli/bar.ts';
import { duration, fromNow } from '../../src/cli/duration.ts';
import { table } from '../../src/cli/table.ts';

describe('duration', () => {
  it.each([
    [0, '0 ms'],
    [999, '999 ms'],
    [12_000, '12 s'],
    [90_000, '1 min 30 s'],
    [3_600_000, '1 h'],
    [534_000_000, '6 d 4 h'],
    [59 * 86_400_000, '59 d'],
    [-90_000, '1 min 30 s'],
  ])('says %d ms as %s', (ms, text) => expect(duration(ms)).toBe(text));

  it('says on which side of now a moment is', () => {
    expect(fromNow(61_000, 1_000)).toBe('in 1 min');
    expect(fromNow(1_000, 61_000)).toBe('1 min ago');
  });
});

describe('bar', () => {
  it.each([
    [0, '░░░░'],
    [0.5, '██░░'],
    [1, '████'],
    [7, '████'],
    [-1, '░░░░'],
    [Number.NaN, '░░░░'],
  ])('fills %d of itself', (fraction, text) => expect(bar(fraction, 4)).toBe(text));
});

describe('table', () => {
  it('aligns columns without counting colours', () => {
    expect(
      table([
        ['name', 'state'],
        ['\u001b[31mlonger name\u001b[39m', 'ok'],
      ]),
    ).toEqual(['name         state', '\u001b[31mlonger name\u001b[39m  ok']);
  });
});
