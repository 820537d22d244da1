import { accountDocuments } from '../../src/acme/account-documents.ts';
import { OrderLedger } from '../../src/acme/order-ledger.ts';
import type { Certificate, CertificateId, Wanted } from '../../src/certs/certificate.ts';
import { CertificateManager } from '../../src/certs/manager.ts';
import type { Issuer } from '../../src/certs/ports.ts';
import { Refusal, RigilError } from '../../src/errors.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeIssuer } from './fake-issuer.ts';
import { DAY, HOUR, makeWanted, START } from './make.ts';
import { type MemoryStore, SharedMemory } from './memory-store.ts';

/** Let's Encrypt's limit of new orders for an account. */
export const LIMIT = { issuances: 300, perMs: 3 * HOUR };

export interface Scenario {
  readonly sites: number;
  readonly days: number;
  readonly seed: number;
  /** Called after every day. */
  readonly onDay?: (day: number, orders: number) => void;
}

/** What a simulation has shown. */
export interface Verdict {
  /** Certificates that were out of force though their CA could be reached for a day, each with when. */
  readonly expired: readonly string[];
  readonly orders: number;
  readonly issued: number;
  readonly failures: number;
  readonly restarts: number;
  readonly crashes: number;
  /** Smallest time that a certificate of 90 days had left when it was looked at, in days. */
  readonly leastDaysLeft: number;
  /** The most of what the CA counts, within the time that it counts it over. */
  readonly most: {
    /** New orders of an account in three hours: 300. */
    readonly orders: number;
    /** Certificates for a registered domain in seven days: 50. */
    readonly forDomain: number;
    /** Certificates for the same names in seven days: 5. */
    readonly forNames: number;
    /** Failed proofs of a name in an hour: 5. */
    readonly failures: number;
    /** Failed proofs of a name without a success in between: 1152. */
    readonly failuresInARow: number;
  };
}

/** A time in which something does not work. */
interface Outage {
  readonly from: number;
  readonly until: number;
}

const SITES_OF_A_DOMAIN = 20;
const BROKEN = 'broken.example.org';

/**
 * Months of a daemon and a cron job, on a clock that does not wait: three CAs (one with renewal information, one whose
 * certificates live 160 hours) that go down, limit and refuse by chance; proofs that need a DNS that goes down; a store
 * that goes away; restarts, kills in the middle of the work, and reloads in which routes come and go.
 */
