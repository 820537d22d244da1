import { createPrivateKey, randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { accountDocuments } from '../../../src/acme/account-documents.ts';
import { StickyTokens } from '../../../src/app/sticky-tokens.ts';
import { TicketKeys } from '../../../src/app/ticket-keys.ts';
import { StoredBoard } from '../../../src/challenges/stored-board.ts';
import type { Event } from '../../../src/events/event.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { systemRandom } from '../../../src/platform/random.ts';
import type { Upstream } from '../../../src/routing/route.ts';
import type { RedisStore } from '../../../src/store/redis/redis-store.ts';
import { Seal } from '../../../src/store/seal.ts';
import { generatePrivateKey } from '../../../src/x509/private-key.ts';
import { DAY, START } from '../../certs/make.ts';
import { realCertificate, selfSigned } from '../../certs/real-certificate.ts';
import { has } from '../../peers.ts';
import { type RedisUnderTest, startRedis } from '../../redis.ts';
import { type OpenOptions, openRedisStore, saveUnderLock } from './open.ts';

const never = new AbortController().signal;
const UPSTREAM = { kind: 'tcp', host: '127.0.0.1', port: 1, tls: null } as unknown as Upstream;
const KEY_AUTHORIZATION = 'tokentokentokentoken.thumbprintthumbprint';
const EAB_SECRET = 'eab-hmac-eab-hmac-eab-hmac';

describe.skipIf(!has('redis-server'))('sealing', { timeout: 60_000 }, () => {
  let redis: RedisUnderTest;
  const seal = new Seal([randomBytes(32)]);
  const opened: RedisStore[] = [];
  const open = (options: Partial<OpenOptions> = {}): RedisStore => {
    const store = openRedisStore({ port: redis.port, ...options });
    opened.push(store);
    return store;
  };
  beforeEach(async () => {
    // What is compressed could not be searched.
    redis = await startRedis(['--appendonly', 'yes', '--appendfsync', 'always', '--rdbcompression', 'no']);
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((store) => store.close()));
    await redis.close();
  });

  /** Has everything stored that holds a secret, by those who store it. Returns the secrets, by name. */
  async function fill(store: RedisStore): Promise<ReadonlyMap<string, string | Buffer>> {
    const secrets = new Map<string, string | Buffer>();
    const addKey = (name: string, pem: string): void => {
      secrets.set(`${name}: a line of its PEM`, pem.split('\n')[1]?.slice(40) ?? '');
      const { d = '' } = createPrivateKey(pem).export({ format: 'jwk' });
      secrets.set(`${name}: its bytes`, Buffer.from(d, 'base64url'));
      secrets.set(`${name}: its bytes as base64url`, d);
    };
    for (const [index, name] of ['the first', 'the second', 'the third'].entries()) {
      const certificate = await realCertificate({ notBefore: START + index * DAY });
      await saveUnderLock(store, certificate);
      addKey(`${name} certificate`, certificate.key);
    }
    const [key, nextKey] = [await generatePrivateKey('p256'), await generatePrivateKey('p256')];
    addKey('an account', key);
    addKey('the next key of an account', nextKey);
    const common = {
      directory: 'https://ca.test/dir',
      issuer: 'ca',
      email: null,
      url: null,
      createdAt: START,
    };
    await accountDocuments(store.documents, store).save({ ...common, key, nextKey, eabKeyId: 'kid' });
    await store.documents.writeDocument(['accounts', 'eab'], EAB_SECRET);
    secrets.set('the secret of an account binding', EAB_SECRET);
    const root = await generatePrivateKey('p256');
    await store.documents.writeDocument(['authorities', 'internal', 'root.key'], root);
    addKey('the root of the local CA', root);
    const tickets = new TicketKeys({
      ...{ store, clock: systemClock, random: systemRandom, use: () => {} },
      onFault: (fault) => {
        throw fault;
      },
    });
    await tickets.start();
    secrets.set('the keys of tickets: their bytes', Buffer.from(tickets.keys));
    secrets.set('the keys of tickets as base64', Buffer.from(tickets.keys).toString('base64'));
    const sticky = new StickyTokens({ store, random: systemRandom, emit: () => {}, onChange: () => {} });
    await sticky.recall();
    sticky.of('one', UPSTREAM);
    const [secret] = [await store.documents.readDocument(['routes', 'sticky-secret'])];
    secrets.set('the secret behind sticky cookies', secret ?? '');
    const board = new StoredBoard(store.documents, systemClock, {
      isShownAlready: true,
      audience: async () => [],
    });
    await board.put('http-01:tokentokentokentoken', { type: 'http-01', body: KEY_AUTHORIZATION }, never);
    secrets.set('a key authorization', KEY_AUTHORIZATION);
    const shown = await selfSigned(['example.com']);
    await board.put('tls-alpn-01:example.com', { type: 'tls-alpn-01', ...shown }, never);
    addKey('the certificate of a challenge', shown.key);
    secrets.set('PEM', 'PRIVATE KEY');
    return secrets;
  }

  /** What Redis has on its disk: by file. */
  async function disk(): Promise<ReadonlyMap<string, Buffer>> {
    await redis.client.save();
    const files = await readdir(redis.folder, { recursive: true, withFileTypes: true });
    const found = new Map<string, Buffer>();
    for (const { name, parentPath } of files.filter((each) => each.isFile())) {
      found.set(name, await readFile(join(parentPath, name)));
    }
    return found;
  }

  const readable = (files: ReadonlyMap<string, Buffer>, secrets: ReadonlyMap<string, string | Buffer>) =>
    [...secrets].flatMap(([name, secret]) =>
      [...files].filter(([, content]) => content.includes(secret)).map(([file]) => `${name} in ${file}`),
    );

  async function rewritten(): Promise<void> {
    await redis.client.bgrewriteaof();
    const { client } = redis;
    await expect
      .poll(async () => (await client.info('persistence')).match(/^aof_rewrite_\w+:1/gm), { timeout: 20_000 })
      .toBeNull();
  }

  it('leaves no secret that can be read in a dump or in the append-only file', async () => {
    const secrets = await fill(open({ seal }));
    const files = await disk();
    expect([...files.keys()]).toEqual(expect.arrayContaining(['dump.rdb', expect.stringContaining('.aof')]));
    expect(readable(files, secrets)).toEqual([]);
    await rewritten();
    expect(readable(await disk(), secrets)).toEqual([]);
  });

  it('of a store that was in clear leaves none, once the append-only file is rewritten', async () => {
    const plain = open();
    const secrets = await fill(plain);
    // Every one of them would be found.
    const before = readable(await disk(), secrets);
    for (const name of secrets.keys()) {
      expect(
        before.some((found) => found.startsWith(`${name} in `)),
        name,
      ).toBe(!/: (its|their) bytes/.test(name));
    }
    const sealing = open({ seal });
    expect(await sealing.reseal()).toBeGreaterThan(8);
    await rewritten();
    expect(readable(await disk(), secrets)).toEqual([]);
    expect(await open({ seal }).reseal()).toBe(0);
    expect(await sealing.load('ca', 'example.com')).not.toBeNull();
    expect(await sealing.history('ca', 'example.com')).toHaveLength(3);
  });

  it('reaches what is damaged, and what is stored meanwhile', async () => {
    const plain = open();
    const certificate = await realCertificate();
    await saveUnderLock(plain, certificate);
    await saveUnderLock(plain, await realCertificate({ id: 'two.test' }));
    await redis.client.hset('{rigil}:index', 'ca/example.com', 'damaged');
    const sealing = open({ seal });
    const resealing = sealing.reseal();
    for (let day = 1; day < 4; day += 1) {
      await saveUnderLock(sealing, await realCertificate({ id: 'two.test', notBefore: START + day * DAY }));
    }
    await resealing;
    for (const place of ['ca/example.com', 'ca/two.test']) {
      const fields = await redis.client.hgetall(`{rigil}:cert:${place}`);
      expect(Object.values(fields).filter((value) => value.includes('PRIVATE KEY'))).toEqual([]);
    }
  });

  it('that is not complete is told, counted, and over when it is', async () => {
    const secrets = await fill(open());
    expect(secrets.size).toBeGreaterThan(0);
    const events: Event[] = [];
    const daemon = open({ seal, events });
    expect(daemon.state().unsealed).toBeNull();
    const lock = await daemon.acquireDaemonLock({ signal: never });
    // Three generations, two of accounts, the root, keys of tickets, the sticky secret, two answers.
    await expect.poll(() => daemon.state().unsealed, { timeout: 10_000 }).toBe(10);
    const told = () => events.filter(({ event }) => event === 'store.warning');
    expect(told()).toMatchObject([{ hint: expect.stringContaining('rigil store reseal') }]);
    expect(daemon.state().warnings).toEqual([expect.stringContaining('10 secrets')]);
    await open({ seal }).reseal();
    await expect.poll(() => daemon.state().unsealed, { timeout: 10_000 }).toBe(0);
    expect(daemon.state().warnings).toEqual([]);
    expect(told()).toHaveLength(1);
    await lock.release();
  });

  it('is for everybody: nobody without a key puts anything into a store that is sealed', async () => {
    const certificate = await realCertificate();
    // It was there before the store was sealed, and serves on.
    const plain = open();
    const lock = await plain.acquireDaemonLock({ signal: never });
    await saveUnderLock(plain, certificate);
    await plain.documents.writeDocument(['tickets', 'a'], 'in clear');
    const sealing = open({ seal });
    await sealing.list();
    const sealed = { code: 'store-sealed', hint: expect.stringContaining('seal=') };
    await expect
      .poll(() => plain.documents.writeDocument(['tickets', 'a'], 'again').catch((error: unknown) => error), {
        timeout: 10_000,
      })
      .toMatchObject(sealed);
    const late = open();
    for (const store of [plain, late]) {
      await expect(store.documents.writeDocument(['accounts', 'b'], 'in clear')).rejects.toMatchObject(
        sealed,
      );
      await expect(
        store.fleet.replaceDocument(['tickets', 'b'], null, Buffer.from('in clear')),
      ).rejects.toMatchObject(sealed);
      await expect(saveUnderLock(store, certificate)).rejects.toMatchObject(sealed);
    }
    expect(await redis.client.exists('{rigil}:doc:accounts')).toBe(0);
    await lock.release();
  });
});
