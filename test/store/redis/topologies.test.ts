import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { serverOf } from '../../../src/app/store.ts';
import type { Event } from '../../../src/events/event.ts';
import type { RedisStore } from '../../../src/store/redis/redis-store.ts';
import type { RedisServer } from '../../../src/store/redis/server.ts';
import { Seal } from '../../../src/store/seal.ts';
import { DAY, START } from '../../certs/make.ts';
import { realCertificate } from '../../certs/real-certificate.ts';
import { has } from '../../peers.ts';
import {
  type RedisCluster,
  SENTINEL_PASSWORD,
  type SentinelSet,
  startCluster,
  startSentinelSet,
  startTlsRedis,
  type TlsRedis,
} from '../../redis-topologies.ts';
import { describeStore } from '../conformance.ts';
import { type OpenOptions, openRedisStore, ownPrefix, saveUnderLock } from './open.ts';

const never = new AbortController().signal;

/** The server of a URL, as a configuration names it. */
function server(url: string, ca: string | null = null, sentinelPassword: string | null = null): RedisServer {
  return serverOf({ kind: 'redis', url, prefix: 'rigil', seal: null, ca, sentinelPassword });
}

/** What the conformance suite needs, for stores of one server. */
function storesOf(of: () => RedisServer) {
  return async () => {
    const prefix = ownPrefix();
    const seal = new Seal([randomBytes(32)]);
    const opened: RedisStore[] = [];
    return {
      open: () => {
        const store = openRedisStore({ port: 0, server: of(), prefix, seal });
        opened.push(store);
        return store;
      },
      close: async () => {
        await Promise.all(opened.map((store) => store.close()));
      },
    };
  };
}

const opened: RedisStore[] = [];
function open(options: Partial<OpenOptions>): RedisStore {
  const store = openRedisStore({ port: 0, ...options });
  opened.push(store);
  return store;
}
afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.close()));
});

describe.skipIf(!has('redis-server'))('Redis with TLS, a user and a database of its own', () => {
  let tls: TlsRedis;
  let url: string;
  beforeAll(async () => {
    tls = await startTlsRedis();
    const rules = 'on >s3cr:t@/ ~* &* +@all -@admin -flushall'.split(' ');
    await tls.redis.client.call('ACL', 'SETUSER', 'rigil', ...rules);
    url = `rediss://rigil:s3cr:t@/@localhost:${tls.tlsPort}/3`;
  });
  afterAll(() => tls?.[Symbol.asyncDispose]());

  describeStore(
    'is a store',
    storesOf(() => server(url, tls.caFile)),
  );

  it('keeps everything in the database that the URL names', async () => {
    await tls.redis.client.call('SELECT', '3');
    await tls.redis.client.flushdb();
    await saveUnderLock(open({ server: server(url, tls.caFile) }), await realCertificate());
    expect(await tls.redis.client.exists('{rigil}:index')).toBe(1);
    await tls.redis.client.call('SELECT', '0');
    expect(await tls.redis.client.keys('*')).toEqual([]);
  });

  it.each([
    ['another CA', () => server(url, tls.otherCaFile), 'ca=FILE'],
    ['the roots of the system', () => server(url), 'ca=FILE'],
    [
      'another name',
      () => server(url.replace('localhost', '127.0.0.1'), tls.caFile),
      'as its certificate does',
    ],
  ])('is not trusted by %s, at once and with the way out', async (_, of, hint) => {
    const events: Event[] = [];
    const store = open({ server: of(), events });
    const startedAt = Date.now();
    await expect(store.list()).rejects.toMatchObject({
      code: 'store-unreachable',
      message: expect.stringMatching(/certificate/),
      hint: expect.stringContaining(hint),
    });
    // The first use waits for four seconds where waiting may help.
    expect(Date.now() - startedAt).toBeLessThan(3_500);
    expect(events.filter(({ event }) => event === 'store.lost')).toHaveLength(1);
    expect(JSON.stringify(events)).not.toContain('s3cr');
  });

  it('needs roots that are some', async () => {
    await writeFile(`${tls.caFile}.not`, 'no certificate');
    for (const [path, problem] of [
      [`${tls.caFile}.not`, 'holds no certificate'],
      [`${tls.caFile}.absent`, 'cannot be read (ENOENT)'],
    ] as const) {
      expect(() => server(url, path)).toThrow(`${path} ${problem}`);
    }
  });

  it.each([
    ['without TLS at its port for TLS', () => server(url.replace('rediss', 'redis'))],
    [
      'with TLS at its port without',
      () => server(url.replace(/:\d+\/3$/, `:${tls.redis.port}/3`), tls.caFile),
    ],
  ])('is away %s', async (_, of) => {
    await expect(open({ server: of() }).list()).rejects.toMatchObject({ code: 'store-unreachable' });
  });

  it('is not used when it has no such database', async () => {
    const store = open({ server: server(url.replace(/3$/, '99'), tls.caFile) });
    const certificate = await realCertificate();
    for (let tries = 0; tries < 5; tries += 1) {
      await expect(saveUnderLock(store, certificate)).rejects.toMatchObject({
        code: 'store-unreadable',
        message: expect.stringContaining('DB index is out of range'),
        hint: expect.stringContaining('database'),
      });
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(await tls.redis.client.keys('*')).toEqual([]);
  });

  it('says which user or password is wrong, and names neither password', async () => {
    const store = open({ server: server(url.replace('s3cr', 'wr0ng'), tls.caFile) });
    const refused = await store.list().catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'store-unreadable', hint: expect.stringContaining('password') });
    expect(String(refused)).not.toMatch(/wr0ng|s3cr/);
  });
});

