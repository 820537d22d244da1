import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Event } from '../../../src/events/event.ts';
import type { RedisStore } from '../../../src/store/redis/redis-store.ts';
import { DAY, START } from '../../certs/make.ts';
import { realCertificate } from '../../certs/real-certificate.ts';
import { has } from '../../peers.ts';
import { type RedisUnderTest, startRedis } from '../../redis.ts';
import { HandClock } from './hand-clock.ts';
import { openRedisStore, saveUnderLock } from './open.ts';

const never = new AbortController().signal;
const ROOT = ['authorities', 'internal', 'root.key'] as const;

/** A daemon's store, as far as its machine has one. */
interface Node {
  readonly store: RedisStore;
  readonly clock: HandClock;
  readonly events: Event[];
}

describe.skipIf(!has('redis-server'))('writes that Redis lost', () => {
  let redis: RedisUnderTest;
  let folder: string;
  const leave: (() => Promise<unknown>)[] = [];

  beforeEach(async () => {
    redis = await startRedis();
    folder = await mkdtemp(join(tmpdir(), 'rigil-recovery-'));
  });
  afterEach(async () => {
    for (const each of leave.splice(0)) await each();
    await redis.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function enter(name: string): Promise<Node> {
    const [clock, events] = [new HandClock(), [] as Event[]];
    const store = openRedisStore({ port: redis.port, copyDirectory: join(folder, name), clock, events });
    const lock = await store.acquireDaemonLock({ signal: never });
    leave.push(
      () => lock.release(),
      () => store.close(),
    );
    return { store, clock, events };
  }

  /** Lets a daemon show life until `is` is so. */
  async function beating({ clock }: Node, is: () => boolean | Promise<boolean>): Promise<void> {
    await expect
      .poll(
        async () => {
          clock.pass(1);
          return is();
        },
        { timeout: 10_000 },
      )
      .toBe(true);
  }

  const epoch = async () => Number(await redis.client.hget('{rigil}:epoch', 'writes'));
  const restored = ({ events }: Node) => events.filter((event) => event.event === 'store.restored');

  /** How much a daemon has put back, in however many steps: after a reconnection certificates come before documents. */
  const putBack = (node: Node) =>
    restored(node).reduce(
      (sum, { certificates, documents }) => ({
        certificates: sum.certificates + certificates,
        documents: sum.documents + documents,
      }),
      { certificates: 0, documents: 0 },
    );

  it('are put back by whoever knows of them, each what it has', async () => {
    const [one, two] = [await enter('one'), await enter('two')];
    const [first, second] = [await realCertificate(), await realCertificate({ id: 'two.test' })];
    await saveUnderLock(one.store, first);
    await one.store.documents.writeDocument(ROOT, 'root');
    await saveUnderLock(two.store, second);
    await beating(one, async () => (await epoch()) === 3);
    await beating(two, async () => (await epoch()) === 3);

    await redis.client.flushall();
    await beating(one, () => putBack(one).certificates === 1 && putBack(one).documents === 1);
    await beating(two, () => putBack(two).certificates === 1);
    expect(await one.store.load('ca', 'two.test')).toEqual(second);
    expect(await two.store.load('ca', 'example.com')).toEqual(first);
    expect(await two.store.documents.readDocument(ROOT)).toEqual(Buffer.from('root'));
    for (let beat = 0; beat < 5; beat += 1) await beating(one, async () => (await epoch()) > 3);
    expect([putBack(one), putBack(two)]).toEqual([
      { certificates: 1, documents: 1 },
      { certificates: 1, documents: 0 },
    ]);
  });

  it('are put back after a restart, too', async () => {
    const one = await enter('one');
    await saveUnderLock(one.store, await realCertificate());
    await beating(one, async () => (await epoch()) === 1);
    for (const each of leave.splice(0)) await each();
    await redis.client.flushall();
    const again = await enter('one');
    await beating(again, () => restored(again).length === 1);
  });

  it('do not come back where something newer is', async () => {
    const one = await enter('one');
    await saveUnderLock(one.store, await realCertificate());
    await beating(one, async () => (await epoch()) === 1);
    const newer = await realCertificate({ notBefore: START + DAY });
    const another = openRedisStore({ port: redis.port });
    leave.push(() => another.close());
    await redis.client.flushall();
    await saveUnderLock(another, newer);
    await redis.client.hset('{rigil}:epoch', 'losses', 1);
    await beating(one, async () => (await epoch()) >= 1);
    for (let beat = 0; beat < 10; beat += 1) await beating(one, () => true);
    expect(await another.load('ca', 'example.com')).toEqual(newer);
  });

  it('what was removed on purpose stays removed', async () => {
    const one = await enter('one');
    await one.store.documents.writeDocument(ROOT, 'root');
    await beating(one, async () => (await epoch()) === 1);
    await redis.client.hdel('{rigil}:doc:authorities', 'internal/root.key');
    for (let beat = 0; beat < 5; beat += 1) await beating(one, () => true);
    expect(await one.store.documents.readDocument(ROOT)).toBeNull();
    expect(restored(one)).toEqual([]);
  });

  it('are put back before anybody hears of what was there before, whatever was counted', async () => {
    const one = await enter('one');
    const [first, second] = [await realCertificate(), await realCertificate({ notBefore: START + DAY })];
    await saveUnderLock(one.store, first);
    const before = await redis.client.dumpBuffer('{rigil}:cert:ca/example.com');
    const facts = await redis.client.hget('{rigil}:index', 'ca/example.com');
    // Somebody whose process is gone stores it, so that nobody knows how many writes there were.
    const another = openRedisStore({ port: redis.port });
    leave.push(() => another.close());
    await saveUnderLock(another, second);
    expect(await one.store.load('ca', 'example.com')).toEqual(second);
    // A failover to a replica that was behind, and that has taken as many other writes since.
    await redis.client.call('RESTORE', '{rigil}:cert:ca/example.com', '0', before, 'REPLACE');
    await redis.client.hset('{rigil}:index', 'ca/example.com', facts ?? '');
    await redis.client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await expect
      .poll(() => one.events.some(({ event }) => event === 'store.connected'), { timeout: 10_000 })
      .toBe(true);
    expect((await one.store.list()).certificates).toEqual([second.facts]);
    expect(await another.load('ca', 'example.com')).toEqual(second);
    expect(restored(one)).toMatchObject([{ certificates: 1, documents: 0 }]);
    await one.store.list();
    expect(restored(one)).toHaveLength(1);
  });

  it('a second daemon of a machine is refused, another machine is not', async () => {
    await enter('one');
    await expect(enter('one')).rejects.toMatchObject({ code: 'store-locked' });
    const two = await enter('two');
    await expect.poll(async () => (await two.store.daemons()).length).toBe(2);
    for (const each of leave.splice(0)) await each();
    expect(await redis.client.zcard('{rigil}:alive')).toBe(0);
  });
});
