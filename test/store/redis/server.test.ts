import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { lockKeyOf } from '../../../src/certs/ports.ts';
import type { Event } from '../../../src/events/event.ts';
import { Seal } from '../../../src/store/seal.ts';
import { realCertificate } from '../../certs/real-certificate.ts';
import { has } from '../../peers.ts';
import { type RedisUnderTest, startRedis } from '../../redis.ts';
import { type OpenOptions, openRedisStore, saveUnderLock } from './open.ts';

const never = new AbortController().signal;

describe.skipIf(!has('redis-server'))('a Redis', () => {
  let redis: RedisUnderTest;
  const opened: ReturnType<typeof openRedisStore>[] = [];
  const open = (options: Partial<OpenOptions> = {}) => {
    const store = openRedisStore({ port: redis.port, ...options });
    opened.push(store);
    return store;
  };
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((store) => store.close()));
    await redis.close();
  });

  async function warnings(options: Partial<OpenOptions> = {}): Promise<string[]> {
    const events: Event[] = [];
    const store = open({ events, ...options });
    const lock = await store.acquireDaemonLock({ signal: never });
    await expect.poll(() => store.state().up).toBe(true);
    await store.list();
    await new Promise((resolve) => setTimeout(resolve, 200));
    await lock.release();
    return events.flatMap((event) => (event.event === 'store.warning' ? [event.hint] : []));
  }

  it('that forgets is warned of', async () => {
    redis = await startRedis(['--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru']);
    expect(await warnings()).toEqual([
      expect.stringContaining('maxmemory-policy noeviction'),
      expect.stringContaining('appendonly yes'),
    ]);
  });

  it('that keeps everything is not', async () => {
    redis = await startRedis(['--appendonly', 'yes', '--maxmemory', '100mb']);
    expect(await warnings()).toEqual([]);
  });

  it('may give rigil a user of its own with what the guide lists', async () => {
    const guide = await readFile(join(import.meta.dirname, '../../../docs/fleet.md'), 'utf8');
    const [, rules = ''] = /^ACL SETUSER rigil (.*)$/m.exec(guide) ?? [];
    redis = await startRedis(['--appendonly', 'yes']);
    await redis.client.call('ACL', 'SETUSER', 'rigil', ...rules.replace('PASSWORD', 's3cret').split(' '));
    await redis.client.call('ACL', 'SETUSER', 'default', 'resetpass', '>other');
    const user = { user: 'rigil', password: 's3cret' };
    expect(await warnings(user)).toEqual([]);
    const certificate = await realCertificate();
    const store = open(user);
    await saveUnderLock(store, certificate);
    expect((await store.readAll(never)).whole).toEqual([certificate]);
    await store.documents.writeDocument(['accounts', 'a'], 'b');
    await store.documents.removeDocument(['accounts', 'a']);
    await store.reseal();
  });

  it('that refuses says why, and does not count as away', async () => {
    redis = await startRedis(['--requirepass', 's3cret']);
    const refused = { code: 'store-unreadable', message: expect.not.stringContaining('wr0ng') };
    await expect(open({ password: 'wr0ng' }).list()).rejects.toMatchObject(refused);
    await expect(open().list()).rejects.toMatchObject(refused);
  });

  it('keeps no secret that could be read in a dump, if the store is sealed', async () => {
    redis = await startRedis(['--rdbcompression', 'no']);
    const certificate = await realCertificate();
    const secret = certificate.key.split('\n')[1] ?? '-';
    const fill = async (options: Partial<OpenOptions>): Promise<string> => {
      const store = open(options);
      await saveUnderLock(store, certificate);
      const lock = await store.lock(lockKeyOf('b.test'), new AbortController().signal);
      await store.writeOrder('b.test', `order ${secret}`, lock).finally(() => lock.release());
      await store.documents.writeDocument(['accounts', 'ca', 'x'], `account ${secret}`);
      await store.fleet.replaceDocument(['tickets', 'x'], null, Buffer.from(`tickets ${secret}`));
      await redis.client.save();
      return readFile(join(redis.folder, 'dump.rdb'), 'latin1');
    };
    expect(await fill({ seal: new Seal([randomBytes(32)]) })).not.toMatch(
      new RegExp(`PRIVATE KEY|${secret.slice(8, 20)}`),
    );
    // What was looked for would have been found.
    expect(await fill({ prefix: 'plain' })).toContain(secret.slice(8, 20));
  });

  it('that is sealed is not read or written with other keys, nor without', async () => {
    redis = await startRedis();
    const [older, newer] = [randomBytes(32), randomBytes(32)];
    const certificate = await realCertificate();
    await saveUnderLock(open({ seal: new Seal([older]) }), certificate);
    const sealed = { code: 'store-sealed' };
    for (const seal of [new Seal([]), new Seal([newer])]) {
      const store = open({ seal });
      await expect(store.list()).rejects.toMatchObject(sealed);
      await expect(store.readAll(never)).rejects.toMatchObject(sealed);
      await expect(saveUnderLock(store, certificate)).rejects.toMatchObject(sealed);
    }
    const rotated = open({ seal: new Seal([newer, older]) });
    await rotated.documents.writeDocument(['accounts', 'a'], 'b');
    await saveUnderLock(rotated, certificate);
    expect(await rotated.reseal()).toBe(1);
    expect(await rotated.reseal()).toBe(0);
    const now = open({ seal: new Seal([newer]) });
    expect((await now.readAll(never)).whole).toEqual([certificate]);
    expect(await now.history('ca', 'example.com')).toHaveLength(2);
  });

  it('of former times is sealed by resealing', async () => {
    redis = await startRedis();
    const certificate = await realCertificate();
    const plain = open();
    await saveUnderLock(plain, certificate);
    await plain.documents.writeDocument(['accounts', 'ca', 'x'], 'account');
    const seal = new Seal([randomBytes(32)]);
    expect(await open({ seal }).reseal()).toBe(2);
    expect((await open({ seal }).readAll(never)).whole).toEqual([certificate]);
    await expect(open().load('ca', 'example.com')).rejects.toMatchObject({ code: 'store-sealed' });
  });
});
