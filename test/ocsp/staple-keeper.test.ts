import type { ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Certificate } from '../../src/certs/certificate.ts';
import type { DocumentPath, DocumentStore } from '../../src/certs/ports.ts';
import { RigilError } from '../../src/errors.ts';
import type { Event } from '../../src/events/event.ts';
import { decodeStaple } from '../../src/ocsp/kept-staple.ts';
import { StapleKeeper } from '../../src/ocsp/staple-keeper.ts';
import { loadStoredCertificate } from '../../src/ocsp/stored-certificate.ts';
import { type Clock, systemClock } from '../../src/platform/clock.ts';
import { systemFetch } from '../../src/platform/fetch.ts';
import { readLeaf } from '../../src/x509/leaf.ts';
import { has } from '../peers.ts';
import { sendOcsp, serve, TestAuthority, type TestServer } from '../responder.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe.skipIf(!has('openssl'))('StapleKeeper', () => {
  let authority: TestAuthority;
  let responder: TestServer;
  let respond: (request: Buffer, response: ServerResponse) => unknown;

  beforeAll(async () => {
    authority = await TestAuthority.create();
    responder = await serve(({ method, url, body }, response) =>
      respond(method === 'POST' ? body : Buffer.from(decodeURIComponent(url.slice(1)), 'base64'), response),
    );
  });
  afterEach(() => {
    responder.requests.length = 0;
  });
  afterAll(async () => {
    await responder?.[Symbol.asyncDispose]();
    await authority?.remove();
  });

  it('fetches a staple, keeps it and says when the next is due', async () => {
    const { keeper, changes, events, documents, certificate } = await given(answering);
    expect(keeper.dueAt(certificate.facts)).toBe(certificate.facts.obtainedAt);
    expect(keeper.stapleOf(certificate.facts.fingerprint)).toBeNull();

    const dueAt = await keeper.refresh(certificate, never());

    const answer = keeper.answerOf(certificate.facts.fingerprint);
    expect(dueAt).toBe((answer?.thisUpdate ?? 0) + 3.5 * DAY);
    expect(keeper.dueAt(certificate.facts)).toBe(dueAt);
    expect(keeper.stapleOf(certificate.facts.fingerprint)).toEqual(answer?.der);
    expect(changes).toEqual([certificate.facts.fingerprint]);
    expect(events).toMatchObject([{ event: 'staple.refreshed', id: 'leaf.test' }]);
    expect(decodeStaple([...documents.values()][0] ?? Buffer.alloc(0))).toMatchObject({
      status: 'good',
      refreshAt: dueAt,
    });
  });

  it('does not ask before the answer is due, nor after a restart', async () => {
    const first = await given(answering);
    const dueAt = await first.keeper.refresh(first.certificate, never());
    await first.keeper.refresh(first.certificate, never());
    const second = await given(answering, { documents: first.documents, certificate: first.certificate });
    expect(await second.keeper.refresh(first.certificate, never())).toBe(dueAt);
    expect(second.keeper.stapleOf(first.certificate.facts.fingerprint)).not.toBeNull();
    expect(second.changes).toHaveLength(1);
    expect(responder.requests).toHaveLength(1);
  });

  it('keeps a good answer while asking fails, with growing pauses, and takes it back before its end', async () => {
    const { keeper, clock, changes, events, certificate } = await given(answering);
    const { fingerprint } = certificate.facts;
    keeper.start();
    clock.advance((await keeper.refresh(certificate, never())) - clock.now());
    const der = keeper.stapleOf(fingerprint);
    clock.tick();

    respond = (_, response) => response.writeHead(500).end();
    const pauses: number[] = [];
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const dueAt = await keeper.refresh(certificate, never());
      pauses.push(dueAt - clock.now());
      clock.advance(dueAt - clock.now());
      expect(keeper.stapleOf(fingerprint)).toBe(der);
    }
    expect(pauses).toEqual([1, 5, 15, 60, 60].map((minutes) => minutes * MINUTE));
    expect(events.filter(({ event }) => event === 'staple.failed')).toMatchObject(
      Array.from({ length: 5 }, () => ({ code: 'responder-unreachable' })),
    );

    clock.advance((keeper.answerOf(fingerprint)?.nextUpdate ?? 0) - clock.now() - MINUTE);
    expect(keeper.stapleOf(fingerprint)).toBeNull();
    expect(changes).toHaveLength(1);
    clock.tick();
    clock.tick();
    expect(changes).toEqual([fingerprint, fingerprint]);
  });

  it('comes back when the responder says', async () => {
    const { keeper, clock, certificate } = await given((_, response) =>
      response.writeHead(503, { 'retry-after': '7200' }).end(),
    );
    expect(await keeper.refresh(certificate, never())).toBe(clock.now() + 2 * HOUR);
  });

  it('stops stapling "good" when the CA says that the certificate is revoked, also after a restart', async () => {
    const { keeper, documents, certificate, test } = await given(answering);
    const { fingerprint } = certificate.facts;
    await keeper.refresh(certificate, never());
    await authority.revoke(test);
    const again = await given(answering, { documents, certificate });
    documents.set(`ocsp/${fingerprint}.json`, due(documents.get(`ocsp/${fingerprint}.json`)));
    await again.keeper.refresh(certificate, never());

    expect(again.keeper.stapleOf(fingerprint)).toBeNull();
    expect(again.keeper.answerOf(fingerprint)).toMatchObject({ status: 'revoked', usableUntil: null });
    expect(again.events).toMatchObject([{ event: 'staple.failed', code: 'certificate-revoked' }]);
    expect(again.changes).toEqual([fingerprint, fingerprint]);

    const restarted = await given(answering, { documents, certificate });
    await restarted.keeper.recall(fingerprint);
    expect(restarted.keeper.stapleOf(fingerprint)).toBeNull();
  });

  it('keeps a good answer when the responder does not know the certificate for a while', async () => {
    const { keeper, documents, certificate, test } = await given(answering);
    const { fingerprint } = certificate.facts;
    await keeper.refresh(certificate, never());
    await authority.forget(test);
    documents.set(`ocsp/${fingerprint}.json`, due(documents.get(`ocsp/${fingerprint}.json`)));
    const again = await given(answering, { documents, certificate });
    const dueAt = await again.keeper.refresh(certificate, never());
    expect(dueAt).toBe(again.clock.now() + MINUTE);
    expect(again.keeper.stapleOf(fingerprint)).not.toBeNull();
    expect(again.events).toMatchObject([{ event: 'staple.failed', code: 'certificate-unknown' }]);
  });

  it('works without a store, and says so', async () => {
    const { keeper, events, certificate } = await given(answering, { broken: true });
    await keeper.refresh(certificate, never());
    expect(keeper.stapleOf(certificate.facts.fingerprint)).not.toBeNull();
    expect(events.map(({ event }) => event)).toEqual(['store.problem', 'store.problem', 'staple.refreshed']);
  });

  it('knows all that is kept after a restart, good or not, and asks nobody', async () => {
    const { keeper, documents, certificate } = await given(answering);
    const other = await given(answering, { documents });
    await keeper.refresh(certificate, never());
    await authority.revoke(other.test);
    await other.keeper.refresh(other.certificate, never());
    documents.set('ocsp/damaged.json', Buffer.from('{'));

    const asked = responder.requests.length;
    const again = await given(answering, { documents });
    await again.keeper.recallAll();
    const [good, revoked] = [certificate.facts.fingerprint, other.certificate.facts.fingerprint];
    expect(again.keeper.stapleOf(good)).toEqual(Buffer.from(keeper.stapleOf(good) ?? []));
    expect([again.keeper.revokedAt(good), again.keeper.stapleOf(revoked)]).toEqual([null, null]);
    expect(again.keeper.revokedAt(revoked)).toBe(other.keeper.answerOf(revoked)?.thisUpdate);
    expect(again.changes).toEqual([good]);
    expect(responder.requests).toHaveLength(asked);
  });

  it('tells what is the matter until it is over', async () => {
    const { keeper, clock, certificate } = await given((_, response) => response.writeHead(500).end());
    const { fingerprint } = certificate.facts;
    expect(keeper.troubleOf(fingerprint)).toBeNull();
    const first = await keeper.refresh(certificate, never());
    expect(keeper.troubleOf(fingerprint)).toMatchObject({
      code: 'responder-unreachable',
      at: clock.now(),
      attempts: 1,
      retryAt: first,
    });
    clock.advance(first - clock.now());
    await keeper.refresh(certificate, never());
    expect(keeper.troubleOf(fingerprint)).toMatchObject({ attempts: 2 });
    respond = answering;
    clock.advance(6 * MINUTE);
    await keeper.refresh(certificate, never());
    expect(keeper.troubleOf(fingerprint)).toBeNull();
  });

  it('asks again when what is kept is damaged', async () => {
    const documents = new Map<string, Buffer>();
    const { keeper, certificate } = await given(answering, { documents });
    for (const text of ['', '{', 'null', '{"status":"good"}', '[]']) {
      documents.set(`ocsp/${certificate.facts.fingerprint}.json`, Buffer.from(text));
      await keeper.recall(certificate.facts.fingerprint);
      expect(keeper.answerOf(certificate.facts.fingerprint)).toBeNull();
    }
    await keeper.refresh(certificate, never());
    expect(keeper.stapleOf(certificate.facts.fingerprint)).not.toBeNull();
  });

  it('forgets what is not wanted any more', async () => {
    const { keeper, documents, certificate } = await given(answering);
    await keeper.refresh(certificate, never());
    await keeper.retain(new Set([certificate.facts.fingerprint]));
    expect(documents.size).toBe(1);
    await keeper.retain(new Set());
    expect(documents.size).toBe(0);
    expect(keeper.answerOf(certificate.facts.fingerprint)).toBeNull();
  });

  it('has nothing to do for a certificate without a responder', async () => {
    const { keeper, certificate } = await given(answering);
    expect(keeper.dueAt({ ...certificate.facts, responderUrl: null })).toBeNull();
  });

  it('is broken off by its signal, which is no failure', async () => {
    const stop = new AbortController();
    const { keeper, events, certificate } = await given(() => stop.abort(new Error('stopped')));
    await expect(keeper.refresh(certificate, stop.signal)).rejects.toThrow('stopped');
    expect(events).toEqual([]);
  });

  it('leaves an answer that ocsp inspect finds by name', async () => {
    const { keeper, documents, certificate } = await given(answering);
    await keeper.refresh(certificate, never());
    const store = {
      ...documentStore(documents),
      find: async (id: string) => (id === 'leaf.test' ? [certificate.facts] : []),
      load: async () => certificate,
    };
    expect(await loadStoredCertificate('leaf.test', store)).toEqual({
      chain: certificate.chain,
      staple: Buffer.from(keeper.stapleOf(certificate.facts.fingerprint) ?? []),
    });
    await expect(loadStoredCertificate('other.test', store)).rejects.toMatchObject({ code: 'name-unknown' });
  });

  async function answering(request: Buffer, response: ServerResponse) {
    sendOcsp(response, await authority.answer(request));
  }

  async function given(
    handler: typeof respond,
    options: { documents?: Map<string, Buffer>; certificate?: Certificate; broken?: boolean } = {},
  ) {
    respond = handler;
    const test = await authority.issue({ extensions: [`authorityInfoAccess=OCSP;URI:${responder.url}`] });
    const documents = options.documents ?? new Map<string, Buffer>();
    const clock = new ShiftedClock();
    const changes: string[] = [];
    const events: Event[] = [];
    const keeper = new StapleKeeper({
      fetch: systemFetch,
      clock,
      random: { fraction: () => 0, bytes: (size) => Buffer.alloc(size) },
      documents: options.broken === true ? brokenStore : documentStore(documents),
      emit: (event) => events.push(event),
      onChange: (fingerprint) => changes.push(fingerprint),
    });
    const certificate = options.certificate ?? certificateFrom(test.pem + authority.ca.pem, test.key);
    return { keeper, clock, changes, events, documents, certificate, test };
  }
});

