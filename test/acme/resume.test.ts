import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { acmeClientProtocol } from '../../src/acme/acme-client.ts';
import { Connection } from '../../src/acme/connection.ts';
import { issueCertificate } from '../../src/acme/issuance.ts';
import { readNote } from '../../src/acme/order-in-flight.ts';
import { RateLimiter } from '../../src/acme/rate-limiter.ts';
import { Transport } from '../../src/acme/transport.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { readLeaf } from '../../src/x509/leaf.ts';
import { belongsTo, generatePrivateKey, readPrivateKey } from '../../src/x509/private-key.ts';
import { limited, ORDER } from './fake-ca/bench.ts';
import { handlers, problem, type Route } from './fake-ca/handlers.ts';
import type { Outcome } from './fake-ca/server.ts';
import { NotedOrders } from './noted-orders.ts';
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

let at: NotedOrders;
beforeEach(async () => {
  at = await NotedOrders.open();
});
afterEach(() => at[Symbol.asyncDispose]());

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
      at.ca.disturb(route, async (request, state): Promise<Outcome> => {
        if (step >= last) return null;
        if (dies(`${route} asked`)) return 'hang';
        const answer = await handlers[route](state, request);
        return dies(`${route} done`) ? 'hang' : answer;
      });
    }
    const held = at.note.take();
    let writes = 0;
    const write = async (content: string): Promise<void> => {
      writes += 1;
      if (dies(`write ${writes} begun`)) await new Promise(() => {});
      await held.write(content);
      if (dies(`write ${writes} done`)) await new Promise(() => {});
    };
    at.start({ note: { ...held, write } }).then(
      () => died.resolve(true),
      () => died.resolve(true),
    );
    return died.promise;
  }

  it('is gone on with, wherever that was', async () => {
    for (let last = 1; ; last += 1) {
      await at[Symbol.asyncDispose]();
      at = await NotedOrders.open();
      if (await dieAtStep(last)) break;
      const where = steps.at(-1) ?? '';
      const issued = await at.start();
      const leaf = readLeaf(issued.chain);
      expect(belongsTo(readPrivateKey(issued.key), leaf.certificate), where).toBe(true);
      expect([where, at.count]).toEqual([where, unknown.includes(where) ? 2 : 1]);
      expect([...at.ca.state.orders.values()].filter(({ status }) => status === 'valid')).toHaveLength(1);
      const isDropped = ['write 1 done', 'newOrder asked', ...unknown].includes(where);
      const told = where === 'write 1 begun' ? [] : [isDropped ? 'order.dropped' : 'order.resumed'];
      expect([where, ...at.told.map(({ event }) => event)]).toEqual([where, ...told]);
    }
    expect(steps).toContain('finalize done');
    expect(steps.filter((step) => step.endsWith('begun'))).toHaveLength(3);
    expect(steps.length).toBeGreaterThan(14);
  });

  it('is finalized with the key that was noted, once', async () => {
    await at.dieAt('finalize', 'been served');
    const { key } = readNote(at.note.content ?? '') ?? {};
    const issued = await at.start();
    expect(issued.key).toBe(key);
    expect(at.ca.count('finalize')).toBe(1);
    expect(at.told).toMatchObject([{ event: 'order.resumed', id, status: 'valid' }]);
  });

  it('is one order also when its former process finalizes it in the last moment', async () => {
    await at.dieAt('finalize');
    at.ca.disturb('finalize', async (request, state) => {
      await handlers.finalize(state, request);
      return problem('orderNotReady', 403, 'it is valid');
    });
    await at.start();
    expect(at.count).toBe(1);
    expect(at.ca.count('finalize')).toBe(2);
  });

  it('is waited for while the CA works on it', async () => {
    await at.dieAt('finalize', 'been served');
    const order = at.ca.state.orders.get('1');
    if (order !== undefined) order.status = 'processing';
    at.ca.disturb('order', (_request, state) => {
      const seen = state.orders.get('1');
      if (seen !== undefined && at.ca.count('order') > 3) seen.status = 'valid';
      return null;
    });
    await at.start();
    expect(at.ca.count('finalize')).toBe(1);
    expect(at.told).toMatchObject([{ event: 'order.resumed', status: 'processing' }]);
  });

  it('is proved where it is not proved yet', async () => {
    const names = ['a.example.org', 'b.example.org'];
    const died = Promise.withResolvers<void>();
    at.ca.disturb(
      'challenge',
      ({ id: challenge }) => {
        if (!challenge.endsWith('-1')) return null;
        died.resolve();
        return 'hang';
      },
      2,
    );
    at.start({ names }).catch(() => {});
    await died.promise;
    await at.start({ names });
    const answered = at.ca.requests.flatMap((request) => (request.route === 'challenge' ? [request.id] : []));
    expect(answered.sort()).toEqual(['1-0', '1-1', '1-1']);
    expect(at.count).toBe(1);
  });
});

