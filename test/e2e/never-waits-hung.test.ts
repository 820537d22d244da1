import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { has } from '../peers.ts';
import { type Daemon, eventually, startDaemon } from './daemon.ts';
import { type Load, startLoad } from './never-waits/load.ts';
import { get, reloadAndSee } from './never-waits/reloading.ts';
import { startSlowUpstream } from './never-waits/slow-upstream.ts';
import {
  type Begin,
  fullDisk,
  hangingStore,
  heavyKeys,
  manyRoutes,
  mountSmallDisk,
  rootsOf,
  silentCa,
  silentDns,
  silentResponder,
  stoppedLockHolder,
  together,
  unmount,
} from './never-waits/troubles.ts';
import { disturbances, ROOM_MS } from './never-waits/verdict.ts';
import type { Upstream } from './upstream.ts';

const NAMES = ['one.test', 'two.test', 'three.test'];
const [SWITCHED = ''] = NAMES;
/** How long serving is watched without and with the trouble, in milliseconds. */
const IDLE_MS = 700;
const WORK_MS = 1_200;
/** Longest wait for its end, in milliseconds: work that does not land is left after 10 s. */
const END_MS = 45_000;

/**
 * Each of the tests takes some seconds, and more where ten thousand routes are read by a busy machine. What the machine
 * does may disturb one of them; what rigil does would disturb it again.
 */
const TIMEOUT_MS = 60_000;

const canMount = await mayMount();

describe('serving and reloads go on as if nothing were', { timeout: TIMEOUT_MS, retry: 2 }, () => {
  let daemon: Daemon;
  let old: Upstream;
  let fresh: Upstream;
  let store: string;

  beforeAll(async () => {
    old = await startSlowUpstream('old');
    fresh = await startSlowUpstream('fresh');
    daemon = await startDaemon(configuration(old), {
      workers: 1,
      prepare: async (directory) => {
        store = directory;
        if (canMount) await mountSmallDisk(directory);
      },
    });
  }, TIMEOUT_MS);
  afterAll(async () => {
    await endSoon(daemon);
    if (canMount) await unmount(store);
    await daemon?.[Symbol.asyncDispose]();
    await old?.[Symbol.asyncDispose]();
    await fresh?.[Symbol.asyncDispose]();
  }, TIMEOUT_MS);

  const configuration = (upstream: Upstream, more = '') =>
    `issuer internal\n  type internal\n${NAMES.map((name) => route(name, name === SWITCHED ? upstream : old)).join('')}${more}`;

  /** Watches serving without and with the trouble; reloads when it has begun. */
  async function goOnDespite(begin: Begin): Promise<void> {
    await using trouble = await begin(daemon, old.address);
    const roots = [rootsOf(daemon), ...(trouble.served === undefined ? [] : [trouble.served.root])];
    const reload = (upstream: Upstream, says: string, more: string) =>
      reloadAndSee(daemon, configuration(upstream, more), { name: SWITCHED, upstream: says, roots });
    await using load: Load<'idle' | 'work'> = await startLoad({
      port: daemon.ports.https,
      roots,
      handshakesPerS: 20,
      requestsPerS: 30,
      messagesPerS: 5,
      downloads: 2,
    });
    await load.begin('idle', NAMES);
    const idleReload = await reload(fresh, 'fresh', '');
    await delay(IDLE_MS);
    await load.begin('work', NAMES);
    const firstReload = await reload(old, 'old', trouble.config);
    await eventually('the trouble', async () => (await trouble.isFelt(daemon)) || undefined);
    for (const name of trouble.served?.names ?? []) {
      await eventually(`a certificate for ${name}`, () => get(daemon, name, roots).catch(() => undefined));
    }
    await load.begin('work', [...NAMES, ...(trouble.served?.names ?? [])]);
    await delay(WORK_MS);
    const { ms } = await reload(fresh, 'fresh', `${trouble.config}${route('added.test', old)}`);
    const { idle, work } = await load.stop();

    expect(disturbances(idle, work)).toEqual([]);
    // A configuration may be large, but what is under way adds nothing.
    expect(ms).toBeLessThan(Math.max(idleReload.ms, firstReload.ms) + ROOM_MS);
    const metrics = await daemon.metrics();
    expect(metrics).toMatch(/^rigil_handshakes_waited_total 0$/m);
    expect(metrics).toMatch(/^rigil_requests_waited_total 0$/m);
    await reload(old, 'old', '');
  }

  it('while a CA never answers', () => goOnDespite(silentCa));
  it.skipIf(!has('openssl'))('while an OCSP responder never answers', () => goOnDespite(silentResponder));
  it('while DNS servers never answer', () => goOnDespite(silentDns));
  it('while a stopped process holds a lock of the store', () => goOnDespite(stoppedLockHolder));
  it('while files of the store hang', () => goOnDespite(hangingStore));
  it.skipIf(!canMount)('while the disk of the store is full', () => goOnDespite(fullDisk));
  it('while ten thousand routes want certificates', () => goOnDespite(manyRoutes));
  it('while several of these happen at once', () =>
    goOnDespite(together([silentCa, silentDns, stoppedLockHolder, hangingStore])));
  // Last: whoever waits for a key can be called off, the making of it cannot.
  it('while keys of 4096 bits are made', () => goOnDespite(heavyKeys));
});

function route(name: string, upstream: Upstream): string {
  return `route ${name}\n  upstream ${upstream.address}\n`;
}

async function mayMount(): Promise<boolean> {
  const directory = mkdtempSync(join(tmpdir(), 'rigil-mount-'));
  const mounted = await mountSmallDisk(directory);
  if (mounted) await unmount(directory);
  rmSync(directory, { recursive: true });
  return mounted;
}

/** It may be in the middle of keys that take seconds each, which is no reason to stay. */
async function endSoon(daemon: Daemon): Promise<void> {
  const ended = await Promise.race([daemon.stop(), delay(END_MS, 'late' as const, { ref: false })]);
  expect(ended, `its last events: ${JSON.stringify(daemon.events().slice(-20))}`).toBe(0);
}
