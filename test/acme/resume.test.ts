import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { acmeClientProtocol } from '../../src/acme/acme-client.ts';
import { Connection } from '../../src/acme/connection.ts';
import { issueCertificate } from '../../src/acme/issuance.ts';
import { readNote } from '../../src/acme/order-in-flight.ts';
import { RateLimiter } from '../../src/acme/rate-limiter.ts';
import type { Solver } from '../../src/acme/solvers/solver.ts';
import { Transport } from '../../src/acme/transport.ts';
import type { Issued, Order, OrderNote } from '../../src/certs/ports.ts';
import type { Event } from '../../src/events/event.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { readLeaf } from '../../src/x509/leaf.ts';
import { belongsTo, generatePrivateKey, readPrivateKey } from '../../src/x509/private-key.ts';
import { issuerAt, limited, ORDER } from './fake-ca/bench.ts';
import { handlers, problem, type Route } from './fake-ca/handlers.ts';
import { type FakeCa, type Outcome, startFakeCa } from './fake-ca/server.ts';
import { MemoryDocuments } from './memory-documents.ts';
import { MemoryNote } from './memory-note.ts';
import { hurriedClock, noSignal, silent } from './workbench.ts';

const ROUTES: readonly Route[] = [
  'newOrder',
  'authorization',
  'challenge',
  'order',
  'finalize',
  'certificate',
];
const { id } = ORDER;

let ca: FakeCa;
let documents: MemoryDocuments;
let note: MemoryNote;
let events: Event[];

async function reset(): Promise<void> {
  ca = await startFakeCa();
  documents = new MemoryDocuments();
  note = new MemoryNote();
  events = [];
}
beforeEach(reset);
afterEach(() => ca.stop());

/** One more process, with the lock, the account and the note of those before it. */
function start(
  order: Partial<Order> = {},
  settings: Parameters<typeof issuerAt>[1] = {},
  solvers: readonly Solver[] = [silent('http-01')],
  signal = noSignal,
): Promise<Issued> {
  const issuer = issuerAt(ca, settings, solvers, { documents, emit: (event) => void events.push(event) });
  return issuer.issue({ ...ORDER, ...order, note: order.note ?? note.take() }, signal);
}

/** A process that dies, or sleeps for ever, when it asks the CA for this; the CA has done it or not. */
async function dieAt(route: Route, has: 'asked' | 'been served' = 'asked'): Promise<void> {
  const died = Promise.withResolvers<void>();
  ca.disturb(
    route,
    async (request, state): Promise<Outcome> => {
      if (has === 'been served') await handlers[route](state, request);
      died.resolve();
      return 'hang';
    },
    1,
  );
  start().catch(() => {});
  await died.promise;
}

const orders = () => ca.state.orders.size;
const told = () => events.filter(({ event }) => event.startsWith('order.'));

