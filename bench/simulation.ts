// Four hundred days of a daemon with many certificates, on a clock that does not wait.
//
//   node bench/simulation.ts [CERTIFICATES] [DAYS] [SEED]        default 10000 400 7
//
// Prints what would hurt: certificates that ran out though their CA could be reached for a day, and what Let's Encrypt
// counts beside its limits. Exits with 1 when there is any of it.
import { LIMIT, simulate } from '../test/certs/simulation.ts';

const [sites = 10_000, days = 400, seed = 7] = process.argv.slice(2).map(Number);
const startedAt = performance.now();
const secondsSince = (): number => Math.round((performance.now() - startedAt) / 1000);
const verdict = await simulate({
  sites,
  days,
  seed,
  onDay: (day, orders) => {
    if (day % 10 === 0) console.error(`day ${day}: ${orders} orders, ${secondsSince()} s`);
  },
});
const { most, expired } = verdict;
const limits = [
  ['orders of an account in 3 hours', most.orders, LIMIT.issuances],
  ['certificates for a domain in 7 days', most.forDomain, 50],
  ['certificates for the same names in 7 days', most.forNames, 5],
  ['failed proofs of a name in an hour', most.failures, 5],
  ['failed proofs of a name in a row', most.failuresInARow, 1_152],
] as const;
const row = (what: string, value: unknown): void => console.log(`${what.padEnd(48)}${value}`);
row('certificates, days', `${sites}, ${days}`);
row('time', `${secondsSince()} s`);
row('orders, certificates', `${verdict.orders}, ${verdict.issued}`);
row('failed proofs', verdict.failures);
row('restarts, crashes', `${verdict.restarts}, ${verdict.crashes}`);
row('least time left of a certificate of 90 days', `${verdict.leastDaysLeft.toFixed(1)} days`);
for (const [what, value, limit] of limits) row(`most ${what}`, `${value} (limit ${limit})`);
row('expired though the CA was reachable for a day', expired.length);
for (const each of expired.slice(0, 10)) console.log(`  ${each}`);
process.exitCode = expired.length > 0 || limits.some(([, value, limit]) => value > limit) ? 1 : 0;
