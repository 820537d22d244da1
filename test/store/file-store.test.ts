import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  truncate,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Certificate } from '../../src/certs/certificate.ts';
import { lockKeyOf } from '../../src/certs/ports.ts';
import type { Event } from '../../src/events/event.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { FileStore } from '../../src/store/file-store.ts';
import { DAY, makeFailure, START } from '../certs/make.ts';
import { realCertificate } from '../certs/real-certificate.ts';
import { describeStore } from './conformance.ts';

async function temporary(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'rigil-store-'));
}

describeStore('a file store', async () => {
  const directory = await temporary();
  return {
    open: () => new FileStore({ directory: join(directory, 'store'), clock: systemClock, emit: () => {} }),
    close: () => rm(directory, { recursive: true }),
  };
});

describe('the files of a store', () => {
  const never = new AbortController().signal;
  let directory: string;
  let store: FileStore;
  let events: Event[];
  let place: string;

  beforeEach(async () => {
    directory = await temporary();
    events = [];
    store = new FileStore({ directory, clock: systemClock, emit: (event) => events.push(event) });
    place = join(directory, 'certs', 'ca', 'example.com');
  });
  afterEach(() => rm(directory, { recursive: true }));

  async function save(certificate: Certificate): Promise<void> {
    const lock = await store.lock(lockKeyOf(certificate.facts.id), never);
    await store.save(certificate, lock).finally(() => lock.release());
  }

  async function generations(count: number): Promise<Certificate[]> {
    const made: Certificate[] = [];
    for (let index = 0; index < count; index += 1) {
      const certificate = await realCertificate({ notBefore: START + index * DAY });
      await save(certificate);
      made.push(certificate);
    }
    return made;
  }

  function problems(): string[] {
    return events.flatMap((event) => (event.event === 'store.problem' ? [event.code] : []));
  }

  it('are where the contract says, and other programs can use them', async () => {
    const [certificate] = await generations(1);
    expect(await readFile(join(place, 'current', 'fullchain.pem'), 'utf8')).toBe(certificate?.chain);
    expect(await readFile(join(place, 'current', 'privkey.pem'), 'utf8')).toBe(certificate?.key);
    expect(JSON.parse(await readFile(join(place, 'current', 'meta.json'), 'utf8'))).toMatchObject({
      id: 'example.com',
      issuer: 'ca',
      notAfter: '2026-08-30T00:00:00.000Z',
    });
    await save(await realCertificate({ names: ['*.example.com'] }));
    expect(await readdir(join(directory, 'certs', 'ca'))).toContain('_wildcard.example.com');
  });

  it('are for their owner only', async () => {
    await generations(1);
    await store.writeJournal('example.com', { failure: makeFailure(), ari: null });
    await store.documents.writeDocument(['accounts', 'ca', 'key.pem'], 'secret');
    await store.writeOrder('b.test', 'secret', await store.lock(lockKeyOf('b.test'), never));
    for (const name of await readdir(directory, { recursive: true })) {
      const { mode } = await stat(join(directory, name));
      expect([name, (mode & 0o077).toString(8)]).toEqual([name, '0']);
    }
  });

  it('keep three generations', async () => {
    const made = await generations(5);
    const names = (await readdir(place)).sort();
    expect(names).toEqual(['000003', '000004', '000005', 'current']);
    expect(await readlink(join(place, 'current'))).toBe('000005');
    expect(await store.load('ca', 'example.com')).toEqual(made[4]);
  });

  it('are removed when a crash left them unfinished, with the next save', async () => {
    await generations(1);
    await mkdir(join(place, '.new-1'));
    await writeFile(join(place, '.new-1', 'fullchain.pem'), 'half');
    await generations(1);
    expect((await readdir(place)).sort()).toEqual(['000001', '000002', 'current']);
    expect(problems()).toEqual([]);
  });

  describe('that are damaged', () => {
    it.each<[string, (generation: string) => Promise<unknown>]>([
      ['the key is cut short', (path) => truncate(join(path, 'privkey.pem'), 40)],
      ['the chain is empty', (path) => truncate(join(path, 'fullchain.pem'), 0)],
      ['the facts are rubbish', (path) => writeFile(join(path, 'meta.json'), '{"id":')],
      ['the key is missing', (path) => unlink(join(path, 'privkey.pem'))],
      ['the generation is missing', (path) => rm(path, { recursive: true })],
      [
        'the key belongs to another certificate',
        async (path) => writeFile(join(path, 'privkey.pem'), (await realCertificate()).key),
      ],
      [
        'chain and key belong to another certificate',
        async (path) => {
          const { chain, key } = await realCertificate();
          await writeFile(join(path, 'fullchain.pem'), chain);
          await writeFile(join(path, 'privkey.pem'), key);
        },
      ],
    ])('give way to the generation before them: %s', async (_, damage) => {
      const [before] = await generations(2);
      await damage(join(place, '000002'));
      expect(await store.load('ca', 'example.com')).toEqual(before);
      expect((await store.readAll(never)).whole).toEqual([before]);
      expect(problems()).toEqual(['store-damaged']);
      // It is kept as it is: somebody may want to mend it.
      await generations(1);
      expect(await store.load('ca', 'example.com')).toMatchObject({ facts: { notBefore: START } });
    });

    it('are never taken for absent', async () => {
      await generations(1);
      await truncate(join(place, '000001', 'privkey.pem'), 40);
      await expect(store.load('ca', 'example.com')).rejects.toMatchObject({ code: 'store-damaged' });
      const { whole, unusable } = await store.readAll(never);
      expect(whole).toEqual([]);
      expect(unusable).toMatchObject([{ facts: { id: 'example.com' }, error: { code: 'store-damaged' } }]);
    });

    it('without the digest of chain and key are parsed instead', async () => {
      const [before, certificate] = await generations(2);
      const file = join(place, '000002', 'meta.json');
      const { digest, ...meta } = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
      expect(digest).toMatch(/^[0-9a-f]{64}$/);
      await writeFile(file, JSON.stringify(meta));
      expect((await store.readAll(never)).whole).toEqual([certificate]);
      await writeFile(join(place, '000002', 'privkey.pem'), before?.key ?? '');
      expect((await store.readAll(never)).whole).toEqual([before]);
    });

    it('are listed as damaged, and the others as they are', async () => {
      const certificate = await realCertificate({ id: 'whole.example.com' });
      await generations(1);
      await save(certificate);
      await writeFile(join(place, '000001', 'meta.json'), 'rubbish');
      const listing = await store.list();
      expect(listing.certificates).toEqual([certificate.facts]);
      expect(listing.damaged).toEqual([
        { path: join(place, '000001'), problem: expect.stringContaining('meta.json') },
      ]);
      expect(await store.find('example.com')).toEqual([]);
    });

    it('lose to the newest whole generation when `current` is missing', async () => {
      const made = await generations(2);
      await unlink(join(place, 'current'));
      expect(await store.load('ca', 'example.com')).toEqual(made[1]);
      expect(await store.find('example.com')).toEqual([made[1]?.facts]);
      expect(problems()).toEqual(['store-damaged']);
    });

    it('are found out when they were moved to another name', async () => {
      await generations(1);
      const { rename } = await import('node:fs/promises');
      await rename(place, join(directory, 'certs', 'ca', 'example.org'));
      await expect(store.load('ca', 'example.org')).rejects.toMatchObject({ code: 'store-damaged' });
      expect((await store.list()).certificates).toEqual([]);
    });

    it('are reported once', async () => {
      await generations(2);
      await truncate(join(place, '000002', 'privkey.pem'), 40);
      await store.load('ca', 'example.com');
      await store.load('ca', 'example.com');
      expect(problems()).toEqual(['store-damaged']);
    });

    it('count as an empty journal', async () => {
      await store.writeJournal('example.com', { failure: makeFailure(), ari: null });
      await store.writeJournal('example.org', { failure: makeFailure(), ari: null });
      for (const text of ['', '{"id":"example.com","failure":{"attempts":"many"}}']) {
        await writeFile(join(directory, 'journal', 'example.com.json'), text);
        expect([...(await store.readJournal()).keys()]).toEqual(['example.org']);
        expect(await store.readJournalOf('example.com')).toBeNull();
      }
      expect(problems()).toEqual(['store-damaged']);
    });
  });

  it('may be a copy that followed the links', async () => {
    const [certificate] = await generations(1);
    const { cp } = await import('node:fs/promises');
    const copy = join(directory, 'copy');
    await cp(join(directory, 'certs'), join(copy, 'certs'), { recursive: true, dereference: true });
    expect((await lstat(join(copy, 'certs', 'ca', 'example.com', 'current'))).isDirectory()).toBe(true);
    const copied = new FileStore({ directory: copy, clock: systemClock, emit: () => {} });
    expect(await copied.load('ca', 'example.com')).toEqual(certificate);
  });

  it('with keys that others may read are warned of, once', async () => {
    await generations(1);
    await chmod(join(place, '000001', 'privkey.pem'), 0o644);
    await store.readAll(never);
    await store.load('ca', 'example.com');
    await store.load('ca', 'example.com');
    expect(events).toEqual([
      {
        event: 'store.problem',
        code: 'store-exposed',
        message: expect.stringContaining('mode 644'),
        hint: expect.stringContaining('chmod 600'),
      },
    ]);
  });
});
