import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CopyReport } from '../../src/app/copy-store.ts';
import type { ImportReport } from '../../src/app/import-certificates.ts';
import { lockKeyOf } from '../../src/certs/ports.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { FileStore } from '../../src/store/file-store.ts';
import { Seal } from '../../src/store/seal.ts';
import { makeFailure } from '../certs/make.ts';
import { realCertificate, selfSigned } from '../certs/real-certificate.ts';
import { rigil } from '../e2e/daemon.ts';
import { has } from '../peers.ts';
import { type RedisUnderTest, startRedis } from '../redis.ts';
import { openRedisStore, saveUnderLock } from '../store/redis/open.ts';
import { workplace } from './workplace.ts';

const never = new AbortController().signal;
const DAY = 86_400_000;

describe.skipIf(!has('redis-server'))('stores in Redis', { timeout: 120_000 }, () => {
  let redis: RedisUnderTest;
  let folder: string;
  beforeEach(async () => {
    redis = await startRedis();
    folder = mkdtempSync(join(tmpdir(), 'rigil-stores-'));
  });
  afterEach(async () => {
    await redis.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const files = (name: string) =>
    new FileStore({ directory: join(folder, name), clock: systemClock, emit: () => {} });

  it('are copied to and from files, as they are, and never overwrite', async () => {
    const secret = randomBytes(32);
    const env = { KEYS: secret.toString('base64') };
    const certificates = [
      await realCertificate(),
      await realCertificate({ id: '*.two.test', issuer: 'other' }),
    ];
    const from = files('from');
    for (const certificate of certificates) {
      const lock = await from.lock(lockKeyOf(certificate.facts.id), never);
      await from.save(certificate, lock).finally(() => lock.release());
    }
    await from.documents.writeDocument(['accounts', 'ca', 'a.json'], 'account');
    await from.documents.writeDocument(['authorities', 'internal', 'root.key'], 'root');
    await from.writeJournal('example.com', { failure: makeFailure(), ari: null });
    const there = `redis://127.0.0.1:${redis.port} prefix=copy seal=env:KEYS`;
    const copy = async (...args: string[]) => {
      const { code, stdout } = await rigil(['store', 'copy', ...args, '--json'], { env });
      return { code, report: JSON.parse(stdout) as CopyReport };
    };

    expect((await copy(join(folder, 'from'), there, '--dry-run')).code).toBe(0);
    expect(await redis.client.keys('*cert:*')).toEqual([]);
    const first = await copy(join(folder, 'from'), there);
    expect(first).toMatchObject({
      code: 0,
      report: { copied: { certificates: 2, documents: 2, journal: 1 }, failed: [] },
    });
    expect(JSON.stringify(first.report)).not.toContain(env.KEYS);
    expect((await copy(there, join(folder, 'back'))).report.copied).toMatchObject({ certificates: 2 });
    const back = files('back');
    expect(new Set((await back.readAll(never)).whole)).toEqual(new Set(certificates));
    expect(await back.documents.readDocument(['accounts', 'ca', 'a.json'])).toEqual(Buffer.from('account'));
    expect(await back.readJournalOf('example.com')).toEqual(await from.readJournalOf('example.com'));

    await back.documents.writeDocument(['accounts', 'ca', 'a.json'], 'another');
    const again = await copy(there, join(folder, 'back'));
    expect(again).toMatchObject({
      code: 3,
      report: {
        copied: { certificates: 0 },
        kept: { certificates: 2 },
        failed: [{ what: 'accounts/ca/a.json' }],
      },
    });
    expect(await back.documents.readDocument(['accounts', 'ca', 'a.json'])).toEqual(Buffer.from('another'));
  });

  it('are said to be none when they are none', async () => {
    const { code, stderr } = await rigil(['store', 'copy', 'redis://h/x', folder]);
    expect(code).toBe(2);
    expect(stderr).toContain('this is no store');
    expect((await rigil(['store', 'copy', folder, folder])).code).toBe(2);
  });

  it('are sealed anew with the newest key', async () => {
    const [older, newer] = [randomBytes(32), randomBytes(32)];
    const store = openRedisStore({ port: redis.port, seal: new Seal([older]) });
    await saveUnderLock(store, await realCertificate());
    await store.close();
    using place = await workplace('route a.test\n  upstream a\n');
    const line = `store redis redis://127.0.0.1:${redis.port} seal=env:KEYS`;
    const config = `global\n  ${line}\nroute a.test\n  upstream a\n`;
    const reseal = (KEYS: string) =>
      rigil(['store', 'reseal', '--json', '-c', '-'], { input: config, env: { KEYS } });
    const [former, both] = [
      older.toString('hex'),
      [newer, older].map((key) => key.toString('hex')).join(','),
    ];
    expect(JSON.parse((await reseal(both)).stdout)).toMatchObject({ resealed: 1 });
    expect(await reseal(former)).toMatchObject({ code: 1 });
    expect(await place.run('store', 'reseal')).toMatchObject({ code: 2 });
  });

  it('of Centauri are taken over, and left as they were', async () => {
    const now = Date.now();
    const { chain, key } = await selfSigned(['one.test', 'www.one.test'], now - DAY, now + 60 * DAY);
    const entry = {
      provider: 'lego',
      issuer: chain,
      privateKey: key,
      certificate: chain,
      subject: 'one.test',
      altNames: ['www.one.test'],
      notAfter: new Date(now + 60 * DAY).toISOString(),
    };
    await redis.client.hset('mine:certificates', {
      'lego;one.test;www.one.test': JSON.stringify(entry),
      'lego;bad.test': '{"cut',
    });
    // Centauri holds its lock while it renews.
    await redis.client.set('mine:lock:one.test;www.one.test', 'token', 'PX', 1_000);
    const before = await redis.client.hgetall('mine:certificates');
    using place = await workplace('route one.test www.one.test\n  upstream a\n');
    const { code, value } = await place.json<ImportReport>(
      'certs',
      'import',
      `redis://127.0.0.1:${redis.port} prefix=mine`,
    );
    expect(value).toMatchObject({
      from: 'centauri-redis',
      imported: [{ id: 'one.test', names: ['one.test', 'www.one.test'] }],
      failed: [{ place: 'mine:certificates lego;bad.test' }],
    });
    expect(code).toBe(3);
    expect(await redis.client.hgetall('mine:certificates')).toEqual(before);
    expect(await redis.client.keys('*')).toEqual(['mine:certificates']);
  });
});