describe('an order whose process dies', () => {
  /** The steps of an issuance, and those among them after which nobody knows of the order. */
  const steps: string[] = [];
  const unknown = ['newOrder done', 'write 2 begun'];

  /** Runs an issuance that dies at step `last`; says whether it lived to its end. */
  async function dieAtStep(last: number): Promise<boolean> {
    const died = Promise.withResolvers<boolean>();
    let step = 0;
    const dies = (name: string): boolean => {
      step += 1;
      if (step !== last) return false;
      steps.push(name);
      died.resolve(false);
      return true;
    };
    for (const route of ROUTES) {
      ca.disturb(route, async (request, state): Promise<Outcome> => {
        if (step >= last) return null;
        if (dies(`${route} asked`)) return 'hang';
        const answer = await handlers[route](state, request);
        return dies(`${route} done`) ? 'hang' : answer;
      });
    }
    const held = note.take();
    let writes = 0;
    const write = async (content: string): Promise<void> => {
      writes += 1;
      if (dies(`write ${writes} begun`)) await new Promise(() => {});
      await held.write(content);
      if (dies(`write ${writes} done`)) await new Promise(() => {});
    };
    start({ note: { ...held, write } }).then(
      () => died.resolve(true),
      () => died.resolve(true),
    );
    return died.promise;
  }

  it('is gone on with, wherever that was', async () => {
    for (let last = 1; ; last += 1) {
      await ca.stop();
      await reset();
      if (await dieAtStep(last)) break;
      const where = steps.at(-1) ?? '';
      const issued = await start();
      const leaf = readLeaf(issued.chain);
      expect(belongsTo(readPrivateKey(issued.key), leaf.certificate), where).toBe(true);
      const isKnown = !unknown.includes(where) && where !== 'newOrder asked' && where !== 'write 1 begun';
      expect([where, orders()]).toEqual([where, unknown.includes(where) ? 2 : 1]);
      expect([...ca.state.orders.values()].filter(({ status }) => status === 'valid')).toHaveLength(1);
      expect([where, told().at(-1)?.event]).toEqual([
        where,
        where === 'write 1 begun'
          ? undefined
          : isKnown && where !== 'write 1 done'
            ? 'order.resumed'
            : 'order.dropped',
      ]);
    }
    expect(steps).toContain('finalize done');
    expect(steps.filter((step) => step.endsWith('begun'))).toHaveLength(3);
    expect(steps.length).toBeGreaterThan(14);
  });

  it('is finalized with the key that was noted, once', async () => {
    await dieAt('finalize', 'been served');
    const { key } = readNote(note.content ?? '') ?? {};
    const issued = await start();
    expect(issued.key).toBe(key);
    expect(ca.count('finalize')).toBe(1);
    expect(told()).toMatchObject([{ event: 'order.resumed', id, status: 'valid' }]);
  });

  it('is one order also when its former process finalizes it in the last moment', async () => {
    await dieAt('finalize');
    ca.disturb('finalize', async (request, state) => {
      await handlers.finalize(state, request);
      return problem('orderNotReady', 403, 'it is valid');
    });
    await start();
    expect(orders()).toBe(1);
    expect(ca.count('finalize')).toBe(2);
  });

  it('is waited for while the CA works on it', async () => {
    await dieAt('finalize', 'been served');
    const order = ca.state.orders.get('1');
    if (order !== undefined) order.status = 'processing';
    ca.disturb('order', (_request, state) => {
      const seen = state.orders.get('1');
      if (seen !== undefined && ca.count('order') > 3) seen.status = 'valid';
      return null;
    });
    await start();
    expect(ca.count('finalize')).toBe(1);
    expect(told()).toMatchObject([{ event: 'order.resumed', status: 'processing' }]);
  });

  it('is proved where it is not proved yet', async () => {
    const names = ['a.example.org', 'b.example.org'];
    const died = Promise.withResolvers<void>();
    ca.disturb(
      'challenge',
      ({ id: challenge }) => {
        if (!challenge.endsWith('-1')) return null;
        died.resolve();
        return 'hang';
      },
      2,
    );
    start({ names }).catch(() => {});
    await died.promise;
    await start({ names });
    const answered = ca.requests.flatMap((request) => (request.route === 'challenge' ? [request.id] : []));
    expect(answered.sort()).toEqual(['1-0', '1-1', '1-1']);
    expect(orders()).toBe(1);
  });
});

it('an order that is gone on with is not counted again', async () => {
  let counted = 0;
  const beforeOrder = async (): Promise<void> => {
    counted += 1;
  };
  const http = new Transport({ clock: hurriedClock, version: '0', roots: ca.roots });
  const pace = new RateLimiter({ intervalMs: 1, burst: 100, clock: hurriedClock });
  const parts = { transport: http, pace, clock: hurriedClock, random: systemRandom };
  const open = acmeClientProtocol(new Connection({ directoryUrl: ca.directory, ...parts }));
  const url = `${ca.state.base}/account/1`;
  const credentials = { key: await generatePrivateKey('p256'), url, eab: null };
  const tools = { open, credentials, beforeOrder, clock: hurriedClock, emit: () => {} };
  const policy = {
    keyType: 'p256',
    mustStaple: false,
    profile: null,
    preferredChain: null,
    solvers: [silent('http-01')],
  } as const;
  const issue = () => issueCertificate({ ...ORDER, note: note.take() }, policy, tools, noSignal);
  ca.disturb('finalize', () => limited('3600'), 1);
  await expect(issue()).rejects.toMatchObject({ code: 'rate-limited' });
  await issue();
  expect(counted).toBe(1);
  note.content = null;
  await issue();
  expect(counted).toBe(2);
  http.close();
});

