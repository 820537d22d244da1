import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../fuzz-runs.ts';
import { lottery, makeGroup, shares } from './group.ts';

const POLICIES = ['random', 'round-robin', 'least-connections', 'sticky'] as const;
const anyPolicy = fc.constantFrom(...POLICIES);
const anyWeights = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 2, maxLength: 6 });

describe('the choice among upstreams', () => {
  it('never falls on one that is away while another is there', () => {
    const trouble = fc.constantFrom('none', 'down', 'failed', 'tried');
    fc.assert(
      fc.property(
        anyPolicy,
        fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), trouble), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 1_000 }),
        (policy, upstreams, seed) => {
          const group = makeGroup(
            upstreams.map(([weight]) => weight),
            policy,
            lottery(seed),
          );
          const at = (wanted: string) =>
            group.candidates.filter((_, index) => upstreams[index]?.[1] === wanted);
          for (const candidate of at('down')) candidate.down = true;
          for (const candidate of at('failed')) candidate.server.failed(0);
          const there = at('none');
          for (const preferred of [null, ...group.candidates]) {
            const chosen = group.choose(500, at('tried'), preferred);
            if (there.length > 0) expect(there).toContain(chosen);
            // Away, but nobody else is left: asked all the same, unless it has been.
            else if (at('tried').length < upstreams.length) expect(at('tried')).not.toContain(chosen);
            else expect(chosen).toBeNull();
            if (preferred !== null && there.includes(preferred)) expect(chosen).toBe(preferred);
          }
        },
      ),
    );
  });

  it('gives each its share in turn, to within one', () => {
    fc.assert(
      fc.property(anyWeights, fc.integer({ min: 1, max: 5 }), (weights, rounds) => {
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        expect(shares(makeGroup(weights, 'round-robin'), total * rounds)).toEqual(
          weights.map((weight) => weight * rounds),
        );
      }),
    );
  });

  it('spreads the turns of one with a large weight', () => {
    const group = makeGroup([5, 1, 1], 'round-robin');
    const order = Array.from({ length: 7 }, () => group.choose(0, [], null)?.upstream);
    expect(order.map((upstream) => upstream?.scheme === 'http' && upstream.host).join('')).toBe('0010200');
  });

  it('is even where it is left to chance', () => {
    fc.assert(
      fc.property(
        anyWeights,
        fc.constantFrom('random', 'sticky'),
        fc.integer({ min: 1, max: 1_000 }),
        (weights, policy, seed) => {
          const rounds = 20_000;
          const total = weights.reduce((sum, weight) => sum + weight, 0);
          const counts = shares(makeGroup(weights, policy, lottery(seed)), rounds);
          for (const [index, count] of counts.entries()) {
            const expected = (rounds * (weights[index] ?? 0)) / total;
            // Six standard deviations of a binomial distribution.
            expect(Math.abs(count - expected)).toBeLessThan(6 * Math.sqrt(expected) + 1);
          }
        },
      ),
      { numRuns: runs(30) },
    );
  });

  it('stays even among those that are left when one is away', () => {
    for (const policy of POLICIES) {
      const group = makeGroup([1, 1, 1, 1], policy);
      group.candidates[0]?.server.failed(0);
      const [away = 0, ...others] = shares(group, 9_000, 500);
      expect(away).toBe(0);
      for (const count of others) expect(Math.abs(count - 3_000)).toBeLessThan(330);
    }
  });

  it('falls on whoever has the least to do for its weight', () => {
    fc.assert(
      fc.property(anyWeights, fc.integer({ min: 1, max: 60 }), (weights, requests) => {
        const group = makeGroup(weights, 'least-connections');
        for (let n = 0; n < requests; n++) {
          const chosen = group.choose(0, [], null);
          const load = (candidate: typeof chosen) =>
            candidate === null ? Number.NaN : (candidate.server.underWay + 1) / candidate.weight;
          for (const other of group.candidates) expect(load(chosen)).toBeLessThanOrEqual(load(other));
          chosen?.server.chosen(0);
        }
      }),
    );
  });

  it('uses all where there is little to do', () => {
    const counts = shares(makeGroup([1, 1, 1], 'least-connections'), 3_000);
    for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(200);
  });

  it('tries those that are away in the order in which they failed, those that are down last', () => {
    const group = makeGroup([1, 1, 1]);
    const [first, second, third] = group.candidates;
    if (first === undefined || second === undefined || third === undefined) throw new Error('three are made');
    first.server.failed(200);
    second.server.failed(100);
    third.down = true;
    expect(group.choose(300, [], null)).toBe(second);
    expect(group.choose(300, [second], null)).toBe(first);
    expect(group.choose(300, [second, first], null)).toBe(third);
    expect(group.choose(300, [second, first, third], null)).toBeNull();
    second.server.failed(250);
    expect(group.choose(300, [], null)).toBe(first);
  });
});
