import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { startDaemon } from './daemon.ts';
import { countingEnvironment, heldBy } from './held-objects.ts';
import { mixedRoute, startMixedLoad, startMixedUpstream } from './mixed-load.ts';

const LOAD_MS = 6_000;
/** Connections to upstreams are kept for 4 s. */
const KEPT_MS = 4_500;
const TRIES = 8;
/** Its channel and its standard streams are sockets, too. */
const OWN_SOCKETS = 4;
const NOTHING = { Socket: 0, Http1Connection: 0, Http2Connection: 0, Answer: 0, UpstreamConnection: 0 };

it('when all clients have gone, nothing of them is left', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rigil-held-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  await using upstream = await startMixedUpstream();
  const env = countingEnvironment(folder);
  await using daemon = await startDaemon(mixedRoute(upstream), { workers: 1, env });
  const worker = (await daemon.status()).workers[0]?.pid ?? 0;
  const counted = async () => {
    const { Socket: sockets = 0, ...rest } =
      (await heldBy(folder, [worker], 'objects')).get(worker)?.objects ?? {};
    return { ...rest, Socket: Math.max(0, sockets - OWN_SOCKETS) };
  };

  const load = startMixedLoad(daemon, 100);
  await delay(LOAD_MS / 2);
  daemon.configure(mixedRoute(upstream, 'other.test'));
  expect((await daemon.reload()).event).toBe('config.loaded');
  await delay(LOAD_MS / 2);
  const { begun, failed } = await load.stop();
  expect(Object.keys(begun)).toHaveLength(11);
  expect(failed).toEqual({});

  let left = {};
  for (let tries = 0; tries < TRIES; tries++) {
    await delay(KEPT_MS);
    left = await counted();
    if (isDeepStrictEqual(left, NOTHING)) break;
  }
  expect(left).toEqual(NOTHING);
}, 120_000);
