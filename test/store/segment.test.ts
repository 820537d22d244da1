import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromSegment, toSegment } from '../../src/store/segment.ts';
import { runs } from '../fuzz-runs.ts';

const name = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom('*', '.', '_', '%', '/', 'a', 'wildcard', '_wildcard', '\0', ':', 'ü'),
    maxLength: 120,
  }),
);

describe('a name as a part of a path', () => {
  it.each([
    ['example.com', 'example.com'],
    ['*.example.com', '_wildcard.example.com'],
    ['*', '_wildcard'],
    ['_wildcard.example.com', '%5Fwildcard.example.com'],
    ['_acme.example.com', '_acme.example.com'],
    ['example.com~4f1d02a9', 'example.com~4f1d02a9'],
    ['2001:db8::1', '2001%3Adb8%3A%3A1'],
    ['..', '%2E.'],
    ['.new-x', '%2Enew-x'],
    ['a/b', 'a%2Fb'],
    ['', '%'],
  ])('%s is %s', (given, segment) => {
    expect(toSegment(given)).toBe(segment);
    expect(fromSegment(segment)).toBe(given);
  });

  it('is harmless whatever the name is, and comes back unless it was too long', () => {
    fc.assert(
      fc.property(name, (given) => {
        const segment = toSegment(given);
        expect(segment).toMatch(/^[A-Za-z0-9_~%-][A-Za-z0-9._~%-]*$/);
        expect(segment.length).toBeLessThan(230);
        const back = fromSegment(segment);
        if (segment.length <= 200) expect(back).toBe(given.toWellFormed());
      }),
      { numRuns: runs(1000) },
    );
  });

  it('is different for different names, also for long ones', () => {
    fc.assert(
      fc.property(name, name, fc.nat(400), (left, right, length) => {
        const [one, two] = [left.toWellFormed(), right.toWellFormed()];
        if (one === two) return;
        const padding = 'x'.repeat(length);
        expect(toSegment(padding + one)).not.toBe(toSegment(padding + two));
      }),
      { numRuns: runs(1000) },
    );
  });
});
