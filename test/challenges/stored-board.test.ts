import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { validationCertificate } from '../../src/acme/solvers/tls-alpn-01.ts';
import { httpKey, tlsAlpnKey } from '../../src/challenges/answer-key.ts';
import { type ChallengeAnswer, ServingBoard } from '../../src/challenges/board.ts';
import { StoredAnswers, StoredBoard } from '../../src/challenges/stored-board.ts';
import { type Clock, systemClock } from '../../src/platform/clock.ts';
import { MemoryDocuments } from '../acme/memory-documents.ts';

const noSignal = new AbortController().signal;
const TOKEN = 'token-of-sixteen-or-more';
const KEY = httpKey(TOKEN);
const ANSWER: ChallengeAnswer = { type: 'http-01', body: `${TOKEN}.thumb` };

describe('answers of a command beside a daemon', () => {
  let documents: MemoryDocuments;
  let shown: ReadonlyMap<string, ChallengeAnswer>;
  let answers: StoredAnswers;
  let now: () => number;
  beforeEach(() => {
    now = () => systemClock.now();
    documents = new MemoryDocuments();
    shown = new Map();
    const board = new ServingBoard(
      (all) => {
        shown = all;
      },
      async () => {},
    );
    answers = new StoredAnswers(documents, board, clock, (fault) => {
      throw fault;
    });
  });

  /** The daemon looks whenever the command waits. */
  const clock: Clock = {
    ...systemClock,
    now: () => now(),
    sleep: async () => {
      await answers.look(noSignal);
    },
  };

  it('are shown by the daemon, and taken down with nothing left in the store', async () => {
    const takeDown = await new StoredBoard(documents, clock).put(KEY, ANSWER, noSignal);
    expect(shown).toEqual(new Map([[KEY, ANSWER]]));
    await takeDown();
    await answers.look(noSignal);
    expect(shown.size).toBe(0);
    expect(documents.documents.size).toBe(0);
  });

  it('may be certificates', async () => {
    const certificate = await validationCertificate('a.example.org', 'key', clock.now(), Buffer.alloc(16));
    const answer: ChallengeAnswer = { type: 'tls-alpn-01', ...certificate };
    await new StoredBoard(documents, clock).put(tlsAlpnKey('a.example.org'), answer, noSignal);
    expect(shown.get('tls-alpn-01:a.example.org')).toEqual(answer);
  });

  it('are shown anew when another attempt has another answer for the same key', async () => {
    const board = new StoredBoard(documents, clock);
    await board.put(KEY, ANSWER, noSignal);
    await board.put(KEY, { type: 'http-01', body: 'other' }, noSignal);
    expect(shown.get(KEY)).toEqual({ type: 'http-01', body: 'other' });
  });

  it('are an error when no daemon shows them, and then gone', async () => {
    let time = 0;
    const lonely: Clock = {
      ...systemClock,
      now: () => time,
      sleep: async (ms) => {
        time += ms;
      },
    };
    const put = new StoredBoard(documents, lonely, { patienceMs: 5_000 }).put(KEY, ANSWER, noSignal);
    await expect(put).rejects.toMatchObject({ code: 'daemon-unreachable' });
    expect(time).toBe(5_000);
    expect(documents.documents.size).toBe(0);
  });

  it('are gone after an abort', async () => {
    const put = new StoredBoard(documents, clock).put(KEY, ANSWER, AbortSignal.abort('stop'));
    await expect(put).rejects.toBe('stop');
    expect(documents.documents.size).toBe(0);
  });

  it('stay when somebody else has put up the same since: he goes on with the order', async () => {
    const slept = await new StoredBoard(documents, clock).put(KEY, ANSWER, noSignal);
    const later: Clock = { ...clock, now: () => now() + 1 };
    const successor = await new StoredBoard(documents, later).put(KEY, ANSWER, noSignal);
    await slept();
    await answers.look(noSignal);
    expect(shown).toEqual(new Map([[KEY, ANSWER]]));
    await successor();
    await answers.look(noSignal);
    expect(shown.size).toBe(0);
    expect(documents.documents.size).toBe(0);
  });

  it('of a command that crashed are taken down when their time is over', async () => {
    await new StoredBoard(documents, clock).put(KEY, ANSWER, noSignal);
    now = () => systemClock.now() + 16 * 60_000;
    await answers.look(noSignal);
    expect(shown.size).toBe(0);
    expect(documents.documents.size).toBe(0);
  });

  const stored = (value: unknown, key = KEY) =>
    documents.writeDocument(
      ['challenges', createHash('sha256').update(key).digest('hex')],
      typeof value === 'string' ? value : JSON.stringify(value),
    );
  const expiresAt = systemClock.now() + 60_000;

  it.each<[string, unknown, string?]>([
    ['no JSON', '{'],
    ['nothing', ''],
    ['null', 'null'],
    ['another key than its name', { key: httpKey(`${TOKEN}X`), answer: ANSWER, expiresAt }],
    ['no expiry', { key: KEY, answer: ANSWER }],
    [
      'another type than its key',
      { key: KEY, answer: { type: 'tls-alpn-01', chain: '', key: '' }, expiresAt },
    ],
    ['a body with a header in it', { key: KEY, answer: { type: 'http-01', body: 'a\r\nb' }, expiresAt }],
    ['a flood', { key: KEY, answer: { type: 'http-01', body: 'x'.repeat(100_000) }, expiresAt }],
    [
      'a path as token',
      { key: 'http-01:../../../etc/passwd', answer: ANSWER, expiresAt },
      'http-01:../../../etc/passwd',
    ],
    [
      'no certificate',
      { key: 'tls-alpn-01:a.test', answer: { type: 'tls-alpn-01', chain: 'x', key: 'y' }, expiresAt },
      'tls-alpn-01:a.test',
    ],
  ])('that are %s are not shown', async (_, value, key) => {
    await stored(value, key);
    await answers.look(noSignal);
    expect(shown.size).toBe(0);
  });

  it('with hostile names are not even read', async () => {
    await documents.writeDocument(
      ['challenges', '../accounts'],
      JSON.stringify({ key: KEY, answer: ANSWER, expiresAt }),
    );
    documents.readDocument = async () => {
      throw new Error('it was read');
    };
    await answers.look(noSignal);
    expect(shown.size).toBe(0);
  });

  it('are looked for every second until that is ended, one look at a time', async () => {
    let tick = () => {};
    let ended = false;
    const ticking: Clock = {
      ...systemClock,
      every: (ms, callback) => {
        expect(ms).toBe(1_000);
        tick = callback;
        return () => {
          ended = true;
        };
      },
    };
    const faults: unknown[] = [];
    const slow = Promise.withResolvers<readonly string[]>();
    let looks = 0;
    documents.listDocuments = () => {
      looks++;
      return slow.promise;
    };
    const daemon = new StoredAnswers(
      documents,
      new ServingBoard(
        () => {},
        async () => {},
      ),
      ticking,
      (fault) => faults.push(fault),
    );
    const stop = daemon.watch();
    tick();
    tick();
    expect(looks).toBe(1);
    slow.reject(new Error('the store is away'));
    await expect.poll(() => faults).toEqual([new Error('the store is away')]);
    tick();
    expect(looks).toBe(2);
    stop();
    expect(ended).toBe(true);
  });
});