describe('a note that is of no use', () => {
  const change = (parts: object): void => {
    note.content = JSON.stringify({ ...JSON.parse(note.content ?? '{}'), ...parts });
  };
  const cases: readonly [string, string, () => void | Promise<void>][] = [
    ['is for other names', 'it is for other names', () => change({ names: ['other.example.org'] })],
    ['is for fewer names', 'it is for other names', () => change({ names: [] })],
    [
      'is of another account',
      'it belongs to another account',
      () => change({ account: 'https://ca.test/2' }),
    ],
    ['is for another kind of key', 'the issuer section asks', () => change({ keyType: 'rsa2048' })],
    ['is must-staple', 'the issuer section asks', () => change({ mustStaple: true })],
    ['is of another profile', 'the issuer section asks', () => change({ profile: 'classic' })],
    ['has expired', 'it has expired', () => change({ expiresAt: 1 })],
    [
      'is a week old',
      'it has expired',
      () => change({ expiresAt: null, begunAt: Date.now() - 8 * 86_400_000 }),
    ],
    ['has no address', 'the program ended', () => change({ url: null })],
    ['has the address of something else', 'the program ended', () => change({ url: 'file:///etc/passwd' })],
    ['has no key', 'its note cannot be read', () => change({ key: 'none' })],
    ['is of another version', 'its note cannot be read', () => change({ version: 2 })],
    ['is no JSON', 'its note cannot be read', () => write('nonsense')],
    ['is JSON of another kind', 'its note cannot be read', () => write('[null]')],
    ['is of an order that is invalid', 'the CA has given it up', () => state('invalid')],
    [
      'is of an order that is gone',
      'the CA does not know it',
      () => gone(problem('malformed', 404, 'no order')),
    ],
    ['is of a stranger’s order', 'the CA does not know it', () => gone(problem('unauthorized', 403, 'no'))],
    ['leads to what is no order', 'the CA does not know it', () => gone({ body: { status: 'fine' } })],
    [
      'has another key than the certificate',
      'the certificate is for another key',
      async () => {
        change({ key: await generatePrivateKey('p256') });
      },
    ],
  ];
  const write = (content: string): void => {
    note.content = content;
  };
  const state = (status: 'invalid'): void => {
    const order = ca.state.orders.get('1');
    if (order !== undefined) order.status = status;
  };
  const gone = (answer: object): void =>
    ca.disturb('order', ({ id: order }) => (order === '1' ? answer : null));

  it.each(cases)('since it %s, is told and gives way to a new order', async (_what, why, spoil) => {
    await dieAt('certificate');
    await spoil();
    await start();
    expect(orders()).toBe(2);
    const dropped = told().filter(({ event }) => event === 'order.dropped');
    expect(dropped).toMatchObject([{ id, why: expect.stringContaining(why) }]);
    expect(readNote(note.content ?? '')?.url).toBe(`${ca.state.base}/order/2`);
  });

  it('gives way once: the next failure is one', async () => {
    await dieAt('finalize');
    ca.disturb('finalize', () => problem('malformed', 400, 'never'));
    await expect(start()).rejects.toMatchObject({ code: 'issuer-refused' });
    expect(orders()).toBe(2);
    expect(note.content).toBeNull();
  });

  it('stays when the CA cannot be asked', async () => {
    await dieAt('finalize');
    const kept = note.content;
    ca.disturb('order', () => problem('serverInternal', 500, 'later'));
    await expect(start()).rejects.toMatchObject({ code: 'issuer-unavailable' });
    expect(orders()).toBe(1);
    expect(note.content).toBe(kept);
  });
});

