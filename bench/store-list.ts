/**
 * How long it takes to list and to load many stored certificates, and how long the event loop stalls meanwhile.
 *
 *     node bench/store-list.ts [count]
 */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inParallel } from '../src/certs/in-parallel.ts';
import { lockKeyOf } from '../src/certs/ports.ts';
import { systemClock } from '../src/platform/clock.ts';
import { FileStore } from '../src/store/file-store.ts';
import { realCertificate } from '../test/certs/real-certificate.ts';

const count = Number(process.argv[2] ?? 10_000);
const directory = await mkdtemp(join(tmpdir(), 'rigil-bench-'));
const store = new FileStore({ directory, clock: systemClock, emit: (event) => console.log(event) });
try {
  const certificate = await realCertificate();
  const lock = await store.lock(lockKeyOf(certificate.facts.id), new AbortController().signal);
  await store.save(certificate, lock);
  await lock.release();

  const origin = join(directory, 'certs', 'ca', certificate.facts.id);
  const meta = await readFile(join(origin, 'current', 'meta.json'), 'utf8');
  const ids = Array.from({ length: count }, (_, index) => `site${index}.example.com`);
  await inParallel(ids, 16, async (id) => {
    const place = join(directory, 'certs', 'ca', id);
    await cp(origin, place, { recursive: true, verbatimSymlinks: true });
    await writeFile(
      join(place, 'current', 'meta.json'),
      meta.replace('"id": "example.com"', `"id": "${id}"`),
    );
  });

  await measure('list', () => store.list());
  await measure('list again', () => store.list());
  await measure('load all with their keys', () => inParallel(ids, 16, (id) => store.load('ca', id)));
} finally {
  await rm(directory, { recursive: true });
}

async function measure(what: string, work: () => Promise<unknown>): Promise<void> {
  let longest = 0;
  let last = performance.now();
  const watch = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 1);
  const begin = performance.now();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  clearInterval(watch);
  console.log(
    `${what} (${count} certificates): ${(performance.now() - begin).toFixed(0)} ms, ` +
      `${((user + system) / 1000).toFixed(0)} ms of CPU, longest stall of the event loop ${longest.toFixed(1)} ms`,
  );
}