it('an order that is gone on with is not counted again', async () => {
  let counted = 0;
  const beforeOrder = async (): Promise<void> => {
    counted += 1;
  };
  const http = new Transport({ clock: hurriedClock, version: '0', roots: at.ca.roots });
  const pace = new RateLimiter({ intervalMs: 1, burst: 100, clock: hurriedClock });
  const parts = { transport: http, pace, clock: hurriedClock, random: systemRandom };
  const open = acmeClientProtocol(new Connection({ directoryUrl: at.ca.directory, ...parts }));
  const url = `${at.ca.state.base}/account/1`;
  const credentials = { key: await generatePrivateKey('p256'), url, eab: null };
  const tools = { open, credentials, beforeOrder, clock: hurriedClock, emit: () => {} };
  const policy = {
    keyType: 'p256',
    mustStaple: false,
    profile: null,
    preferredChain: null,
    solvers: [silent('http-01')],
  } as const;
  const issue = () => issueCertificate({ ...ORDER, note: at.note.take() }, policy, tools, noSignal);
  at.ca.disturb('finalize', () => limited('3600'), 1);
  await expect(issue()).rejects.toMatchObject({ code: 'rate-limited' });
  await issue();
  expect(counted).toBe(1);
  at.note.content = null;
  await issue();
  expect(counted).toBe(2);
  http.close();
});

describe('a note that is of no use', () => {
  const change = (parts: object): void => {
    at.note.content = JSON.stringify({ ...JSON.parse(at.note.content ?? '{}'), ...parts });
  };
  const cases: readonly [string, string, () => void | Promise<void>][] = [
    ['is for other names', 'it is for other names', () => change({ names: ['other.example.org'] })],
    ['is for fewer names', 'it is for other names', () => change({ names: [] })],
    [
      'is of another account',
      'it belongs to another account',
      () => change({ account: 'https://at.ca.test/2' }),
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
    at.note.content = content;
  };
  const state = (status: 'invalid'): void => {
    const order = at.ca.state.orders.get('1');
    if (order !== undefined) order.status = status;
  };
  const gone = (answer: object): void =>
    at.ca.disturb('order', ({ id: order }) => (order === '1' ? answer : null));

  it.each(cases)('since it %s, is told and gives way to a new order', async (_what, why, spoil) => {
    await at.dieAt('certificate');
    await spoil();
    await at.start();
    expect(at.count).toBe(2);
    const dropped = at.told.filter(({ event }) => event === 'order.dropped');
    expect(dropped).toMatchObject([{ id, why: expect.stringContaining(why) }]);
    expect(readNote(at.note.content ?? '')?.url).toBe(`${at.ca.state.base}/order/2`);
  });

  it('gives way once: the next failure is one', async () => {
    await at.dieAt('finalize');
    at.ca.disturb('finalize', () => problem('malformed', 400, 'never'));
    await expect(at.start()).rejects.toMatchObject({ code: 'issuer-refused' });
    expect(at.count).toBe(2);
    expect(at.note.content).toBeNull();
  });

  it('stays when the CA cannot be asked', async () => {
    await at.dieAt('finalize');
    const kept = at.note.content;
    at.ca.disturb('order', () => problem('serverInternal', 500, 'later'));
    await expect(at.start()).rejects.toMatchObject({ code: 'issuer-unavailable' });
    expect(at.count).toBe(1);
    expect(at.note.content).toBe(kept);
  });
});
