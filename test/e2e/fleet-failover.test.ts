import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { has } from '../peers.ts';
import { SENTINEL_PASSWORD, type SentinelSet, startSentinelSet } from '../redis-topologies.ts';
import { type Daemon, eventually, rigil } from './daemon.ts';
import { ordered, serialAt, startNode } from './fleet.ts';

const ROUTE = 'route one.localhost\n  upstream 127.0.0.1:9\n';
const ENV = { RIGIL_SEAL: randomBytes(32).toString('base64'), SENTINEL_PASSWORD };

describe.skipIf(!has('redis-server'))('daemons behind a sentinel', { timeout: 120_000 }, () => {
  let set: SentinelSet;
  let folder: string;
  const nodes: Daemon[] = [];

  beforeEach(async () => {
    set = await startSentinelSet();
    folder = mkdtempSync(join(tmpdir(), 'rigil-failover-'));
  }, 60_000);
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((node) => node[Symbol.asyncDispose]()));
    await set[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  async function node(name: string): Promise<Daemon> {
    const started = await startNode(ROUTE, {
      redis: `${set.url} seal=env:RIGIL_SEAL sentinel-password=\${SENTINEL_PASSWORD}`,
      cache: join(folder, name),
      env: ENV,
    });
    nodes.push(started);
    return started;
  }

  const renew = (at: Daemon, ...args: string[]) =>
    rigil(['certs', 'renew', ...args, '-c', at.configFile], { env: ENV });

  const shown = (at: Daemon, from: string | null) =>
    eventually('another certificate', async () => {
      const serial = await serialAt(at, 'one.localhost');
      return serial !== null && serial !== from ? serial : undefined;
    });

  /** Shakes hands again and again, until the returned function is called; it gives how many failed. */
  function clients(at: Daemon): () => Promise<{ done: number; failed: number }> {
    const count = { done: 0, failed: 0 };
    let stopped = false;
    const work = (async () => {
      while (!stopped) {
        count[(await serialAt(at, 'one.localhost')) === null ? 'failed' : 'done'] += 1;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    return async () => {
      stopped = true;
      await work;
      return count;
    };
  }

  it('serve through a failover, and share what is renewed after it', async () => {
    const [a, b] = [await node('a'), await node('b')];
    const serial = await serialAt(a, 'one.localhost');
    const stop = clients(a);
    await set.inStep();
    await set.failOver();
    await eventually('both to have found the new master', async () => {
      const list = String(await set.replica.client.call('CLIENT', 'LIST'));
      const daemons = await set.replica.client.zcard('{rigil}:alive');
      return (daemons === 2 && (list.match(/name=rigil/g)?.length ?? 0) >= 4) || undefined;
    });
    expect((await renew(a, '--force', 'one.localhost')).code).toBe(0);
    const after = await shown(a, serial);
    expect(await shown(b, serial)).toBe(after);
    const { done, failed } = await stop();
    expect(failed).toBe(0);
    expect(done).toBeGreaterThan(10);
    expect(ordered(a, b)).toBe(1);
  });

  it('put back what a failover has lost, serve it all the time, and order nothing', async () => {
    const [a, b] = [await node('a'), await node('b')];
    const serial = await serialAt(a, 'one.localhost');
    await set.inStep();
    // From here on the replica hears nothing, and takes that for silence.
    set.wire.set('hole');
    expect((await renew(a, '--force', 'one.localhost')).code).toBe(0);
    const after = await shown(a, serial);
    expect(await shown(b, serial)).toBe(after);
    const stop = clients(b);
    await set.master.kill();
    await set.promoted();
    const lost = await set.replica.client.hget('{rigil}:index', 'internal/one.localhost');
    expect(lost).not.toBeNull();
    await Promise.any([a, b].map((each) => each.event('store.restored')));
    await eventually('the certificate to be back', async () => {
      const now = await set.replica.client.hget('{rigil}:index', 'internal/one.localhost');
      return (now !== null && now !== lost && now.toLowerCase().includes(after.toLowerCase())) || undefined;
    });
    // Cron finds nothing to do.
    const cron = await renew(b, '--json');
    expect(JSON.parse(cron.stdout)).toMatchObject({ renewed: [], failed: [] });
    for (const each of [a, b]) expect(await serialAt(each, 'one.localhost')).toBe(after);
    expect((await stop()).failed).toBe(0);
    expect(ordered(a, b)).toBe(1);
  });
});
