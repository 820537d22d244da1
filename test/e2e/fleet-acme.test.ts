import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Pebble, pebbles, startPebble } from '../pebble.ts';
import { has } from '../peers.ts';
import { type RedisUnderTest, startRedis } from '../redis.ts';
import { type Daemon, rigil } from './daemon.ts';
import { serialSoonAt, startNode } from './fleet.ts';

const [programs] = pebbles();
const NAMES = ['one.test', 'two.test', 'three.test'];

describe.skipIf(programs === undefined || !has('redis-server'))(
  'daemons that share a Redis, at a CA',
  { timeout: 240_000 },
  () => {
    let redis: RedisUnderTest;
    let pebble: Pebble;
    let folder: string;
    const nodes: Daemon[] = [];

    beforeEach(async () => {
      folder = mkdtempSync(join(tmpdir(), 'rigil-fleet-'));
      redis = await startRedis(['--appendonly', 'yes']);
    });
    afterEach(async () => {
      await Promise.all(nodes.splice(0).map((node) => node[Symbol.asyncDispose]()));
      await pebble?.stop();
      await redis.close();
      rmSync(folder, { recursive: true, force: true });
    });

    async function ca(): Promise<void> {
      if (programs === undefined) throw new Error('there is no Pebble');
      // A refused nonce would make two requests of one order.
      pebble = await startPebble(programs, { environment: { PEBBLE_WFE_NONCEREJECT: '0' } });
    }

    /** @param http the port that the CA looks at, for one of them */
    async function node(name: string, names: readonly string[], http?: number): Promise<Daemon> {
      const routes = names.map((each) => `route ${each}\n  provider ca\n  upstream 127.0.0.1:9\n`).join('');
      const issuer = `issuer ca\n  directory ${pebble.directory}\n  ca-root ${pebble.caRoot}\n  challenge http-01\n`;
      const started = await startNode(issuer + routes, {
        redis: redis.url,
        cache: join(folder, name),
        healthy: false,
        ...(http === undefined ? {} : { http }),
      });
      nodes.push(started);
      return started;
    }

    const orders = () => pebble.log().match(/POST \/order-plz/g)?.length ?? 0;

    it('make one order for each certificate, with cron racing them', async () => {
      await ca();
      const started = Promise.all([node('a', NAMES, pebble.httpPort), node('b', NAMES), node('c', NAMES)]);
      const [a, b, c] = await started;
      const cron = await rigil(['certs', 'obtain', '--json', '-c', b.configFile]);
      expect(cron.code).toBe(0);
      for (const name of NAMES) {
        const serials = await Promise.all([a, b, c].map((each) => serialSoonAt(each, name)));
        expect(new Set(serials).size).toBe(1);
      }
      expect(orders()).toBe(NAMES.length);
      expect(await redis.client.hlen('{rigil}:doc:challenges')).toBe(0);

      // Two cron jobs at once, on different machines, find nothing that is due.
      const runs = await Promise.all(
        [a, c].map((each) => rigil(['certs', 'renew', '--json', '-c', each.configFile])),
      );
      expect(runs.map(({ code }) => code)).toEqual([0, 0]);
      expect(orders()).toBe(NAMES.length);
    });

    it('answer for each other: the CA meets one that has not ordered', async () => {
      await ca();
      await node('a', ['other.localhost'], pebble.httpPort);
      const b = await node('b', ['one.test']);
      await serialSoonAt(b, 'one.test');
      expect(orders()).toBeGreaterThanOrEqual(1);
      expect(await b.event('certificate.obtain.finished')).toMatchObject({ id: 'one.test' });
    });
  },
);
