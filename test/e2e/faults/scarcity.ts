import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startLoad } from '../clients.ts';
import { eventually } from '../daemon.ts';
import { expectOnly, NAME, Reign, type Scenario, served } from './scenario.ts';

/** Descriptors that a process may have here: Node itself takes some 30. */
const DESCRIPTORS = 150;

/** EMFILE: more connections than descriptors. Nobody dies, and when they are gone everything is as before. */
export const descriptors: Scenario = async (rounds) => {
  await using reign = await Reign.begin({
    workers: 1,
    prefix: ['prlimit', `--nofile=${DESCRIPTORS}:${DESCRIPTORS}`],
  });
  const before = await reign.workers();
  for (let round = 0; round < rounds; round++) {
    const idle = Array.from({ length: 2 * DESCRIPTORS }, () => silent(reign.daemon.ports.https));
    await Promise.all(idle.map((socket) => Promise.race([once(socket, 'connect'), once(socket, 'close')])));
    const crowded = startLoad(reign.daemon, { fresh: 2, kept: 0 });
    await delay(500);
    for (const socket of idle) socket.destroy();
    await served(crowded.outcomes, 1);
    await crowded.stop();
    const load = startLoad(reign.daemon, { fresh: 2, kept: 2 });
    await served(load.outcomes);
    expectOnly(await load.stop(), '200');
  }
  const after = await reign.workers();
  if (String(after) !== String(before)) throw new Error('a worker died for want of descriptors');
  return `${rounds} times ${2 * DESCRIPTORS} connections for ${DESCRIPTORS} descriptors`;
};

/** ENOSPC: the disk of the store is full. What is held is served, and what could not be saved is when there is room. */
export const disk: Scenario = async (rounds) => {
  await using reign = await Reign.begin({ prepare: async (store) => mountTiny(store) });
  const { daemon } = reign;
  try {
    const load = startLoad(daemon, { fresh: 2, kept: 2 });
    for (let round = 0; round < rounds; round++) {
      const filler = join(daemon.store, 'filler');
      fill(filler);
      const name = `full-${round}.localhost`;
      reign.want(...Array.from({ length: round + 1 }, (_, index) => `full-${index}.localhost`));
      await daemon.reload();
      await daemon.event('certificate.obtain.failed', ({ id }) => id === name);
      await served(load.outcomes);
      rmSync(filler);
      // A reload tries what has failed.
      await daemon.reload();
      await eventually('the certificate', async () => {
        const { certificates } = await daemon.status();
        return certificates.some(({ id, status }) => id === name && status === 'valid') || undefined;
      });
    }
    const outcomes = await load.stop();
    expectOnly(outcomes, '200');
    return `${outcomes['200']} requests, full ${rounds} times`;
  } finally {
    await daemon.stop();
    execFileSync('umount', ['--lazy', daemon.store]);
  }
};

/** Memory: a heap that is far too small for what is asked. A worker may die of it; then there is another one. */
export const memory: Scenario = async (rounds) => {
  await using reign = await Reign.begin({ env: { NODE_OPTIONS: '--max-old-space-size=48' } });
  for (let round = 0; round < rounds; round++) {
    const load = startLoad(reign.daemon, { fresh: 10, kept: 30 });
    await served(load.outcomes, 500);
    const outcomes = await load.stop();
    expectOnly(outcomes, '200', 'ECONNRESET', 'EPIPE', 'EPROTO');
  }
  const deaths = reign.daemon.events().filter(({ event }) => event === 'worker.exited').length;
  return `${rounds} times 40 clients in 48 MB of heap, ${deaths} workers died`;
};

/** No name can be looked up: neither the upstream's nor the CA's. Everything else is served, and answers are quick. */
export const names: Scenario = async (rounds) => {
  await using reign = await Reign.begin();
  const { daemon } = reign;
  const load = startLoad(daemon, { fresh: 2, kept: 2 });
  for (let round = 0; round < rounds; round++) {
    daemon.configure(`issuer away
  type acme
  directory https://ca.invalid/directory
route ${NAME}
  upstream ${reign.address}
route away-${round}.example.org
  upstream ${reign.address}
  provider away
route lost.localhost
  upstream nowhere.invalid:80
`);
    await daemon.reload();
    await daemon.event('certificate.obtain.failed', ({ id }) => id === `away-${round}.example.org`);
    await eventually('the certificate', async () => {
      const { certificates } = await daemon.status();
      return (
        certificates.some(({ id, status }) => id === 'lost.localhost' && status === 'valid') || undefined
      );
    });
    const lost = startLoad(daemon, { fresh: 1, kept: 0, name: 'lost.localhost' });
    await eventually('an answer', () => (lost.outcomes['502'] ?? 0) > 0 || undefined);
    expectOnly(await lost.stop(), '502');
    await served(load.outcomes);
  }
  const outcomes = await load.stop();
  expectOnly(outcomes, '200');
  return `${outcomes['200']} requests`;
};

function silent(port: number): Socket {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  return socket;
}

function mountTiny(store: string): void {
  mkdirSync(store, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m,mode=0700', 'tmpfs', store]);
}

function fill(path: string): void {
  try {
    writeFileSync(path, Buffer.alloc(4 * 1024 * 1024));
  } catch {
    // That is what it was for. What is left now is less than a page.
  }
}
