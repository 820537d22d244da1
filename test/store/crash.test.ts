import { spawn } from 'node:child_process';
import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Certificate } from '../../src/certs/certificate.ts';
import { lockKeyOf } from '../../src/certs/ports.ts';
import type { Event } from '../../src/events/event.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { FileStore } from '../../src/store/file-store.ts';
import { DAY, makeFailure, START } from '../certs/make.ts';
import { realCertificate } from '../certs/real-certificate.ts';
import { SpyFileSystem, systemError } from './spy-file-system.ts';

const never = new AbortController().signal;
const program = (name: string): string => join(import.meta.dirname, 'programs', name);

let directory: string;
let old: Certificate;
let next: Certificate;
let later: Certificate;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rigil-crash-'));
  old = await realCertificate();
  next = await realCertificate({ notBefore: START + DAY });
  later = await realCertificate({ notBefore: START + 2 * DAY });
});
afterEach(() => rm(directory, { recursive: true }));

/** The silence after which a lock is taken from its holder passes in less: nobody who holds one lives here. */
const hasty = {
  ...systemClock,
  sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(ms / 100, signal),
};

function openStore(path: string, events: Event[] = [], spy = new SpyFileSystem()): FileStore {
  const emit = (event: Event): void => void events.push(event);
  return new FileStore({ directory: path, clock: hasty, emit, fileSystem: spy.fileSystem });
}

async function save(certificate: Certificate, store: FileStore): Promise<void> {
  const lock = await store.lock(lockKeyOf(certificate.facts.id), never);
  await store.save(certificate, lock).finally(() => lock.release());
}

/** The store has the old certificate or the new one, nothing else is said of it, and the next save makes it tidy. */
async function expectWhole(path: string): Promise<void> {
  const events: Event[] = [];
  const store = openStore(path, events);
  const loaded = await store.load('ca', 'example.com');
  expect([old, next]).toContainEqual(loaded);
  expect(await store.list()).toEqual({ certificates: [loaded?.facts], damaged: [] });
  expect(events).toEqual([]);
  await save(later, store);
  expect(await store.load('ca', 'example.com')).toEqual(later);
  const left = await readdir(join(path, 'certs', 'ca', 'example.com'));
  expect(left.filter((name) => !/^(\d{6}|current)$/.test(name))).toEqual([]);
  expect(await store.readOrder('example.com')).toBeNull();
}

describe('a save that is killed', () => {
  it('before any change to the file system leaves the old generation or the new one', async () => {
    const file = join(directory, 'next.json');
    await writeFile(file, JSON.stringify(next));
    const origin = join(directory, 'origin');
    await save(old, openStore(origin));
    const lock = await openStore(origin).lock(lockKeyOf('example.com'), never);
    await openStore(origin).writeOrder('example.com', 'in flight', lock);
    await lock.release();

    /** Says whether the program lived to its end. */
    const dieBefore = async (operation: number): Promise<boolean> => {
      const path = join(directory, String(operation));
      await cp(origin, path, { recursive: true, verbatimSymlinks: true });
      const child = spawn(process.execPath, [program('save-and-die.ts'), path, file, String(operation)]);
      const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
        child.once('exit', (...end) => resolve(end)),
      );
      expect(code === 0 || signal === 'SIGKILL').toBe(true);
      await expectWhole(path);
      return code === 0;
    };
    let operation = 1;
    let lived = false;
    while (!lived) {
      const batch = [operation, operation + 1, operation + 2, operation + 3];
      lived = (await Promise.all(batch.map(dieBefore))).some(Boolean);
      operation += batch.length;
    }
    expect(operation).toBeGreaterThan(12);
  }, 60_000);

  it('as the very first one leaves nothing that looks like a certificate, or a whole one', async () => {
    const operations = new SpyFileSystem();
    await save(old, openStore(join(directory, 'count'), [], operations));
    const total = operations.operations.length;
    for (let at = 1; at <= total; at += 1) {
      const path = join(directory, String(at));
      // From this operation on nothing gets through: the same as dying, for whoever comes later.
      const spy = new SpyFileSystem(({ number }) => {
        if (number >= at) throw systemError('EIO');
      });
      await save(old, openStore(path, [], spy)).catch(() => {});
      await rm(join(path, 'locks'), { recursive: true, force: true });
      expect([old, null]).toContainEqual(await openStore(path).load('ca', 'example.com'));
    }
  });
});

