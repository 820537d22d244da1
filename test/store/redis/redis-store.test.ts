import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe } from 'vitest';
import type { RedisStore } from '../../../src/store/redis/redis-store.ts';
import { Seal } from '../../../src/store/seal.ts';
import { has } from '../../peers.ts';
import { type RedisUnderTest, startRedis } from '../../redis.ts';
import { describeStore } from '../conformance.ts';
import { openRedisStore, ownPrefix } from './open.ts';

describe.skipIf(!has('redis-server'))('a store in Redis', () => {
  let redis: RedisUnderTest;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis?.close());

  const make = (seal: Seal) => async () => {
    const prefix = ownPrefix();
    const opened: RedisStore[] = [];
    return {
      open: () => {
        const store = openRedisStore({ port: redis.port, prefix, seal });
        opened.push(store);
        return store;
      },
      close: async () => {
        await Promise.all(opened.map((store) => store.close()));
      },
    };
  };
  describeStore('as it is', make(new Seal([])));
  describeStore('sealed', make(new Seal([randomBytes(32)])));
});
