import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Event } from '../../../src/events/event.ts';
import { Seal } from '../../../src/store/seal.ts';
import { realCertificate } from '../../certs/real-certificate.ts';
import { has } from '../../peers.ts';
import { type RedisUnderTest, startRedis } from '../../redis.ts';
import { type OpenOptions, openRedisStore, saveUnderLock } from './open.ts';

const never = new AbortController().signal;

describe.skipIf(!has('redis-server'))('while Redis is away', () => {
  let redis: RedisUnderTest;
  let folder: string;
  const opened: ReturnType<typeof openRedisStore>[] = [];
  const open = (options: Partial<OpenOptions> = {}) => {
    const store = openRedisStore({ port: redis.port, ...options });
    opened.push(store);
    return store;
  };

  beforeEach(async () => {
    redis = await startRedis(['--appendonly', 'yes']);
    folder = await mkdtemp(join(tmpdir(), 'rigil-copy-'));
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((store) => store.close()));
    await redis.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function fill(options: Partial<OpenOptions> = {}) {
    const certificates = [
      await realCertificate(),
      await realCertificate({ id: 'two.test', issuer: 'other' }),
    ];
    const store = open({ copyDirectory: folder, ...options });
    for (const certificate of certificates) await saveUnderLock(store, certificate);
    await store.documents.writeDocument(['accounts', 'ca', 'one.json'], 'account');
    await store.documents.writeDocument(['ocsp', 'f.json'], 'staple');
    await store.close();
    return certificates;
  }

  it('certificates and documents come from the copy, and nothing can be agreed upon', async () => {
    const certificates = await fill();
    await redis.kill();
    const events: Event[] = [];
    const store = open({ copyDirectory: folder, events });
    const contents = await store.readAll(never);
    expect(new Set(contents.whole)).toEqual(new Set(certificates));
    expect(await store.readJournal()).toEqual(new Map());
    expect(await store.documents.readDocument(['accounts', 'ca', 'one.json'])).toEqual(
      Buffer.from('account'),
    );
    const staples: string[] = [];
    await store.documents.readDocuments(['ocsp'], (name) => staples.push(name));
    expect(staples).toEqual(['f.json']);
    const away = { code: 'store-unreachable' };
    // The copy has none of these, which does not say that there are none.
    await expect(store.documents.readDocuments(['challenges'], () => {})).rejects.toMatchObject(away);
    await expect(store.readOrder('example.com')).rejects.toMatchObject(away);
    await expect(store.documents.readDocument(['accounts', 'ca', 'other.json'])).rejects.toMatchObject(away);
    await expect(store.list()).rejects.toMatchObject(away);
    await expect(store.find('example.com')).rejects.toMatchObject(away);
    await expect(store.lock('key', never)).rejects.toMatchObject(away);
    expect(store.state()).toMatchObject({ up: false, lastError: expect.stringContaining('ECONNREFUSED') });
    expect(events.map(({ event }) => event)).toEqual(['store.lost', 'store.copy.used']);
  });

  it('it is told once that it went and once that it came back, and all is as before', async () => {
    const [first] = await fill();
    const events: Event[] = [];
    const store = open({ events });
    await store.list();
    await redis.kill();
    for (let tries = 0; tries < 3; tries += 1) await store.list().catch(() => {});
    await redis.start();
    await expect.poll(() => store.state().up, { timeout: 10_000 }).toBe(true);
    expect(await store.load('ca', 'example.com')).toEqual(first);
    expect(events.map(({ event }) => event)).toEqual(['store.lost', 'store.connected']);
  });

  it('a store without a copy says that it is away', async () => {
    await fill();
    await redis.kill();
    await expect(open().readAll(never)).rejects.toMatchObject({ code: 'store-unreachable' });
  });

  it('the copy is for its owner only, and no key is readable in it', async () => {
    await fill();
    const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((each) =>
      each.isFile(),
    );
    expect(files.length).toBeGreaterThanOrEqual(5);
    for (const { parentPath, name } of files) {
      const path = join(parentPath, name);
      expect((await stat(path)).mode & 0o077).toBe(0);
      expect(await readFile(path, 'latin1')).not.toMatch(/PRIVATE KEY|example|account/);
    }
  });

  it('the copy of a sealed store opens with its keys only, and has no key of its own', async () => {
    const seal = new Seal([randomBytes(32)]);
    const certificates = await fill({ seal });
    await redis.kill();
    expect(await readdir(folder)).not.toContain('key');
    const contents = await open({ copyDirectory: folder, seal }).readAll(never);
    expect(contents.whole).toHaveLength(certificates.length);
    const other = open({ copyDirectory: folder, seal: new Seal([randomBytes(32)]) });
    await expect(other.readAll(never)).rejects.toMatchObject({ code: 'store-unreachable' });
  });

  it('what is damaged in the copy is left out', async () => {
    await fill();
    await redis.kill();
    const [name = ''] = await readdir(join(folder, 'certificates'));
    await writeFile(join(folder, 'certificates', name), 'damaged');
    expect((await open({ copyDirectory: folder }).readAll(never)).whole).toHaveLength(1);
  });

  it('a machine may not be able to keep a copy', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    const events: Event[] = [];
    const store = open({ copyDirectory: join(file, 'copy'), events });
    const certificate = await realCertificate();
    await saveUnderLock(store, certificate);
    await store.close();
    expect(events.filter(({ event }) => event === 'store.warning')).toHaveLength(1);
    expect(await open().load('ca', 'example.com')).toEqual(certificate);
  });
});
