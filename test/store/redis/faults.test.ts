import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockKeyOf } from '../../../src/certs/ports.ts';
import type { Event } from '../../../src/events/event.ts';
import type { RedisStore } from '../../../src/store/redis/redis-store.ts';
import { DAY, START } from '../../certs/make.ts';
import { realCertificate } from '../../certs/real-certificate.ts';
import { has } from '../../peers.ts';
import { freePort, type RedisUnderTest, startRedis } from '../../redis.ts';
import { type OpenOptions, openRedisStore, saveUnderLock } from './open.ts';

const never = new AbortController().signal;

describe.skipIf(!has('redis-server'))('a Redis that is not well', { timeout: 60_000 }, () => {
  let redis: RedisUnderTest;
  const opened: RedisStore[] = [];
  const open = (options: Partial<OpenOptions> = {}): RedisStore => {
    const store = openRedisStore({ port: redis.port, ...options });
    opened.push(store);
    return store;
  };
  beforeEach(async () => {
    redis = await startRedis(['--appendonly', 'yes', '--enable-debug-command', 'yes']);
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((store) => store.close()));
    await redis.close();
  });

  const connections = async () =>
    Number(/^total_connections_received:(\d+)/m.exec(await redis.client.info('stats'))?.[1]);

  /** Resolves when the store takes a certificate. */
  async function recovered(store: RedisStore): Promise<void> {
    const certificate = await realCertificate({ id: 'after.test' });
    await expect
      .poll(() => saveUnderLock(store, certificate).then(() => 'saved', String), { timeout: 30_000 })
      .toBe('saved');
  }

  it('has no memory left: what is there is read, nothing is stored by half, and it is told', async () => {
    const store = open();
    const [first, second] = [await realCertificate(), await realCertificate({ notBefore: START + DAY })];
    const lock = await store.lock(lockKeyOf('example.com'), never);
    await store.save(first, lock);
    await redis.client.config('SET', 'maxmemory', '1');
    const full = { code: 'store-unwritable', hint: expect.stringContaining('maxmemory') };
    await expect(store.save(second, lock)).rejects.toMatchObject(full);
    await expect(store.lock('another', never)).rejects.toMatchObject(full);
    await expect(store.documents.writeDocument(['accounts', 'a'], 'b')).rejects.toMatchObject(full);
    expect((await open().readAll(never)).whole).toEqual([first]);
    expect(await store.history('ca', 'example.com')).toHaveLength(1);
    // What makes room goes on working.
    await store.documents.removeDocument(['accounts', 'a']);
    await lock.release();
    expect(await redis.client.exists(`{rigil}:lock:${lockKeyOf('example.com')}`)).toBe(0);
    await redis.client.config('SET', 'maxmemory', '0');
    await saveUnderLock(store, second);
    expect(await store.load('ca', 'example.com')).toEqual(second);
  });

  it('has become a replica: it is read, not connected to again and again, and written when it is a master', async () => {
    const events: Event[] = [];
    const store = open({ events });
    const certificate = await realCertificate();
    await saveUnderLock(store, certificate);
    const leave = await store.acquireDaemonLock({ signal: never });
    await redis.client.call('REPLICAOF', '127.0.0.1', String(await freePort()));
    const before = await connections();
    for (let tries = 0; tries < 30; tries += 1) {
      // One of them ends the connection: another one may lead to the master.
      const refused = await saveUnderLock(store, certificate).catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: expect.stringMatching(/^store-un(writable|reachable)$/) });
      await delay(50);
    }
    expect((await connections()) - before).toBeLessThan(4);
    await expect(saveUnderLock(store, certificate)).rejects.toMatchObject({
      code: 'store-unwritable',
      hint: expect.stringContaining('replica'),
    });
    expect((await store.readAll(never)).whole).toEqual([certificate]);
    expect(events.filter(({ event }) => event === 'store.lost').length).toBeLessThan(3);
    await redis.client.call('REPLICAOF', 'NO', 'ONE');
    await recovered(store);
    await leave.release();
  });

  it('has forgotten the scripts', async () => {
    const store = open();
    const certificate = await realCertificate();
    await saveUnderLock(store, certificate);
    const lock = await store.lock(lockKeyOf('example.com'), never);
    await redis.client.script('FLUSH');
    await store.save(certificate, lock);
    await redis.client.script('FLUSH');
    expect((await store.readAll(never)).whole).toEqual([certificate]);
    await redis.client.script('FLUSH');
    await lock.release();
    expect(await redis.client.exists(`{rigil}:lock:${lockKeyOf('example.com')}`)).toBe(0);
  });

  it('answers nothing for a while: everybody is told in time, and nothing piles up', async () => {
    const warned: unknown[] = [];
    const warn = (warning: unknown) => warned.push(warning);
    process.on('warning', warn);
    const store = open();
    await saveUnderLock(store, await realCertificate());
    await redis.client.ping();
    const stalled = redis.client.call('DEBUG', 'SLEEP', '7').catch(() => {});
    await delay(200);
    const startedAt = Date.now();
    const asked = Array.from({ length: 500 }, () => store.find('example.com').then(() => 'found', String));
    const outcomes = await Promise.all(asked);
    expect(outcomes.every((outcome) => outcome.includes('does not answer'))).toBe(true);
    // Five seconds for each, all at once.
    expect(Date.now() - startedAt).toBeLessThan(11_000);
    expect(store.state().up).toBe(false);
    // Without a connection it fails at once: nothing waits in a queue for it to come back.
    await expect
      .poll(() => store.find('example.com').catch(String), { timeout: 10_000 })
      .toContain('does not');
    const later = Date.now();
    await Promise.all(Array.from({ length: 500 }, () => store.find('example.com').catch(() => {})));
    expect(Date.now() - later).toBeLessThan(5_500);
    await stalled;
    await recovered(store);
    const answered = Number(
      /^cmdstat_evalsha:calls=(\d+)/m.exec(await redis.client.info('commandstats'))?.[1],
    );
    process.off('warning', warn);
    expect(warned).toEqual([]);
    // What had timed out was not sent a second time.
    expect(answered).toBeLessThan(600);
  });

  it('reads its disk', async () => {
    const store = open();
    const certificate = await realCertificate();
    await saveUnderLock(store, certificate);
    await redis.client.call('DEBUG', 'POPULATE', '3000', 'filler', '100');
    await redis.client.config('SET', 'appendonly', 'no');
    await redis.client.save();
    await redis.kill();
    await redis.start([
      '--appendonly',
      'no',
      '--key-load-delay',
      '2500',
      '--loading-process-events-interval-bytes',
      '1024',
    ]);
    const refused = await open()
      .list()
      .catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'store-unreachable' });
    await expect
      .poll(() => store.load('ca', 'example.com').catch(String), { timeout: 30_000 })
      .toEqual(certificate);
  });

  it('wants a password all of a sudden: it is told, and goes on when it does not', async () => {
    const events: Event[] = [];
    const store = open({ events });
    await store.list();
    await redis.client.config('SET', 'requirepass', 's3cret');
    await redis.client.call('AUTH', 's3cret');
    await redis.client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await expect
      .poll(() => store.list().catch((error: unknown) => error), { timeout: 10_000 })
      .toMatchObject({ code: 'store-unreadable', hint: expect.stringContaining('password') });
    expect(store.state()).toMatchObject({ up: false, lastError: expect.stringContaining('NOAUTH') });
    await redis.client.config('SET', 'requirepass', '');
    await recovered(store);
    expect(events.map(({ event }) => event)).toEqual(['store.lost', 'store.connected']);
  });

  it('takes no more connections', async () => {
    await redis.client.config('SET', 'maxclients', '1');
    const store = open();
    await expect(store.list()).rejects.toMatchObject({ code: 'store-unreachable' });
    await redis.client.config('SET', 'maxclients', '100');
    await recovered(store);
  });

  it('lets nobody hear what is published: it is told once, without connecting again and again', async () => {
    await redis.client.call('ACL', 'SETUSER', 'rigil', 'on', '>s3cret', '~*', 'resetchannels', '+@all');
    const events: Event[] = [];
    const store = open({ events, user: 'rigil', password: 's3cret' });
    await store.list();
    const stop = store.watch(() => {});
    const warned = () => events.filter(({ event }) => event === 'store.warning');
    await expect.poll(() => warned().length, { timeout: 10_000 }).toBe(1);
    expect(warned()[0]).toMatchObject({ hint: expect.stringContaining('docs/fleet.md') });
    const before = await connections();
    await delay(2_000);
    expect((await connections()) - before).toBeLessThan(2);
    expect(warned()).toHaveLength(1);
    stop();
  });

  it('ends the listening of a user that may not listen any more, and the program goes on', async () => {
    await redis.client.call('ACL', 'SETUSER', 'rigil', 'on', '>s3cret', '~*', 'allchannels', '+@all');
    const user = { user: 'rigil', password: 's3cret' };
    const [store, events] = [open(user), [] as Event[]];
    const listening = open({ ...user, events });
    let heard = 0;
    const stop = listening.watch(() => {
      heard += 1;
    });
    await expect.poll(() => heard, { timeout: 10_000 }).toBeGreaterThan(0);
    await redis.client.call('ACL', 'SETUSER', 'rigil', 'resetchannels');
    await expect
      .poll(() => events.some(({ event }) => event === 'store.warning'), { timeout: 10_000 })
      .toBe(true);
    await redis.client.call('ACL', 'SETUSER', 'rigil', 'allchannels');
    const before = heard;
    await expect
      .poll(
        async () => {
          await saveUnderLock(store, await realCertificate());
          return heard > before;
        },
        { timeout: 30_000, interval: 500 },
      )
      .toBe(true);
    stop();
  });
});