describe('an order that fails', () => {
  it('is gone on with when its names are proved and the CA is in trouble', async () => {
    ca.disturb('finalize', () => limited('3600'), 1);
    await expect(start()).rejects.toMatchObject({ code: 'rate-limited' });
    expect(ca.state.deactivated).toEqual([]);
    await start();
    expect(orders()).toBe(1);
  });

  it('is given up when it is broken off before its names are proved', async () => {
    const stop = new AbortController();
    ca.disturb('order', () => {
      stop.abort();
      return 'hang';
    });
    await expect(start({}, {}, [silent('http-01')], stop.signal)).rejects.toMatchObject({ code: 'aborted' });
    expect(ca.state.deactivated).toEqual(['1-0']);
    expect(note.content).toBeNull();
  });

  it('is not placed when it cannot be noted', async () => {
    const full = { ...note.take(), write: () => Promise.reject(new Error('the disk is full')) };
    await expect(start({ note: full })).rejects.toThrow('the disk is full');
    expect(orders()).toBe(0);
  });

  it('is not held up by a store that goes away once it is placed', async () => {
    const held = note.take();
    let writes = 0;
    const write = async (content: string): Promise<void> => {
      writes += 1;
      if (writes > 1) throw new Error('the store is away');
      await held.write(content);
    };
    await start({ note: { ...held, write } });
    expect(ca.count('finalize')).toBe(1);
  });
});

describe('a process that has lost its lock', () => {
  /** Answers, and what was taken away again. */
  const solver = (parts: Partial<Solver> = {}): Solver & { cleared: number } => {
    const made = {
      ...silent('http-01'),
      ...parts,
      cleared: 0,
      present: async () => async () => {
        made.cleared += 1;
      },
    };
    return made;
  };
  /** Sleeps when it asks for this, loses its lock meanwhile, and wakes up. */
  async function sleepAt(
    route: Route,
    held: OrderNote & { tell(): void },
    answers: Solver,
    answer: () => object | null = () => null,
  ): Promise<unknown> {
    ca.disturb(route, () => {
      note.take();
      return answer();
    });
    return start({ note: held }, {}, [answers]).then(
      () => null,
      (error: unknown) => error,
    );
  }

  it('does not finalize', async () => {
    const answers = solver();
    const error = await sleepAt('order', note.take(), answers);
    expect(error).toMatchObject({ code: 'lock-lost' });
    expect(ca.count('finalize')).toBe(0);
    expect(ca.state.deactivated).toEqual([]);
    expect(readNote(note.content ?? '')?.url).toBe(`${ca.state.base}/order/1`);
    expect(answers.cleared).toBe(1);
  });

  it('does not order', async () => {
    const held = note.take();
    note.take();
    await expect(start({ note: held })).rejects.toMatchObject({ code: 'lock-lost' });
    expect(orders()).toBe(0);
  });

  it.each([
    ['told of it', true],
    ['not told of it', false],
  ])('gives nothing up when the CA fails it, %s', async (_how, isTold) => {
    const held = note.take();
    const error = await sleepAt('order', held, solver(), () => {
      if (isTold) held.tell();
      return problem('unauthorized', 403, 'no');
    });
    expect(error).toMatchObject({ code: 'issuer-refused' });
    expect(ca.state.deactivated).toEqual([]);
    expect(note.content).not.toBeNull();
  });

  it('leaves what its successor has put up as well', async () => {
    const shared = solver({ sharesAnswers: true });
    const own = solver();
    for (const answers of [shared, own]) {
      await ca.stop();
      await reset();
      await sleepAt('order', note.take(), answers, () => problem('unauthorized', 403, 'no'));
    }
    expect([shared.cleared, own.cleared]).toEqual([0, 1]);
  });
});
