import { describe, expect, it } from 'vitest';
import { RigilError } from '../../src/errors.ts';
import { FakeClock } from './fake-clock.ts';
import { DAY, MINUTE, makeWanted } from './make.ts';
import { LIMIT, simulate } from './simulation.ts';
import { World } from './world.ts';

/** `bench/simulation.ts` does the same with ten thousand sites for four hundred days. */
describe('a thousand sites for two hundred and fifty days', () => {
  it('of outages, restarts, kills and reloads: nothing expires whose CA could be reached for a day, no limit is passed', async () => {
    const sites = 1_000;
    const verdict = await simulate({ sites, days: 250, seed: 7 });
    expect(verdict.expired).toEqual([]);
    expect(verdict.most.orders).toBeLessThanOrEqual(LIMIT.issuances);
    // Let's Encrypt: certificates for a registered domain and for a set of names in seven days, failures in an hour.
    expect(verdict.most.forDomain).toBeLessThanOrEqual(50);
    expect(verdict.most.forNames).toBeLessThanOrEqual(5);
    expect(verdict.most.failures).toBeLessThanOrEqual(5);
    expect(verdict.most.failuresInARow).toBeLessThan(1_152);
    // It was no idle time.
    expect(verdict.issued).toBeGreaterThan(sites * 4);
    expect(verdict.failures).toBeGreaterThan(250);
    expect(Math.min(verdict.restarts, verdict.crashes)).toBeGreaterThan(3);
  }, 300_000);
});

describe('four hundred days', () => {
  const DAYS = 400;

  it('of a site that is broken for good cost its CA one attempt a day', async () => {
    const world = new World();
    world.ca.fails = () => new RigilError('challenge-failed', 'no');
    await world.daemon([makeWanted()], { longestNapMs: DAY });
    await world.clock.advance(DAYS * DAY);
    expect(world.ca.orders.length).toBeLessThan(DAYS + 5);
    expect(world.ca.orders.length).toBeGreaterThan(DAYS - 5);
  });

  it('of a clock that jumps forward do not matter', async () => {
    const world = new World();
    const { served } = await world.daemon([makeWanted()], { longestNapMs: MINUTE });
    await world.clock.advance(MINUTE);
    const before = served()?.facts.notAfter ?? 0;
    // The machine slept for 65 days; its timers did not run.
    world.clock.jump(65 * DAY);
    await world.clock.advance(2 * MINUTE);
    expect(served()?.facts.notAfter).toBeGreaterThan(before);
    expect(world.clock).toBeInstanceOf(FakeClock);
  });

  it('of a clock that is set back cost no order, and it goes on from there', async () => {
    const world = new World();
    const { served, manager } = await world.daemon([makeWanted()], { longestNapMs: MINUTE });
    await world.clock.advance(MINUTE);
    const first = served()?.facts;
    world.clock.jump(-40 * DAY);
    await world.clock.advance(99 * DAY);
    expect(world.ca.orders).toHaveLength(1);
    expect(served()?.facts).toEqual(first);
    await world.clock.advance(2 * DAY);
    expect(world.ca.orders).toHaveLength(2);
    await manager.stop();
  });
});
