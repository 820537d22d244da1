/**
 * How long it takes to plan, fold, list and reload with many certificates.
 *
 *     node bench/plan.ts [count]
 */
import { Inventory } from '../src/certs/inventory.ts';
import { plan } from '../src/certs/plan.ts';
import type { Issuer } from '../src/certs/ports.ts';
import { viewOf } from '../src/certs/view.ts';
import { makeFacts, makeWanted, START } from '../test/certs/make.ts';

const count = Number(process.argv[2] ?? 10_000);
const issuer: Issuer = { name: 'ca', issue: () => Promise.reject(new Error('not asked')) };
const issuers = new Map([['ca', issuer]]);
const ids = Array.from({ length: count }, (_, index) => `site${index}.example.com`);
const wanted = ids.map((id) => makeWanted({ id, names: [id, `www.${id}`] }));
const certificates = ids.map((id, index) => ({
  facts: makeFacts({ id, names: [id, `www.${id}`], notBefore: START - (index % 60) * 86_400_000 }),
  chain: '',
  key: '',
}));

const inventory = new Inventory(null, true);
inventory.remember(new Map(), certificates);
measure(
  'load: take note of what is stored',
  () =>
    inventory.learn(
      certificates.map(({ facts }) => facts),
      START,
    ),
  1,
);
measure('reload: carry over what is held', () => inventory.want(wanted, issuers, START, true), 5);
const state = inventory.state;
measure('plan', () => plan(state, START), 50);
measure('views', () => viewOf(state, [], START), 10);
const [certificate] = certificates;
if (certificate !== undefined) {
  const { id } = certificate.facts;
  const outcome = {
    kind: 'issued',
    id,
    at: START,
    chance: 0,
    certificate,
    unsaved: null,
    stapleAt: null,
  } as const;
  measure('fold one outcome', () => inventory.apply(outcome), 50);
}

function measure(what: string, work: () => unknown, times: number): void {
  const spans = Array.from({ length: times }, () => {
    const begin = performance.now();
    work();
    return performance.now() - begin;
  }).sort((left, right) => left - right);
  const median = spans[Math.floor(times / 2)] ?? 0;
  console.log(
    `${what} (${count} certificates): median ${median.toFixed(2)} ms, longest ${(spans.at(-1) ?? 0).toFixed(2)} ms`,
  );
}