describe('a disk that fails', () => {
  it.each(['ENOSPC', 'EROFS', 'EIO', 'EACCES'])(
    'with %s at any operation of a save loses nothing',
    async (code) => {
      const origin = join(directory, 'origin');
      await save(old, openStore(origin));
      const counting = new SpyFileSystem();
      await cp(origin, join(directory, 'count'), { recursive: true, verbatimSymlinks: true });
      await save(next, openStore(join(directory, 'count'), [], counting));
      const total = counting.operations.length;
      expect(total).toBeGreaterThan(20);
      for (let at = 1; at <= total; at += 1) {
        const path = join(directory, `${code}-${at}`);
        await cp(origin, path, { recursive: true, verbatimSymlinks: true });
        const spy = new SpyFileSystem(({ number }) => {
          if (number === at) throw systemError(code);
        });
        const failure = await save(next, openStore(path, [], spy)).then(
          () => null,
          (error: unknown) => error,
        );
        if (failure !== null) expect(failure).toMatchObject({ code: expect.stringMatching(/^store-un/) });
        await rm(join(path, 'locks'), { recursive: true, force: true });
        await expectWhole(path);
      }
    },
  );

  it.each(['ENOSPC', 'EROFS'])(
    'with %s at any operation of a write leaves the old document and the old journal, or the new ones',
    async (code) => {
      const path = ['accounts', 'key'] as const;
      const [before, after] = [makeFailure({ attempts: 1 }), makeFailure({ attempts: 2 })];
      const writes: ((store: FileStore, which: 'old' | 'new') => Promise<void>)[] = [
        (store, which) => store.documents.writeDocument(path, which),
        async (store, which) => {
          const lock = await store.lock(lockKeyOf('example.com'), never);
          await store.writeOrder('example.com', which, lock).finally(() => lock.release());
        },
        (store, which) =>
          store.writeJournal('example.com', { failure: which === 'old' ? before : after, ari: null }),
      ];
      const reads: ((store: FileStore) => Promise<unknown>)[] = [
        async (store) => String(await store.documents.readDocument(path)),
        async (store) => String(await store.readOrder('example.com')),
        async (store) => (await store.readJournalOf('example.com'))?.failure?.attempts,
      ];
      for (const [index, write] of writes.entries()) {
        const read = reads[index];
        const counting = new SpyFileSystem();
        await write(openStore(directory), 'old');
        await write(openStore(directory, [], counting), 'new');
        const total = counting.operations.length;
        expect(total).toBeGreaterThan(4);
        for (let at = 1; at <= total; at += 1) {
          await write(openStore(directory), 'old');
          const spy = new SpyFileSystem(({ number }) => {
            if (number === at) throw systemError(code);
          });
          const failure = await write(openStore(directory, [], spy), 'new').then(
            () => null,
            (error: unknown) => error,
          );
          if (failure !== null) expect(failure).toMatchObject({ code: expect.stringMatching(/^store-un/) });
          expect(['old', 'new', 1, 2]).toContain(await read?.(openStore(directory)));
        }
      }
    },
  );

  it.each(['EIO', 'EACCES', 'EMFILE'])(
    'with %s at any operation of a read is never taken for absence',
    async (code) => {
      await save(old, openStore(directory));
      await openStore(directory).writeJournal('example.com', { failure: makeFailure(), ari: null });
      await openStore(directory).documents.writeDocument(['accounts', 'key'], 'secret');
      const reads: ((store: FileStore) => Promise<unknown>)[] = [
        (store) => store.load('ca', 'example.com'),
        async (store) => (await store.find('example.com'))[0] ?? null,
        async (store) => {
          const { certificates, damaged } = await store.list();
          return certificates[0] ?? damaged[0] ?? null;
        },
        (store) => store.readJournalOf('example.com'),
        async (store) => (await store.readJournal()).get('example.com') ?? null,
        (store) => store.documents.readDocument(['accounts', 'key']),
        async (store) => (await store.documents.listDocuments(['accounts']))[0] ?? null,
      ];
      for (const read of reads) {
        for (let at = 1; at <= 4; at += 1) {
          const spy = new SpyFileSystem(({ number }) => {
            if (number >= at) throw systemError(code);
          });
          const result = await read(openStore(directory, [], spy)).catch((error: unknown) => error);
          expect(result).not.toBeNull();
          if (result instanceof Error)
            expect(result).toMatchObject({ code: expect.stringMatching(/^store-/) });
        }
      }
    },
  );

  it('says what is in the way, and the way out', async () => {
    const spy = new SpyFileSystem(({ name }) => {
      if (name === 'file.writeFile') throw systemError('ENOSPC');
    });
    await expect(
      openStore(directory, [], spy).documents.writeDocument(['ocsp', 'x'], 'x'),
    ).rejects.toMatchObject({
      code: 'store-unwritable',
      message: expect.stringContaining('ENOSPC'),
      hint: expect.stringContaining('free some space'),
    });
    expect(await readdir(join(directory, 'ocsp'))).toEqual([]);
  });
});

describe('a holder of a lock that was asleep', () => {
  it('cannot overwrite what its successor saved', async () => {
    const file = join(directory, 'next.json');
    await writeFile(file, JSON.stringify(next));
    const sleeper = spawn(process.execPath, [program('hold-lock.ts'), directory, file]);
    const lines = createInterface(sleeper.stdout)[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe('locked');
    sleeper.kill('SIGSTOP');

    // Fifteen seconds of silence, in less: nobody else touches the file, so only our own looks count.
    const clock = {
      ...systemClock,
      sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(ms / 100, signal),
    };
    const store = new FileStore({ directory, clock, emit: () => {} });
    await save(later, store);
    sleeper.kill('SIGCONT');
    sleeper.stdin.write('go on\n');
    expect((await lines.next()).value).toBe('lock-lost');
    expect(await store.load('ca', 'example.com')).toEqual(later);
  });
});

describe('the daemon of a store', () => {
  it('is one process', async () => {
    const first = await openStore(directory).acquireDaemonLock({ signal: never });
    await expect(openStore(directory).acquireDaemonLock({ signal: never })).rejects.toMatchObject({
      code: 'store-locked',
      message: expect.stringContaining(`process ${process.pid}`),
      hint: expect.stringContaining('stop it first'),
    });
    expect(await openStore(directory).daemon()).toMatchObject({ pid: process.pid });
    const successor = openStore(directory).acquireDaemonLock({ signal: never, wait: true });
    await first.release();
    await (await successor).release();
    expect(await openStore(directory).daemon()).toBeNull();
  });
});
