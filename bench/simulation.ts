// Four hundred days of a daemon with many certificates, with outages of the CA, on a clock that does not wait.
//
//   node bench/simulation.ts [CERTIFICATES] [DAYS]        default 10000 400
//
// Prints what would hurt: certificates that expired though their CA could be reached, and limits that were passed.
import type { Certificate } from '../src/certs/certificate.ts';
import { CertificateManager } from '../src/certs/manager.ts';
import { RigilError } from '../src/errors.ts';
import { FakeClock } from '../test/certs/fake-clock.ts';
import { FakeIssuer } from '../test/certs/fake-issuer.ts';
import { DAY, HOUR, makeWanted } from '../test/certs/make.ts';
import { SharedMemory } from '../test/certs/memory-store.ts';

const COUNT = Number(process.argv[2] ?? 10_000);
const DAYS = Number(process.argv[3] ?? 400);
/** Let's Encrypt's limit of new orders for an account. */
const LIMIT = { issuances: 300, perMs: 3 * HOUR };
/** The first orders take as long as the limit makes them. */
const FILLED_AFTER = (COUNT / LIMIT.issuances) * LIMIT.perMs + 2 * DAY;

const chance = chanceFrom(7);
const clock = new FakeClock();
const begin = clock.now();
const ca = new FakeIssuer('ca', clock);
ca.paces = [LIMIT];
ca.takesMs = 20_000;
const outages = Array.from({ length: Math.ceil(DAYS / 10) }, () => {
  const from = begin + chance() * DAYS * DAY;
  return { from, until: from + chance() * chance() * 6 * DAY };
});
let failures = 0;
ca.fails = () => {
  const down = outages.some(({ from, until }) => clock.now() >= from && clock.now() < until);
  if (!down && chance() > 0.02) return null;
  failures += 1;
  return new RigilError(down ? 'issuer-unavailable' : 'challenge-failed', 'it was decided by chance');
};

let served: ReadonlyMap<string, Certificate> = new Map();
const manager = new CertificateManager({
  store: new SharedMemory().open(),
  clock,
  random: { fraction: chance, bytes: (size) => Buffer.alloc(size) },
  emit: () => {},
  longestNapMs: 6 * HOUR,
  publish: (certificates) => {
    served = certificates;
  },
});
await manager.load();
const wanted = Array.from({ length: COUNT }, (_, index) =>
  makeWanted({ names: [`site${index}.example`], issuers: ['ca'] }),
);
manager.setWanted(wanted, new Map([['ca', ca]]));
manager.start();

let expiries = 0;
let shortestLeft = Number.POSITIVE_INFINITY;
const startedAt = performance.now();
for (let day = 1; day <= DAYS; day += 1) {
  await clock.advance(DAY);
  if (clock.now() - begin > FILLED_AFTER) {
    for (const { id } of wanted) {
      const left = (served.get(id)?.facts.notAfter ?? 0) - clock.now();
      shortestLeft = Math.min(shortestLeft, left);
      if (left <= 0) expiries += 1;
    }
  }
  if (day % 10 === 0 || day === DAYS) {
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    console.error(`day ${day}: ${ca.orders.length} orders, ${seconds} s`);
  }
}
await manager.stop();

const busiest = busiestOf(
  ca.orders.map(({ at }) => at),
  LIMIT.perMs,
);
console.log(`certificates, days            ${COUNT}, ${DAYS}`);
console.log(`orders                        ${ca.orders.length}`);
console.log(`failures                      ${failures}`);
console.log(`latest renewal                ${(shortestLeft / DAY).toFixed(1)} days before the end`);
console.log(`expiries                      ${expiries}`);
console.log(`most orders in three hours    ${busiest} (limit ${LIMIT.issuances})`);
process.exitCode = expiries > 0 || busiest > LIMIT.issuances ? 1 : 0;

/** Numbers that look like chance and are the same in every run. */
function chanceFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

/** The most of `times` within any span of `span` milliseconds. */
function busiestOf(times: readonly number[], span: number): number {
  let first = 0;
  let most = 0;
  times.forEach((time, index) => {
    while ((times[first] ?? 0) <= time - span) first += 1;
    most = Math.max(most, index - first + 1);
  });
  return most;
}
