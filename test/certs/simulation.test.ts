import { describe, expect, it } from 'vitest';
import type { Wanted } from '../../src/certs/certificate.ts';
import type { Issuer } from '../../src/certs/ports.ts';
import { Refusal, RigilError } from '../../src/errors.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeIssuer, type Placed } from './fake-issuer.ts';
import { DAY, HOUR, MINUTE, makeWanted } from './make.ts';
import { type Process, World } from './world.ts';

/** Numbers that look like chance and are the same in every run. */
function chanceFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

/** A time in which something does not work. */
interface Outage {
  readonly from: number;
  readonly until: number;
}

const isDuring = (outages: readonly Outage[], at: number): boolean =>
  outages.some(({ from, until }) => at >= from && at < until);

/** The most of `times` within any span of `span` milliseconds. */
function busiest(times: readonly number[], span: number): number {
  let first = 0;
  let most = 0;
  times.forEach((time, index) => {
    while ((times[first] ?? 0) <= time - span) first += 1;
    most = Math.max(most, index - first + 1);
  });
  return most;
}

describe('four hundred days', () => {
  const DAYS = 400;
  const SITES = 120;

  it('of outages, restarts and reloads: nothing expires whose issuer could be reached for a day, and no limit is hit', async () => {
    const chance = chanceFrom(7);
    const world = new World();
    const { clock, ca, second: shortLived, shared } = world;
    const random = { fraction: chance, bytes: (size: number) => Buffer.alloc(size) };
    const begin = clock.now();
    ca.paces = [{ issuances: 300, perMs: 3 * HOUR }];
    ca.takesMs = 20_000;
    shortLived.lifeMs = 160 * HOUR;
    const advising = new FakeIssuer('advising', clock);
    const issuers = new Map<string, Issuer>([...world.issuers, ['advising', advising]]);

    const outages: Outage[] = [
      ...Array.from({ length: 60 }, () => {
        const from = begin + chance() * DAYS * DAY;
        return { from, until: from + chance() * chance() * 6 * DAY };
      }),
      { from: begin + 100 * DAY, until: begin + 128 * DAY },
    ];
    const storeOutages: Outage[] = [
      ...Array.from({ length: 30 }, () => {
        const from = begin + chance() * DAYS * DAY;
        return { from, until: from + chance() * 2 * DAY };
      }),
      { from: begin + 200 * DAY, until: begin + 240 * DAY },
    ];
    const failed = new Map<string, number[]>();
    const fails = ({ id }: { id: string }) => {
      if (isDuring(outages, clock.now())) return new RigilError('issuer-unavailable', 'the CA is down');
      // A challenge fails now and then, for a site that is broken for good always.
      if (id !== 'broken.example.org' && chance() > 0.05) {
        return chance() < 0.01
          ? new Refusal('rate-limited', 'slow down', { retryAt: clock.now() + HOUR })
          : null;
      }
      failed.set(id, [...(failed.get(id) ?? []), clock.now()]);
      return new RigilError('challenge-failed', 'no');
    };
    ca.fails = fails;
    shortLived.fails = fails;
    advising.fails = fails;
    advising.renewalInfo = async ({ notBefore, notAfter }) => {
      if (isDuring(outages, clock.now())) throw new RigilError('issuer-unavailable', 'the CA is down');
      const ideal = notBefore + ((notAfter - notBefore) * 2) / 3;
      return { start: ideal - DAY, end: ideal + DAY, explanationUrl: null, nextFetchAt: clock.now() + DAY };
    };

    const sites = Array.from({ length: SITES }, (_, index): Wanted => {
      const names = [`site${index}.example${index % 20}.com`, `www.site${index}.example${index % 20}.com`];
      const issuer = ['second', 'advising'][index % 12] ?? 'ca';
      return makeWanted({ names, issuers: [issuer] });
    });
    const wanted = [...sites, makeWanted({ id: 'broken.example.org' })];
    const start = (): Promise<Process> => world.daemon(wanted, { random, longestNapMs: 6 * HOUR }, issuers);
    let daemon = await start();
    const expired: string[] = [];

    for (let day = 0; day < DAYS; day += 1) {
      for (let hours = 0; hours < 24; hours += 6) {
        shared.fails = isDuring(storeOutages, clock.now())
          ? new Set(['saves', 'locks', 'journal', 'reads'])
          : new Set();
        await clock.advance(6 * HOUR);
        const reachable = !outages.some(({ from, until }) => from < clock.now() && until > clock.now() - DAY);
        for (const { id } of reachable ? sites : []) {
          const notAfter = daemon.served(id)?.facts.notAfter ?? 0;
          if (clock.now() - begin > 3 * DAY && notAfter <= clock.now()) expired.push(`${id} on day ${day}`);
        }
      }
      // What lives in memory only would be lost with the process: that is what a restart costs while the store is away.
      if (day % 23 === 11 && shared.fails.size === 0) {
        await clock.advance(HOUR);
        await daemon.manager.stop();
        daemon = await start();
      }
      if (day % 3 === 0) daemon.manager.setWanted(wanted, issuers);
    }

    expect(expired).toEqual([]);
    expect(ca.orders.length).toBeGreaterThan(SITES * 4);

    // Let's Encrypt: 300 orders in 3 hours; 50 certificates for a registered domain and 5 for a set of names in 7 days;
    // 5 failures for a name in an hour.
    const times = (orders: readonly Placed[]): number[] => orders.map(({ at }) => at);
    expect(busiest(times(ca.orders), 3 * HOUR)).toBeLessThanOrEqual(300);
    const orders = [...ca.orders, ...shortLived.orders, ...advising.orders].sort(
      (left, right) => left.at - right.at,
    );
    const issued = orders.filter(
      ({ id, at }) => !(failed.get(id) ?? []).includes(at) && !isDuring(outages, at),
    );
    const byDomain = Object.groupBy(issued, ({ id }) => id.split('.').slice(-2).join('.'));
    for (const placed of Object.values(byDomain)) {
      expect(busiest(times(placed ?? []), 7 * DAY)).toBeLessThanOrEqual(50);
    }
    for (const orders of Object.values(
      Object.groupBy(
        issued.filter(({ id }) => !id.startsWith('broken')),
        ({ id }) => id,
      ),
    )) {
      expect(busiest(times(orders ?? []), 7 * DAY)).toBeLessThanOrEqual(5);
    }
    for (const at of failed.values()) expect(busiest(at, HOUR)).toBeLessThanOrEqual(5);
    await daemon.manager.stop();
  }, 60_000);

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
});
