import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AcmeIssuerSettings } from '../../src/acme/issuer.ts';
import type { Solver } from '../../src/acme/solvers/solver.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { issuerAt, limited, ORDER, withChallenges } from './fake-ca/bench.ts';
import { handlers, orderBody, problem } from './fake-ca/handlers.ts';
import { type FakeCa, startFakeCa } from './fake-ca/server.ts';
import { factsOf, noSignal, silent } from './workbench.ts';

let ca: FakeCa;
beforeEach(async () => {
  ca = await startFakeCa();
});
afterEach(() => ca.stop());
const start = (settings?: Partial<AcmeIssuerSettings>, solvers?: readonly Solver[]) =>
  issuerAt(ca, settings, solvers);

describe('another way of proving', () => {
  const failing = (type: string) => {
    ca.disturb('challenge', ({ id }, state) => {
      const order = state.orders.get(id.split('-')[0] ?? '');
      if (order !== undefined) order.status = 'invalid';
      return {};
    });
    ca.disturb('authorization', ({ id }, state) => {
      const challenges = ['http-01', 'tls-alpn-01'].map((each) => ({
        type: each,
        token: `token-of-${'x'.repeat(16)}`,
      }));
      if (state.orders.get(id.split('-')[0] ?? '')?.status !== 'invalid') {
        return withChallenges(state.base, id, challenges);
      }
      const { body } = problem(type, 400, 'no');
      const failed = challenges.map((challenge) => ({ ...challenge, status: 'invalid', error: body }));
      return withChallenges(state.base, id, failed, 'invalid');
    });
    return start({}, [silent('http-01'), silent('tls-alpn-01')]).issue(ORDER, noSignal);
  };

  it('is tried where the first one failed', async () => {
    await expect(failing('connection')).rejects.toMatchObject({ code: 'challenge-failed' });
    expect(ca.count('newOrder')).toBe(2);
  });

  it.each([
    ['caa', 'caa-forbids'],
    ['rateLimited', 'rate-limited'],
    ['rejectedIdentifier', 'identifier-refused'],
  ])('is not tried where it would not help (%s)', async (type, code) => {
    await expect(failing(type)).rejects.toMatchObject({ code });
    expect(ca.count('newOrder')).toBe(1);
  });
});

describe('a CA that takes its time', () => {
  it('is asked again when it says', async () => {
    ca.disturb('finalize', (request, state) => {
      void handlers.finalize(state, request);
      return {
        headers: { 'retry-after': '1' },
        body: { ...orderBody(state, request.id), status: 'processing', certificate: undefined },
      };
    });
    const before = systemClock.now();
    await start().issue(ORDER, noSignal);
    expect(systemClock.now() - before).toBeGreaterThanOrEqual(1_000);
    expect(ca.count('order'), 'once for the proof, once for the certificate').toBe(2);
  });

  it('may give the order up afterwards', async () => {
    ca.disturb('finalize', ({ id }, state) => ({
      body: {
        ...orderBody(state, id),
        status: 'invalid',
        error: { type: 'urn:ietf:params:acme:error:caa', detail: 'no' },
      },
    }));
    await expect(start().issue(ORDER, noSignal)).rejects.toMatchObject({ code: 'caa-forbids' });
  });

  it('need not be proved anything', async () => {
    ca.disturb('newOrder', async (request, state) => {
      const answer = await handlers.newOrder(state, request);
      const order = state.orders.get('1');
      if (order !== undefined) order.status = 'ready';
      return { ...answer, body: orderBody(state, '1') };
    });
    await start().issue(ORDER, noSignal);
    expect(ca.count('authorization')).toBe(0);
  });
});

describe('a predecessor', () => {
  it.each([
    problem('alreadyReplaced', 409, 'it was replaced'),
    problem('malformed', 404, 'no such certificate'),
    problem('unauthorized', 403, 'of another account'),
  ])('that the CA minds is left out: $body.type', async (answer) => {
    const replaces = factsOf(await start().issue(ORDER, noSignal));
    ca.disturb('newOrder', ({ payload }) => (payload?.['replaces'] === undefined ? null : answer));
    await start().issue({ ...ORDER, replaces }, noSignal);
    const orders = ca.requests.filter(({ route }) => route === 'newOrder');
    expect(orders.map(({ payload }) => payload?.['replaces'] ?? null)).toEqual([null, replaces.ariId, null]);
  });

  it('is not what a limit is about', async () => {
    const replaces = factsOf(await start().issue(ORDER, noSignal));
    ca.disturb('newOrder', () => limited('3600'));
    await expect(start().issue({ ...ORDER, replaces }, noSignal)).rejects.toMatchObject({
      code: 'rate-limited',
    });
    expect(ca.count('newOrder')).toBe(2);
  });
});