export async function simulate({ sites: count, days, seed, onDay }: Scenario): Promise<Verdict> {
  const chance = chanceFrom(seed);
  const clock = new FakeClock();
  const memory = new SharedMemory();
  const someOutages = (number: number, longestDays: number): Outage[] =>
    Array.from({ length: Math.ceil((number * days) / 400) }, () => {
      const from = START + chance() * days * DAY;
      return { from, until: from + chance() * chance() * longestDays * DAY };
    });
  const caOutages = [...someOutages(60, 6), { from: START + 100 * DAY, until: START + 128 * DAY }];
  const dnsOutages = someOutages(40, 4);
  const storeOutages = [...someOutages(30, 2), { from: START + 200 * DAY, until: START + 230 * DAY }];

  const issued: { readonly id: CertificateId; readonly at: number }[] = [];
  const failed = new Map<CertificateId, number[]>();
  const inARow = new Map<CertificateId, number>();
  let longestRow = 0;
  const needsDns = (id: CertificateId): boolean => id.startsWith('site') && Number(id.slice(4, 5)) % 3 === 0;
  const fails = ({ id }: { readonly id: CertificateId }): Error | null => {
    const now = clock.now();
    if (isDuring(caOutages, now)) return new RigilError('issuer-unavailable', 'the CA is down');
    if (needsDns(id) && isDuring(dnsOutages, now))
      return new RigilError('dns-lookup-failed', 'the DNS is down');
    if (id !== BROKEN && chance() > 0.05) {
      if (chance() < 0.01) return new Refusal('rate-limited', 'slow down', { retryAt: now + HOUR });
      inARow.delete(id);
      issued.push({ id, at: now });
      return null;
    }
    const row = (inARow.get(id) ?? 0) + 1;
    longestRow = Math.max(longestRow, row);
    inARow.set(id, row);
    failed.set(id, [...(failed.get(id) ?? []), now]);
    return new RigilError('challenge-failed', 'no');
  };
  const shared = memory.open();
  const accounts = accountDocuments(shared.documents, shared);
  const cas = ['ca', 'short', 'advising'].map((name) => {
    const ca = new FakeIssuer(name, clock);
    ca.paces = [LIMIT];
    ca.ledger = new OrderLedger(name, LIMIT, { accounts, clock });
    ca.takesMs = 20_000;
    ca.fails = fails;
    return ca;
  });
  const [, short, advising] = cas;
  if (short !== undefined) short.lifeMs = 160 * HOUR;
  if (advising !== undefined) {
    advising.renewalInfo = async ({ notBefore, notAfter }) => {
      if (isDuring(caOutages, clock.now())) throw new RigilError('issuer-unavailable', 'the CA is down');
      const ideal = notBefore + ((notAfter - notBefore) * 2) / 3;
      return { start: ideal - DAY, end: ideal + DAY, explanationUrl: null, nextFetchAt: clock.now() + DAY };
    };
  }
  const issuers = new Map<string, Issuer>(cas.map((ca) => [ca.name, ca]));

  const sites = Array.from({ length: count }, (_, index): Wanted => {
    const domain = `example${Math.floor(index / SITES_OF_A_DOMAIN)}.com`;
    const issuer = ['short', 'advising'][index % 20] ?? 'ca';
    return makeWanted({ names: [`site${index}.${domain}`, `www.site${index}.${domain}`], issuers: [issuer] });
  });
  const random = { fraction: chance, bytes: (size: number) => Buffer.alloc(size) };

  let served: ReadonlyMap<CertificateId, Certificate> = new Map();
  const managerOf = (store: MemoryStore, publishes: boolean): CertificateManager =>
    new CertificateManager({
      store,
      clock,
      random,
      emit: () => {},
      longestNapMs: 6 * HOUR,
      ...(publishes && {
        publish: (certificates: ReadonlyMap<CertificateId, Certificate>) => {
          served = certificates;
        },
      }),
    });
  const start = async (wanted: readonly Wanted[]) => {
    const store = memory.open();
    const manager = managerOf(store, true);
    await manager.load({ follow: true });
    manager.setWanted(wanted, issuers);
    manager.start();
    return { manager, store };
  };
  /** What `certs renew` of a cron job does beside the daemon. */
  const cron = async (wanted: readonly Wanted[]): Promise<void> => {
    const manager = managerOf(memory.open(), false);
    await manager.load();
    manager.setWanted(wanted, issuers, { retry: false });
    void manager.run().catch(() => {});
    await clock.advance(HOUR);
    await manager.stop(0);
  };

  // The last tenth comes with a reload after a fortnight, and another tenth leaves for a while.
  const early = [...sites.slice(0, Math.ceil(count * 0.9)), makeWanted({ id: BROKEN })];
  const all = [...sites, makeWanted({ id: BROKEN })];
  const without = all.filter((_, index) => index % 10 !== 7);
  const wantedOn = (day: number): readonly Wanted[] => (day < 14 ? early : day % 50 === 0 ? without : all);

  let daemon = await start(early);
  const filledAfter = (count / LIMIT.issuances) * LIMIT.perMs + 3 * DAY;
  const expired: string[] = [];
  let [restarts, crashes] = [0, 0];
  let leastLeft = Number.POSITIVE_INFINITY;
  const look = (): void => {
    const now = clock.now();
    // What a reload has only just brought, or brought back, has to be obtained first.
    if (now - START < filledAfter || now - START < 17 * DAY) return;
    const isReachable = (outages: readonly Outage[]): boolean =>
      !outages.some(({ from, until }) => from < now && until > now - DAY);
    if (!isReachable(caOutages)) return;
    const dnsWorks = isReachable(dnsOutages);
    for (const { id, issuers } of sites) {
      const left = (served.get(id)?.facts.notAfter ?? 0) - now;
      if (!daemon.manager.entries.has(id) || (!dnsWorks && needsDns(id))) continue;
      if (left <= 0) expired.push(`${id} at ${issuers[0]} on day ${Math.floor((now - START) / DAY)}`);
      if (issuers[0] !== 'short') leastLeft = Math.min(leastLeft, left);
    }
  };

  for (let day = 0; day < days; day += 1) {
    const wanted = wantedOn(day);
    if (day % 3 === 0 || day === 14) daemon.manager.setWanted(wanted, issuers);
    for (let hours = 0; hours < 24; hours += 6) {
      memory.fails = isDuring(storeOutages, clock.now())
        ? new Set(['saves', 'locks', 'journal', 'reads'])
        : new Set();
      await clock.advance(6 * HOUR);
      look();
    }
    // Without a store nothing can be started: what lives in memory only would be lost with the process.
    if (memory.fails.size === 0 && !isDuring(storeOutages, clock.now())) {
      if (day % 23 === 11) {
        await clock.advance(HOUR);
        await daemon.manager.stop();
        daemon = await start(wanted);
        restarts += 1;
      } else if (day % 31 === 17) {
        await clock.advance(10_000);
        daemon.store.kill();
        void daemon.manager.stop(0);
        daemon = await start(wanted);
        crashes += 1;
      } else if (day % 7 === 5) {
        await cron(wanted);
      }
    }
    onDay?.(
      day + 1,
      cas.reduce((sum, { orders }) => sum + orders.length, 0),
    );
  }
  const stopped = daemon.manager.stop();
  await clock.advance(DAY);
  await stopped;

  const times = (events: readonly { readonly at: number }[] = []): number[] => events.map(({ at }) => at);
  const mostIssued = (keyOf: (id: CertificateId) => string): number =>
    Math.max(
      ...Object.values(Object.groupBy(issued, ({ id }) => keyOf(id))).map((group) =>
        busiest(times(group), 7 * DAY),
      ),
    );
  return {
    expired,
    orders: cas.reduce((sum, { orders }) => sum + orders.length, 0),
    issued: issued.length,
    failures: [...failed.values()].reduce((sum, { length }) => sum + length, 0),
    restarts,
    crashes,
    leastDaysLeft: leastLeft / DAY,
    most: {
      orders: Math.max(...cas.map((ca) => busiest(times(ca.orders), LIMIT.perMs))),
      forDomain: mostIssued((id) => id.split('.').slice(-2).join('.')),
      forNames: mostIssued((id) => id),
      failures: Math.max(...[...failed.values()].map((at) => busiest(at, HOUR))),
      failuresInARow: longestRow,
    },
  };
}

function isDuring(outages: readonly Outage[], at: number): boolean {
  return outages.some(({ from, until }) => at >= from && at < until);
}

/** The most of `times`, which are in order, within any span of `span` milliseconds. */
function busiest(times: readonly number[], span: number): number {
  let first = 0;
  let most = 0;
  times.forEach((time, index) => {
    while ((times[first] ?? 0) <= time - span) first += 1;
    most = Math.max(most, index - first + 1);
  });
  return most;
}

/** Numbers that look like chance and are the same in every run (mulberry32). */
export function chanceFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
