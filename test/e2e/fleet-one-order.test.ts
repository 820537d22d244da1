import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Pebble, pebbles, startPebble } from '../pebble.ts';
import { has } from '../peers.ts';
import { type RedisUnderTest, startRedis } from '../redis.ts';
import { startTcpProxy, type TcpProxy } from '../tcp-proxy.ts';
import { type CaGate, startCaGate } from './ca-gate.ts';
import { type Daemon, eventually } from './daemon.ts';
import { serialAt, serialSoonAt, startNode } from './fleet.ts';

const [programs] = pebbles();
const NAMES = ['stopped.test', 'killed.test', 'cut.test'] as const;

/** Whatever happens to the machine that orders, its order is the only one. */
describe.skipIf(programs === undefined || !has('redis-server'))(
  'an order in a fleet',
  { timeout: 240_000 },
  () => {
    let redis: RedisUnderTest;
    let wire: TcpProxy;
    let pebble: Pebble;
    let gate: CaGate;
    let folder: string;
    const nodes: Daemon[] = [];

    beforeEach(async () => {
      if (programs === undefined) throw new Error('there is no Pebble');
      folder = mkdtempSync(join(tmpdir(), 'rigil-one-order-'));
      redis = await startRedis(['--appendonly', 'yes', '--appendfsync', 'always']);
      wire = await startTcpProxy(redis.port);
      // A refused nonce would make two requests of one order.
      pebble = await startPebble(programs, { environment: { PEBBLE_WFE_NONCEREJECT: '0' } });
    });
    afterEach(async () => {
      for (const { child } of nodes) child.kill('SIGCONT');
      await Promise.all(nodes.splice(0).map(end));
      await gate[Symbol.asyncDispose]();
      await pebble.stop();
      await wire[Symbol.asyncDispose]();
      await redis.close();
      rmSync(folder, { recursive: true, force: true });
    });

    async function node(
      name: string,
      names: readonly string[],
      { url = redis.url, issuer = 'ca' } = {},
    ): Promise<Daemon> {
      const ca = `issuer ca\n  directory ${pebble.directory}\n  ca-root ${pebble.caRoot}\n  challenge http-01\n`;
      const issuers = `${ca}issuer internal\n  type internal\n`;
      const routes = names.map((each) => `route ${each}\n  provider ${issuer}\n  upstream 127.0.0.1:9\n`);
      const started = await startNode(issuers + routes.join(''), {
        redis: url,
        cache: join(folder, name),
        healthy: false,
      });
      nodes.push(started);
      return started;
    }

    /** The node that the CA meets; it orders nothing. */
    async function answering(): Promise<void> {
      const { ports } = await node('answers', ['other.localhost'], { issuer: 'internal' });
      gate = await startCaGate(pebble.httpPort, ports.http);
    }

    const asked = (what: string) => pebble.log().split(`POST /${what}`).length - 1;
    const theCaToLook = (times: number) =>
      eventually('the CA to look', async () => (gate.waiting >= times ? true : undefined), pebble.log);

    it('outlives the one who made it: stopped, killed or cut off for longer than its lock', async () => {
      await answering();
      const [stopped, killed, cut] = await Promise.all([
        node('stopped', ['stopped.test']),
        node('killed', ['killed.test']),
        node('cut', ['cut.test'], { url: `redis://127.0.0.1:${wire.port}` }),
      ]);
      await theCaToLook(3);
      // One waits for the locks already.
      const next = await node('next', NAMES);
      stopped.child.kill('SIGSTOP');
      killed.child.kill('SIGKILL');
      wire.set('hole');
      gate.open();

      const serials = await Promise.all(NAMES.map((name) => serialSoonAt(next, name)));
      const resumed = next.events().filter(({ event }) => event === 'order.resumed');
      expect(new Set(resumed.map(({ id }) => id))).toEqual(new Set(NAMES));
      stopped.child.kill('SIGCONT');
      wire.set('open');
      for (const [index, holder] of [stopped, killed, cut].entries()) {
        if (holder === killed) continue;
        const name = NAMES[index] ?? '';
        await eventually(
          `${name} to be taken over by the one who ordered it first`,
          async () => ((await serialAt(holder, name)) === serials[index] ? true : undefined),
          () => JSON.stringify(holder.events(), null, 1),
          60_000,
        );
      }
      expect(asked('order-plz')).toBe(3);
      expect(asked('finalize-order')).toBe(3);
      for (const name of NAMES) {
        expect(await redis.client.hget(`{rigil}:cert:ca/${name}`, 'generation')).toBe('1');
      }
      expect(await redis.client.hlen('{rigil}:doc:orders')).toBe(0);
    });

    it('outlives a Redis that is killed', async () => {
      await answering();
      const racing = await Promise.all(['a', 'b', 'c'].map((name) => node(name, ['one.test'])));
      await theCaToLook(1);
      await redis.kill();
      gate.open();
      await redis.start();
      const serials = await Promise.all(racing.map((each) => serialSoonAt(each, 'one.test')));
      expect(new Set(serials).size).toBe(1);
      expect(asked('order-plz')).toBe(1);
      expect(asked('finalize-order')).toBe(1);
    });
  },
);

/** Ends a daemon, and the workers that one leaves behind which was killed. */
async function end(node: Daemon): Promise<void> {
  const left = node.child.signalCode === 'SIGKILL' ? node.events() : [];
  await node[Symbol.asyncDispose]();
  for (const { event, pid } of left) {
    if (event !== 'worker.started' || typeof pid !== 'number') continue;
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
}
