import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startDaemon } from '../../test/e2e/daemon.ts';
import { countingEnvironment, heldBy } from '../../test/e2e/held-objects.ts';
import { mixedRoute, startMixedLoad, startMixedUpstream } from '../../test/e2e/mixed-load.ts';

/**
 * Whether memory stays flat: a daemon with one worker under clients of every sort, at a moderate rate, and a reload every
 * ten seconds. `npm run build` first, then `node bench/proxy/soak.ts [seconds] [acts per second]`.
 *
 * Prints what each process holds after its garbage was collected (heap and buffers), and what it has of the machine's
 * memory; and how both grow, by the line that fits the second half best.
 */

const [secondsText = '600', rateText = '500'] = process.argv.slice(2);
const SECONDS = Number(secondsText);
const RATE = Number(rateText);
const SAMPLE_EVERY_MS = 10_000;
const MIB = 2 ** 20;

interface Sample {
  readonly atS: number;
  readonly held: number;
  readonly resident: number;
}

const folder = await mkdtemp(path.join(tmpdir(), 'rigil-soak-'));
try {
  await main();
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function main(): Promise<void> {
  await using upstream = await startMixedUpstream();
  const env = countingEnvironment(folder);
  await using daemon = await startDaemon(mixedRoute(upstream), { workers: 1, env });
  const worker = (await daemon.status()).workers[0]?.pid ?? 0;
  const processes = { 'control process': daemon.child.pid ?? 0, worker } as const;
  const samples = new Map<number, Sample[]>(Object.values(processes).map((pid) => [pid, []]));
  const begun = performance.now();
  const elapsed = () => (performance.now() - begun) / 1_000;
  const load = startMixedLoad(daemon, RATE);

  for (let round = 0; elapsed() < SECONDS; round++) {
    await delay(SAMPLE_EVERY_MS);
    daemon.configure(mixedRoute(upstream, `other-${round % 2}.test`));
    await daemon.reload();
    const held = await heldBy(folder, Object.values(processes), 'bytes');
    for (const [pid, list] of samples) {
      list.push({
        atS: elapsed(),
        held: held.get(pid)?.bytes ?? Number.NaN,
        resident: await residentBytes(pid),
      });
    }
    const said = [...samples.values()].map((list) => inWords(list.at(-1))).join(', ');
    console.error(`${elapsed().toFixed(0)} s: ${said}`);
  }
  const counts = await load.stop();

  console.log(
    '| | held at the middle | at the end | grows in an hour | resident at the middle | at the end | grows in an hour |',
  );
  console.log('|---|---|---|---|---|---|---|');
  for (const [name, pid] of Object.entries(processes)) {
    const half = (samples.get(pid) ?? []).slice(-Math.ceil((samples.get(pid)?.length ?? 0) / 2));
    const columns = [(sample: Sample) => sample.held, (sample: Sample) => sample.resident].flatMap((of) => [
      mib(of(half[0] ?? NOTHING)),
      mib(of(half.at(-1) ?? NOTHING)),
      mib(slope(half, of) * 3_600),
    ]);
    console.log(`| ${name} | ${columns.join(' | ')} |`);
  }
  console.log(`begun: ${JSON.stringify(counts.begun)}\nfailed: ${JSON.stringify(counts.failed)}`);
  const { connections } = (await daemon.status()).workers[0] ?? {};
  console.log(`connections a moment after: ${connections}`);
}

const NOTHING: Sample = { atS: 0, held: Number.NaN, resident: Number.NaN };

/** Of the line with the least squares, per second. */
function slope(samples: readonly Sample[], of: (sample: Sample) => number): number {
  const mean = (value: (sample: Sample) => number) =>
    samples.reduce((sum, sample) => sum + value(sample), 0) / samples.length;
  const [meanAt, meanValue] = [mean(({ atS }) => atS), mean(of)];
  const covariance = mean((sample) => (sample.atS - meanAt) * (of(sample) - meanValue));
  return covariance / mean(({ atS }) => (atS - meanAt) ** 2);
}

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

function inWords(sample = NOTHING): string {
  return `${mib(sample.held)} of ${mib(sample.resident)}`;
}

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`;
}
