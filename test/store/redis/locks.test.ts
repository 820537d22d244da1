import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Certificate } from '../../../src/certs/certificate.ts';
import { lockKeyOf } from '../../../src/certs/ports.ts';
import { RedisLock } from '../../../src/store/redis/locks.ts';
import type { RedisStore } from '../../../src/store/redis/redis-store.ts';
import { DAY, START } from '../../certs/make.ts';
import { realCertificate } from '../../certs/real-certificate.ts';
import { has } from '../../peers.ts';
import { type RedisUnderTest, startRedis } from '../../redis.ts';
import { HandClock } from './hand-clock.ts';
import { openRedisStore, ownPrefix, saveUnderLock } from './open.ts';

const never = new AbortController().signal;

describe.skipIf(!has('redis-server'))('a lock in Redis', () => {
  let redis: RedisUnderTest;
  let prefix: string;
  let clock: HandClock;
  let store: RedisStore;
  let elsewhere: RedisStore;
  let first: Certificate;
  let second: Certificate;
  const lockKey = () => `{${prefix}}:lock:${lockKeyOf('example.com')}`;

  beforeAll(async () => {
    redis = await startRedis();
    first = await realCertificate();
    second = await realCertificate({ notBefore: START + DAY });
  });
  afterAll(() => redis?.close());
  beforeEach(() => {
    prefix = ownPrefix();
    clock = new HandClock();
    store = openRedisStore({ port: redis.port, prefix, clock });
    elsewhere = openRedisStore({ port: redis.port, prefix });
  });
  afterEach(() => Promise.all([store.close(), elsewhere.close()]));

  async function take(from: RedisStore): Promise<RedisLock> {
    const lock = await from.lock(lockKeyOf('example.com'), never);
    if (!(lock instanceof RedisLock)) throw new Error('this is another lock');
    return lock;
  }

  it('that ran out lets nobody store with it', async () => {
    const stale = await take(store);
    await redis.client.del(lockKey());
    await saveUnderLock(elsewhere, second);
    await expect(store.save(first, stale)).rejects.toMatchObject({ code: 'lock-lost' });
    expect(stale.lost.aborted).toBe(true);
    expect(await store.load('ca', 'example.com')).toEqual(second);
  });

  it('with an older fence than the last save is refused, whatever the lock says', async () => {
    const stale = await take(store);
    await redis.client.del(lockKey());
    await saveUnderLock(elsewhere, second);
    // As after a failover to a replica that knows the former lock only.
    await redis.client.set(lockKey(), stale.token);
    await expect(store.save(first, stale)).rejects.toMatchObject({ code: 'lock-lost' });
    expect(await store.load('ca', 'example.com')).toEqual(second);
  });

  it('is extended while its holder lives', async () => {
    const lock = await take(store);
    await redis.client.pexpire(lockKey(), 2_000);
    clock.pass(5_000);
    await expect.poll(() => redis.client.pttl(lockKey())).toBeGreaterThan(10_000);
    expect(lock.lost.aborted).toBe(false);
    await lock.release();
    expect(await redis.client.exists(lockKey())).toBe(0);
  });

  it('is lost when Redis gave it to another', async () => {
    const lock = await take(store);
    await redis.client.set(lockKey(), 'another');
    clock.pass(5_000);
    await expect.poll(() => lock.lost.aborted).toBe(true);
    await lock.release();
    expect(await redis.client.get(lockKey())).toBe('another');
  });

  it('is lost when nothing was heard of it for its life, as after a stop', async () => {
    const lock = await take(store);
    clock.pass(15_000);
    expect(lock.lost.aborted).toBe(true);
    await expect(store.save(first, lock)).rejects.toMatchObject({ code: 'lock-lost' });
    expect(await store.load('ca', 'example.com')).toBeNull();
  });

  it('expires by itself when its holder died', async () => {
    await take(store);
    expect(await redis.client.pttl(lockKey())).toBeGreaterThan(0);
    await redis.client.pexpire(lockKey(), 100);
    const next = await take(elsewhere);
    await next.release();
  });
});
