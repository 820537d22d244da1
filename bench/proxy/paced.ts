import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { has } from '../../test/peers.ts';
import { cleanUp, folder, output, type Started } from './processes.ts';
import { startContenders } from './proxies.ts';
import { startUpstream } from './upstream.ts';

/**
 * How long a request takes while there are always 4000 of them a second: rigil with one worker, nginx, HAProxy and Caddy
 * with one thread. `npm run build` first, then `node bench/proxy/paced.ts [rounds] [seconds] [requests per second]`.
 *
 * A time counts from when the request was sent to the last byte of its answer. All proxies run in turn, in many short
 * rounds; the figures are medians of the rounds, since whatever else the machine does falls on some of them.
 */

const [roundsText = '9', secondsText = '3', rateText = '4000'] = process.argv.slice(2);
const ROUNDS = Number(roundsText);
const SECONDS = Number(secondsText);
const RATE = Number(rateText);
const CONNECTIONS = 32;
/** A program that is compiled while it runs is not itself before some ten thousands of requests. */
const WARM_UP_SECONDS = 8;
/** Of each round: handshakes are not what is asked about. */
const LEFT_OUT_MS = 500;

const PROTOCOLS = [
  { name: 'HTTP/1.1', args: ['--h1'] },
  { name: 'HTTP/2', args: ['-m10'] },
];

/** In milliseconds. */
interface Times {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly perSecond: number;
  readonly failed: number;
}

try {
  await main();
} finally {
  await cleanUp();
}

async function main(): Promise<void> {
  for (const program of ['nginx', 'h2load', 'taskset']) {
    if (!has(program)) throw new Error(`this needs ${program}`);
  }
  const upstream = await startUpstream();
  const proxies = await startContenders(upstream);
  console.log(`| ${RATE} requests a second | ${proxies.map(({ name }) => name).join(' | ')} |`);
  console.log(`|---|${proxies.map(() => '---|').join('')}`);
  for (const { name, args } of PROTOCOLS) {
    const rounds = proxies.map((): Times[] => []);
    for (const proxy of proxies) await ask(proxy.ecdsa, args, WARM_UP_SECONDS);
    for (let round = 0; round < ROUNDS; round++) {
      for (const [at, proxy] of proxies.entries()) rounds[at]?.push(await ask(proxy.ecdsa, args, SECONDS));
    }
    console.log(`| ${name}: p50, p99, max in ms | ${rounds.map(inWords).join(' | ')} |`);
    for (const [at, { name: proxy }] of proxies.entries()) {
      console.error(`${name} ${proxy}: p99 ${rounds[at]?.map(({ p99 }) => p99.toFixed(2)).join(' ')}`);
    }
  }
}

async function ask({ port }: Started, args: readonly string[], seconds: number): Promise<Times> {
  // h2load appends to what is there.
  const log = path.join(folder, 'requests.tsv');
  await rm(log, { force: true });
  const pace = [`-c${CONNECTIONS}`, `--rps=${RATE / CONNECTIONS}`, `-D${seconds}`, `--log-file=${log}`];
  await output('taskset', ['-c', '1', 'h2load', '-t1', ...pace, ...args, `https://localhost:${port}/100`]);
  const rows = (await readFile(log, 'latin1'))
    .trim()
    .split('\n')
    .map((line) => line.split('\t').map(Number));
  const [first = 0] = rows.reduce(
    (least, row) => ((row[0] ?? 0) < (least[0] ?? 0) ? row : least),
    rows[0] ?? [],
  );
  const counted = rows.filter(([start = 0]) => start >= first + LEFT_OUT_MS * 1_000);
  const times = counted.map(([, , micros = 0]) => micros / 1_000).sort((a, b) => a - b);
  const at = (share: number) =>
    times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN;
  const perSecond = times.length / (seconds - LEFT_OUT_MS / 1_000);
  const failed = rows.filter(([, status]) => status !== 200).length;
  return { p50: at(0.5), p99: at(0.99), max: at(1), perSecond, failed };
}

function inWords(rounds: readonly Times[]): string {
  const median = (of: (times: Times) => number) => {
    const sorted = rounds.map(of).sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  };
  const times = [median(({ p50 }) => p50), median(({ p99 }) => p99), median(({ max }) => max)];
  const failed = rounds.reduce((sum, round) => sum + round.failed, 0);
  const rate = median(({ perSecond }) => perSecond);
  const late = rate < RATE * 0.97 ? `, only ${rate.toFixed(0)} a second` : '';
  return `${times.map((ms) => ms.toFixed(2)).join(', ')}${late}${failed > 0 ? `, ${failed} failed` : ''}`;
}