describe.skipIf(!has('redis-server'))('a cluster that announces other addresses than its own', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startCluster();
  }, 60_000);
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  describeStore(
    'is a store',
    storesOf(() => server(cluster.url)),
  );

  it('has all keys of a store on one node, and those of stores on all nodes', async () => {
    const of = server(cluster.url);
    for (let each = 0; each < 12; each += 1) {
      const prefix = ownPrefix();
      const store = open({ server: of, prefix });
      await saveUnderLock(store, await realCertificate());
      await store.documents.writeDocument(['accounts', 'a'], 'b');
      const keys = await Promise.all(cluster.nodes.map(({ client }) => client.keys(`{${prefix}}:*`)));
      expect(keys.filter((found) => found.length > 0)).toHaveLength(1);
    }
    const sizes = await Promise.all(cluster.nodes.map(({ client }) => client.dbsize()));
    expect(sizes.every((size) => size > 0)).toBe(true);
  });

  it('is found through any of its nodes, and through those that live', async () => {
    const { ports } = cluster;
    const certificate = await realCertificate();
    const prefix = ownPrefix();
    await saveUnderLock(open({ server: server(cluster.url), prefix }), certificate);
    for (const port of ports) {
      const store = open({ server: server(`redis+cluster://127.0.0.1:1,127.0.0.1:${port}`), prefix });
      expect((await store.readAll(never)).whole).toEqual([certificate]);
    }
  });
});

describe.skipIf(!has('redis-server'))('a cluster that loses a node', { timeout: 90_000 }, () => {
  it('is away for the stores of that node, in time, and serves them and their news when it is back', async () => {
    await using cluster = await startCluster(3, ['--appendonly', 'yes', '--appendfsync', 'always']);
    const of = server(cluster.url);
    const [prefix, events] = [ownPrefix(), [] as Event[]];
    const [store, other] = [open({ server: of, prefix, events }), open({ server: of, prefix })];
    const certificate = await realCertificate();
    await saveUnderLock(store, certificate);
    let heard = 0;
    const stop = other.watch(() => {
      heard += 1;
    });
    await expect.poll(() => heard, { timeout: 10_000 }).toBeGreaterThan(0);
    const sizes = await Promise.all(cluster.nodes.map(({ client }) => client.dbsize()));
    const owner = cluster.nodes[sizes.findIndex((size) => size > 0)];
    if (owner === undefined) throw new Error('no node has the store');
    await owner.kill();
    const startedAt = Date.now();
    await expect(store.find('example.com')).rejects.toMatchObject({ code: 'store-unreachable' });
    expect(Date.now() - startedAt).toBeLessThan(20_000);
    // That the other nodes answer is no news.
    for (let tries = 0; tries < 4; tries += 1) {
      await expect(store.find('example.com')).rejects.toMatchObject({ code: 'store-unreachable' });
    }
    expect(events.map(({ event }) => event)).toEqual(['store.lost']);
    await owner.start();
    await expect
      .poll(() => store.find('example.com').catch(String), { timeout: 30_000 })
      .toEqual([certificate.facts]);
    await expect
      .poll(
        async () => {
          const before = heard;
          await saveUnderLock(store, certificate).catch(() => {});
          await new Promise((resolve) => setTimeout(resolve, 200));
          return heard > before;
        },
        { timeout: 30_000 },
      )
      .toBe(true);
    expect(events.map(({ event }) => event)).toEqual(['store.lost', 'store.connected']);
    stop();
  });
});

