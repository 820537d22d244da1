import { has } from '../../test/peers.ts';
import { load, type Round } from './load.ts';
import { cleanUp, residentBytes } from './processes.ts';
import { type Contender, startContenders } from './proxies.ts';
import { SCENARIOS, type Scenario } from './scenarios.ts';
import { startUpstream } from './upstream.ts';

/**
 * What a request costs: rigil with one worker beside nginx, HAProxy and Caddy with one thread each, as far as they are
 * installed, with the same certificate and the same upstream. `npm run build` first, then
 * `node bench/proxy/proxy.ts [rounds] [seconds] [part of a scenario's name …]`.
 *
 * The figure is requests per second of processor time (user and system) of the proxy and its children: it depends least
 * on what else the machine does. Even so only rounds that were run in turn can be compared. The proxies share
 * processor 0, whoever asks and the upstream have processor 1.
 */

const [roundsText = '3', secondsText = '2', ...only] = process.argv.slice(2);
const ROUNDS = Number(roundsText);
const SECONDS = Number(secondsText);

/** A program that is compiled while it runs is not itself before some ten thousands of requests. */
const WARM_UP_SECONDS = 8;
/** For each scenario. */
const BRIEF_WARM_UP_SECONDS = 2;

try {
  await main();
} finally {
  await cleanUp();
}

async function main(): Promise<void> {
  for (const program of ['nginx', 'wrk', 'taskset']) {
    if (!has(program)) throw new Error(`this needs ${program}`);
  }
  const upstream = await startUpstream();
  const proxies = await startContenders(upstream);
  const [first] = SCENARIOS;
  for (const { ecdsa } of proxies) if (first !== undefined) await load(ecdsa, first, WARM_UP_SECONDS);
  const scenarios = SCENARIOS.filter(
    ({ name, by }) =>
      (by !== 'h2load' || has('h2load')) && (only.length === 0 || only.some((part) => name.includes(part))),
  );
  const rest = proxies.slice(1).map(({ name }) => name);
  console.log(
    `| | ${proxies.map(({ name }) => name).join(' | ')} | ${rest.map((name) => `to ${name}`).join(' | ')} |`,
  );
  console.log(`|${'---|'.repeat(1 + proxies.length + rest.length)}`);
  for (const scenario of scenarios) console.log(await compare(proxies, scenario));
  const memory = await Promise.all(
    proxies.map(async ({ ecdsa }) => `${Math.round((await residentBytes(ecdsa.pid)) / 1e6)} MB`),
  );
  console.log(`| memory at the end | ${memory.join(' | ')} |${' |'.repeat(rest.length)}`);
}

/** All proxies in turn, round after round. */
async function compare(proxies: readonly Contender[], scenario: Scenario): Promise<string> {
  const rounds = new Map<Contender, Round[]>(proxies.map((proxy) => [proxy, []]));
  const listener = (proxy: Contender) => proxy[scenario.key ?? 'ecdsa'];
  for (const proxy of proxies) await load(listener(proxy), scenario, BRIEF_WARM_UP_SECONDS);
  for (let round = 0; round < ROUNDS; round++) {
    for (const proxy of proxies) rounds.get(proxy)?.push(await load(listener(proxy), scenario, SECONDS));
  }
  const cells: string[] = [];
  const medians: number[] = [];
  for (const runs of rounds.values()) {
    const sorted = runs.toSorted((a, b) => a.perCpuSecond - b.perCpuSecond);
    const median = sorted[Math.floor(sorted.length / 2)];
    if (median === undefined) continue;
    medians.push(median.perCpuSecond);
    cells.push(`${median.perCpuSecond.toFixed(0)} (${median.times}${median.failed})`);
  }
  const [own = Number.NaN, ...others] = medians;
  const ratios = others.map((other) => (own / other).toFixed(2));
  return `| ${scenario.name} | ${cells.join(' | ')} | ${ratios.join(' | ')} |`;
}
