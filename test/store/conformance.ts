import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Certificate } from '../../src/certs/certificate.ts';
import { emptyJournal, type JournalEntry } from '../../src/certs/journal.ts';
import { type CertificateStore, type DocumentStore, lockKeyOf } from '../../src/certs/ports.ts';
import type { Store } from '../../src/store/store.ts';
import { DAY, makeFailure, START } from '../certs/make.ts';
import { realCertificate } from '../certs/real-certificate.ts';

/** A store under test. Every `open` gives what another process would see. */
export interface StoreUnderTest {
  open(): CertificateStore & Pick<Store, 'former'> & { readonly documents: DocumentStore };
  close(): Promise<void>;
}

/** What any store must do, whatever it keeps its data in. */
export function describeStore(name: string, make: () => Promise<StoreUnderTest>): void {
  describe(name, () => {
    const never = new AbortController().signal;
    let first: Certificate;
    let second: Certificate;
    let other: Certificate;
    let underTest: StoreUnderTest;
    let store: ReturnType<StoreUnderTest['open']>;
    let elsewhere: ReturnType<StoreUnderTest['open']>;

    beforeAll(async () => {
      first = await realCertificate();
      second = await realCertificate({ notBefore: START + DAY });
      other = await realCertificate({ names: ['*.example.org', '2001:db8::1'], issuer: 'other' });
    });
    beforeEach(async () => {
      underTest = await make();
      store = underTest.open();
      elsewhere = underTest.open();
    });
    afterEach(() => underTest.close());

    async function save(certificate: Certificate, into = store): Promise<void> {
      const lock = await into.lock(lockKeyOf(certificate.facts.id), never);
      await into.save(certificate, lock).finally(() => lock.release());
    }

    describe('certificates', () => {
      it('are not there at first', async () => {
        expect(await store.list()).toEqual({ certificates: [], damaged: [] });
        expect(await store.find('example.com')).toEqual([]);
        expect(await store.load('ca', 'example.com')).toBeNull();
        expect(await store.readAll(never)).toEqual({
          certificates: [],
          damaged: [],
          whole: [],
          unusable: [],
        });
      });

      it('come back as they were saved, for others too', async () => {
        await save(first);
        await save(other);
        expect(await elsewhere.load('ca', 'example.com')).toEqual(first);
        expect(await elsewhere.load('other', '*.example.org')).toEqual(other);
        expect(await elsewhere.find('*.example.org')).toEqual([other.facts]);
        const { certificates, damaged } = await elsewhere.list();
        expect(new Set(certificates)).toEqual(new Set([first.facts, other.facts]));
        expect(damaged).toEqual([]);
      });

      it('are replaced as a whole', async () => {
        await save(first);
        await save(second);
        expect(await elsewhere.load('ca', 'example.com')).toEqual(second);
        expect(await elsewhere.find('example.com')).toEqual([second.facts]);
        expect((await elsewhere.list()).certificates).toEqual([second.facts]);
      });

      it('leave the one before behind', async () => {
        expect(await store.former('ca', 'example.com')).toBeNull();
        await save(first);
        expect(await elsewhere.former('ca', 'example.com')).toBeNull();
        await save(second);
        expect(await elsewhere.former('ca', 'example.com')).toEqual(first);
      });

      it('come back all at once', async () => {
        await save(first);
        await save(second);
        await save(other);
        const { certificates, whole, ...problems } = await elsewhere.readAll(never);
        expect(new Set(whole)).toEqual(new Set([second, other]));
        expect(new Set(certificates)).toEqual(new Set([second.facts, other.facts]));
        expect(problems).toEqual({ damaged: [], unusable: [] });
        const given = store.readAll(AbortSignal.abort());
        await expect(given).rejects.toMatchObject({ code: 'aborted' });
      });

      it('of several issuers stand side by side', async () => {
        const elsewhereIssued = await realCertificate({ issuer: 'other' });
        await save(first);
        await save(elsewhereIssued);
        expect(new Set(await store.find('example.com'))).toEqual(
          new Set([first.facts, elsewhereIssued.facts]),
        );
        expect(await store.load('ca', 'example.com')).toEqual(first);
      });

      it('may have names that no file or key should have', async () => {
        const ids = [
          '../../etc/passwd',
          '..',
          '.',
          'a/b',
          'a\0b',
          'ü',
          '*',
          '_wildcard.example.com',
          '*.example.com',
        ];
        for (const id of [...ids, 'x'.repeat(300)]) await save({ ...first, facts: { ...first.facts, id } });
        const { certificates } = await elsewhere.list();
        expect(new Set(certificates.map(({ id }) => id))).toEqual(new Set([...ids, 'x'.repeat(300)]));
        for (const id of ids) expect((await elsewhere.load('ca', id))?.facts.id).toBe(id);
      });

      it('are not saved under the lock of another one', async () => {
        const lock = await store.lock(lockKeyOf('another'), never);
        await expect(store.save(first, lock)).rejects.toMatchObject({ code: 'internal' });
        await lock.release();
        expect(await store.list()).toEqual({ certificates: [], damaged: [] });
      });

      it('are not saved with a lock that was given back', async () => {
        const lock = await store.lock(lockKeyOf('example.com'), never);
        await lock.release();
        await expect(store.save(first, lock)).rejects.toMatchObject({ code: 'lock-lost' });
        expect(await store.load('ca', 'example.com')).toBeNull();
      });
    });

    describe('the journal', () => {
      const window = {
        start: START,
        end: START + DAY,
        selected: START + 1,
        explanationUrl: 'https://ca.example/',
      };
      const entry: JournalEntry = {
        failure: makeFailure({ resting: { ca: null, other: START } }),
        ari: { ariId: 'a.b', window, nextFetchAt: START, failures: 2 },
      };

      it('is empty at first', async () => {
        expect(await store.readJournalOf('example.com')).toBeNull();
        expect(await store.readJournal()).toEqual(new Map());
      });

      it('comes back as it was written, for others too', async () => {
        const blocked: JournalEntry = { failure: makeFailure({ retryAt: null }), ari: null };
        await store.writeJournal('example.com', entry);
        await store.writeJournal('*.example.org', blocked);
        expect(await elsewhere.readJournalOf('example.com')).toEqual(entry);
        expect(await elsewhere.readJournal()).toEqual(
          new Map([
            ['example.com', entry],
            ['*.example.org', blocked],
          ]),
        );
      });

      it('forgets', async () => {
        await store.writeJournal('example.com', entry);
        await elsewhere.writeJournal('example.com', emptyJournal);
        await elsewhere.writeJournal('never.example.com', emptyJournal);
        expect((await store.readJournalOf('example.com')) ?? emptyJournal).toEqual(emptyJournal);
      });
    });

    describe('the note of an order in flight', () => {
      const id = '*.example.org';
      const take = (from = store, of = id) => from.lock(lockKeyOf(of), never);

      it('is not there at first', async () => {
        expect(await store.readOrder(id)).toBeNull();
        const lock = await take();
        await store.writeOrder(id, null, lock);
        await lock.release();
      });

      it('comes back as it was written, for others too, until its end is noted', async () => {
        const lock = await take();
        await store.writeOrder(id, 'begun', lock);
        await store.writeOrder(id, 'placed', lock);
        expect((await elsewhere.readOrder(id))?.toString()).toBe('placed');
        expect(await elsewhere.readOrder('example.org')).toBeNull();
        await lock.release();
        const next = await take(elsewhere);
        await elsewhere.writeOrder(id, null, next);
        await next.release();
        expect(await store.readOrder(id)).toBeNull();
      });

      it('ends with the certificate', async () => {
        const lock = await take(store, other.facts.id);
        await store.writeOrder(other.facts.id, 'placed', lock);
        await store.save(other, lock);
        expect(await elsewhere.readOrder(other.facts.id)).toBeNull();
        await lock.release();
      });

      it('stays when another certificate is stored', async () => {
        const lock = await take();
        await store.writeOrder(id, 'placed', lock);
        await save(first);
        expect((await store.readOrder(id))?.toString()).toBe('placed');
        await lock.release();
      });

      it.each(['changed', null])('is for the holder of the lock (%s)', async (content) => {
        const lock = await take();
        await store.writeOrder(id, 'placed', lock);
        const another = await take(store, 'another');
        await expect(store.writeOrder(id, content, another)).rejects.toMatchObject({ code: 'internal' });
        await another.release();
        await lock.release();
        const next = await take(elsewhere);
        await expect(store.writeOrder(id, content, lock)).rejects.toMatchObject({ code: 'lock-lost' });
        expect((await store.readOrder(id))?.toString()).toBe('placed');
        await next.release();
      });

      it('tells nobody of itself', async () => {
        let calls = 0;
        const stop = elsewhere.watch(() => {
          calls += 1;
        });
        await new Promise((resolve) => setTimeout(resolve, 300));
        const atFirst = calls;
        const lock = await take();
        await store.writeOrder(id, 'placed', lock);
        await new Promise((resolve) => setTimeout(resolve, 100));
        stop();
        await lock.release();
        expect(calls).toBe(atFirst);
      });
    });

    describe('a lock', () => {
      it('is had by one at a time, with a fence that grows', async () => {
        let inside = 0;
        let most = 0;
        const fences: number[] = [];
        const work = async (from: typeof store): Promise<void> => {
          const lock = await from.lock('key', never);
          inside += 1;
          most = Math.max(most, inside);
          fences.push(lock.fence);
          await new Promise((resolve) => setImmediate(resolve));
          inside -= 1;
          await lock.release();
        };
        await Promise.all([work(store), work(elsewhere), work(store), work(elsewhere)]);
        expect(most).toBe(1);
        expect(fences).toEqual([...fences].sort((left, right) => left - right));
        expect(new Set(fences).size).toBe(4);
      });

      it('of another key is free', async () => {
        const one = await store.lock('one', never);
        const two = await elsewhere.lock('two', never);
        await Promise.all([one.release(), two.release()]);
      });

      it('is not waited for any longer when the signal aborts', async () => {
        const lock = await store.lock('key', never);
        const controller = new AbortController();
        const waiting = elsewhere.lock('key', controller.signal);
        controller.abort();
        await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
        await expect(elsewhere.lock('key', AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' });
        await lock.release();
      });

      it('may be given back twice', async () => {
        const lock = await store.lock('key', never);
        await lock.release();
        const next = await elsewhere.lock('key', never);
        await lock.release();
        const third = store.lock('key', AbortSignal.timeout(200));
        await expect(third).rejects.toMatchObject({ code: 'aborted' });
        await next.release();
      });
    });

    describe('watching', () => {
      it('tells of what others stored, and not of what oneself did', async () => {
        let calls = 0;
        let changed = Promise.withResolvers<void>();
        const stop = store.watch(() => {
          calls += 1;
          changed.resolve();
        });
        // A store may have to say at first that it listens from now on.
        await new Promise((resolve) => setTimeout(resolve, 300));
        const atFirst = calls;
        changed = Promise.withResolvers();
        await save(first);
        await new Promise((resolve) => setTimeout(resolve, 100));
        expect(calls).toBe(atFirst);
        await save(other, elsewhere);
        await changed.promise;
        stop();
        expect(calls).toBeGreaterThan(atFirst);
      });
    });

    describe('documents', () => {
      it('come back as they were written, for others too', async () => {
        await store.documents.writeDocument(['accounts', 'ca', 'key.pem'], 'secret');
        await store.documents.writeDocument(['accounts', 'ca', 'key.pem'], Buffer.from([0, 255]));
        expect(await elsewhere.documents.readDocument(['accounts', 'ca', 'key.pem'])).toEqual(
          Buffer.from([0, 255]),
        );
      });

      it('are absent, listed and removed', async () => {
        const { documents } = store;
        expect(await documents.readDocument(['ocsp', 'x'])).toBeNull();
        expect(await documents.listDocuments(['ocsp'])).toEqual([]);
        await documents.removeDocument(['ocsp', 'x']);
        await documents.writeDocument(['ocsp', 'x'], '1');
        await documents.writeDocument(['ocsp', '*.y/../z'], '2');
        expect(new Set(await elsewhere.documents.listDocuments(['ocsp']))).toEqual(
          new Set(['x', '*.y/../z']),
        );
        await elsewhere.documents.removeDocument(['ocsp', 'x']);
        expect(await documents.listDocuments(['ocsp'])).toEqual(['*.y/../z']);
        expect(documents.locateDocument(['ocsp', 'x'])).toContain('ocsp');
      });

      it('cannot be written outside', async () => {
        const { documents } = store;
        for (const name of ['..', '../x', '/etc/x', '']) {
          await documents.writeDocument(['challenges', name], name);
          expect((await documents.readDocument(['challenges', name]))?.toString()).toBe(name);
        }
        expect(await documents.listDocuments(['challenges'])).toHaveLength(4);
      });
    });
  });
}