describe.skipIf(!has('redis-server'))('a cluster with a password', () => {
  it('is a store for who knows it, and says so to others', async () => {
    await using cluster = await startCluster(1, ['--requirepass', 's3cret']);
    const certificate = await realCertificate();
    const url = (password: string) => cluster.url.replace('//', `//:${password}@`);
    await saveUnderLock(open({ server: server(url('s3cret')) }), certificate);
    const refused = {
      code: 'store-unreadable',
      message: expect.stringMatching(/NOAUTH|WRONGPASS/),
      hint: expect.stringContaining('password'),
    };
    await expect(open({ server: server(url('wr0ng')) }).list()).rejects.toMatchObject(refused);
    await expect(open({ server: server(cluster.url) }).list()).rejects.toMatchObject(refused);
  });
});

describe.skipIf(!has('redis-server'))('a master that sentinels name', { timeout: 60_000 }, () => {
  let set: SentinelSet;
  beforeAll(async () => {
    set = await startSentinelSet();
  }, 60_000);
  afterAll(() => set?.[Symbol.asyncDispose]());

  it('is found with the password of the sentinels, behind one that is dead or mute', async () => {
    await using mute = await muteServer();
    const url = set.url.replace('//', `//127.0.0.1:1,127.0.0.1:${mute.port},`);
    const certificate = await realCertificate();
    const store = open({ server: server(url, null, SENTINEL_PASSWORD) });
    // The first use may give up before the mute one is given up.
    await expect.poll(() => store.list().then(() => 'here', String), { timeout: 20_000 }).toBe('here');
    await saveUnderLock(store, certificate);
    expect(await set.master.client.exists('{rigil}:index')).toBe(1);
  });

  it('is not found without that password, and the error says so', async () => {
    for (const password of [null, 'wr0ng']) {
      const store = open({ server: server(set.url, null, password) });
      await expect(store.list()).rejects.toMatchObject({
        code: 'store-unreachable',
        message: expect.stringMatching(/NOAUTH|WRONGPASS/),
        hint: expect.stringContaining('sentinel-password'),
      });
    }
  });

  it('waits for a replica after a save, for a moment', async () => {
    const store = open({ server: server(set.url, null, SENTINEL_PASSWORD), copyDirectory: null });
    const lock = await store.acquireDaemonLock({ signal: never });
    const waits = async () =>
      Number(/^cmdstat_wait:calls=(\d+)/m.exec(await set.master.client.info('commandstats'))?.[1] ?? 0);
    await expect
      .poll(
        async () => {
          await saveUnderLock(store, await realCertificate());
          return waits();
        },
        { timeout: 10_000 },
      )
      .toBeGreaterThan(0);
    await lock.release();
  });

  it('is followed to the other machine after a failover, and so is what is published', async () => {
    await set.inStep();
    const of = server(set.url, null, SENTINEL_PASSWORD);
    const [store, other] = [open({ server: of }), open({ server: of })];
    await store.list();
    let heard = 0;
    const stop = other.watch(() => {
      heard += 1;
    });
    await expect.poll(() => heard, { timeout: 10_000 }).toBeGreaterThan(0);
    await set.failOver();
    const certificate = await realCertificate({ notBefore: START + DAY, id: 'two.test' });
    // For a moment the former master takes what it is about to lose.
    await expect
      .poll(
        async () => {
          await saveUnderLock(store, certificate).catch(() => {});
          return set.replica.client.hexists('{rigil}:index', 'ca/two.test');
        },
        { timeout: 20_000 },
      )
      .toBe(1);
    await expect
      .poll(() => other.load('ca', 'two.test').catch(String), { timeout: 20_000 })
      .toEqual(certificate);
    // Listening again, too: the next change is heard.
    const third = await realCertificate({ id: 'three.test' });
    await expect
      .poll(
        async () => {
          const before = heard;
          await saveUnderLock(store, third);
          await new Promise((resolve) => setTimeout(resolve, 200));
          return heard > before;
        },
        { timeout: 20_000 },
      )
      .toBe(true);
    stop();
  });
});

/** A server that takes connections and never says anything. */
async function muteServer(): Promise<AsyncDisposable & { readonly port: number }> {
  const { createServer } = await import('node:net');
  const sockets = new Set<import('node:net').Socket>();
  const mute = createServer((socket) => sockets.add(socket));
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
  const address = mute.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => mute.close(resolve));
    },
  };
}