/** A clock that stands where it is put; the timeouts of requests never run out. */
class ShiftedClock implements Clock {
  #now = systemClock.now();
  readonly #callbacks: (() => void)[] = [];

  now(): number {
    return this.#now;
  }

  sleep(): Promise<void> {
    return new Promise(() => {});
  }

  every(_ms: number, callback: () => void): () => void {
    this.#callbacks.push(callback);
    return () => {};
  }

  advance(ms: number): void {
    this.#now += ms;
  }

  tick(): void {
    for (const callback of this.#callbacks) callback();
  }
}

function documentStore(documents: Map<string, Buffer>): DocumentStore {
  const key = (path: DocumentPath) => path.join('/');
  return {
    readDocument: async (path) => documents.get(key(path)) ?? null,
    writeDocument: async (path, content) => void documents.set(key(path), Buffer.from(content)),
    removeDocument: async (path) => void documents.delete(key(path)),
    listDocuments: async (path) =>
      [...documents.keys()].filter((name) => name.startsWith(`${key(path)}/`)).map((name) => name.slice(5)),
    readDocuments: async (path, visit) => {
      for (const [name, content] of documents) {
        if (name.startsWith(`${key(path)}/`)) visit(name.slice(5), content);
      }
    },
    locateDocument: key,
  };
}

const brokenStore: DocumentStore = {
  ...documentStore(new Map()),
  readDocument: () => Promise.reject(new RigilError('store-unreadable', 'gone')),
  readDocuments: () => Promise.reject(new RigilError('store-unreadable', 'gone')),
  writeDocument: () => Promise.reject(new RigilError('store-unwritable', 'full')),
};

/** The same document, as if it were time to ask again. */
function due(document: Buffer | undefined): Buffer {
  return Buffer.from(
    JSON.stringify({ ...JSON.parse(String(document)), refreshAt: new Date(0).toISOString() }),
  );
}

function certificateFrom(chain: string, key: string): Certificate {
  const { certificate: _, ...leaf } = readLeaf(chain);
  return {
    chain,
    key,
    facts: { ...leaf, id: 'leaf.test', issuer: 'test', obtainedAt: leaf.notBefore, source: 'rigil' },
  };
}

function never(): AbortSignal {
  return new AbortController().signal;
}
