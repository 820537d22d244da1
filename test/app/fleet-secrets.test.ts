import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { StickyTokens } from '../../src/app/sticky-tokens.ts';
import { TicketKeys } from '../../src/app/ticket-keys.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { systemRandom } from '../../src/platform/random.ts';
import type { Upstream } from '../../src/routing/route.ts';
import type { RedisStore } from '../../src/store/redis/redis-store.ts';
import { has } from '../peers.ts';
import { type RedisUnderTest, startRedis } from '../redis.ts';
import { openRedisStore, ownPrefix } from '../store/redis/open.ts';

const MACHINES = 4;
const ROUNDS = 10;
const UPSTREAM = { kind: 'tcp', host: '127.0.0.1', port: 1, tls: null } as unknown as Upstream;

/** One for each machine, and what it has been told. */
interface Tokens {
  readonly tokens: StickyTokens;
  changes: number;
}

describe.skipIf(!has('redis-server'))('secrets of machines that share a store', () => {
  let redis: RedisUnderTest;
  const opened: RedisStore[] = [];
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis?.close());
  afterEach(() => Promise.all(opened.splice(0).map((store) => store.close())));

  /** Stores of several machines, connected: what follows is a race. */
  async function machines(prefix: string, count = MACHINES): Promise<readonly RedisStore[]> {
    const stores = Array.from({ length: count }, () => openRedisStore({ port: redis.port, prefix }));
    opened.push(...stores);
    await Promise.all(stores.map((store) => store.list()));
    return stores;
  }

  function stickyTokens(store: RedisStore): Tokens {
    const of: Tokens = {
      changes: 0,
      tokens: new StickyTokens({
        store,
        random: systemRandom,
        emit: () => {},
        onChange: () => {
          of.changes += 1;
        },
      }),
    };
    return of;
  }

  it('that seal tickets are one, when all of them begin at the same moment', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const faults: unknown[] = [];
      const nodes = (await machines(ownPrefix())).map(
        (store) =>
          new TicketKeys({
            ...{ store, clock: systemClock, random: systemRandom, use: () => {} },
            onFault: (fault) => faults.push(fault),
          }),
      );
      await Promise.all(nodes.map((node) => node.start()));
      expect(faults).toEqual([]);
      expect(new Set(nodes.map(({ keys }) => Buffer.from(keys).toString('hex'))).size).toBe(1);
    }
  });

  it('behind sticky cookies are one, when all of them begin at the same moment', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const nodes = (await machines(ownPrefix())).map(stickyTokens);
      await Promise.all(nodes.map(({ tokens }) => tokens.recall()));
      expect(new Set(nodes.map(({ tokens }) => tokens.of('one', UPSTREAM))).size).toBe(1);
    }
  });

  it('behind sticky cookies are one again after a machine began without the store', async () => {
    const [store, other] = await machines(ownPrefix(), 2);
    if (store === undefined || other === undefined) throw new Error('there are two');
    const [first, alone] = [stickyTokens(store), stickyTokens(other)];
    await first.tokens.recall();
    const expected = first.tokens.of('one', UPSTREAM);
    expect(alone.tokens.of('one', UPSTREAM)).not.toBe(expected);
    // What a connect does: anything may have been missed.
    const stop = alone.tokens.watch();
    await expect.poll(() => alone.changes).toBe(1);
    stop();
    expect(alone.tokens.of('one', UPSTREAM)).toBe(expected);
    expect(first.changes).toBe(0);
  });

  it('behind sticky cookies come back when the store has lost them', async () => {
    const prefix = ownPrefix();
    const [store, other] = await machines(prefix, 2);
    if (store === undefined || other === undefined) throw new Error('there are two');
    const [first, second] = [stickyTokens(store), stickyTokens(other)];
    await Promise.all([first, second].map(({ tokens }) => tokens.recall()));
    const expected = first.tokens.of('one', UPSTREAM);
    await redis.client.del(`{${prefix}}:doc:routes`);
    await second.tokens.recall();
    const [third] = (await machines(prefix, 1)).map(stickyTokens);
    await third?.tokens.recall();
    expect(third?.tokens.of('one', UPSTREAM)).toBe(expected);
  });
});
