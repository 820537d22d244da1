import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AcmeIssuerSettings } from '../../src/acme/issuer.ts';
import type { Solver } from '../../src/acme/solvers/solver.ts';
import { readLeaf } from '../../src/x509/leaf.ts';
import { html, issuerAt, ORDER, refusal } from './fake-ca/bench.ts';
import { problem } from './fake-ca/handlers.ts';
import { type FakeCa, startFakeCa } from './fake-ca/server.ts';
import { factsOf, noSignal } from './workbench.ts';

let ca: FakeCa;
beforeEach(async () => {
  ca = await startFakeCa();
});
afterEach(() => ca.stop());
const start = (settings?: Partial<AcmeIssuerSettings>, solvers?: readonly Solver[]) =>
  issuerAt(ca, settings, solvers);

it('is well-behaved until it is disturbed', async () => {
  const { chain } = await start().issue(ORDER, noSignal);
  expect(readLeaf(chain).names).toEqual(['name.example.org']);
});

describe('a CA in trouble', () => {
  it('says when it will be back', async () => {
    ca.disturb('newOrder', () => ({ status: 503, headers: { 'retry-after': '7200' } }));
    const error = await refusal(start().issue(ORDER, noSignal));
    expect(error.code).toBe('issuer-unavailable');
    expect(error.retryAt).not.toBeNull();
  });

  it('gets an order once only, whatever its gateway says', async () => {
    const order = { ...ORDER, replaces: factsOf(await start().issue(ORDER, noSignal)) };
    ca.disturb('newOrder', () => html(502));
    const before = ca.count('newOrder');
    await expect(start().issue(order, noSignal)).rejects.toMatchObject({ code: 'issuer-unavailable' });
    expect(ca.count('newOrder') - before).toBe(1);
  });

  it('is read from again', async () => {
    ca.disturb('order', () => html(502), 1);
    await start().issue(ORDER, noSignal);
  });

  it('is not read from for ever', async () => {
    ca.disturb('directory', () => html(502));
    await expect(start().issue(ORDER, noSignal)).rejects.toMatchObject({ code: 'issuer-unavailable' });
    expect(ca.count('directory')).toBe(3);
  });

  it.each(['newAccount', 'challenge', 'finalize'] as const)(
    'may lose its answer to %s: it is asked what it did',
    async (route) => {
      ca.disturb(route, () => 'forget-to-answer', 1);
      const { chain } = await start().issue(ORDER, noSignal);
      expect(readLeaf(chain).names).toEqual(['name.example.org']);
      expect(ca.count('newOrder')).toBe(1);
      expect(ca.count('finalize')).toBe(1);
    },
  );

  it('may not have got the finalization: it is sent again once the order says so', async () => {
    ca.disturb('finalize', () => html(504), 1);
    await start().issue(ORDER, noSignal);
    expect(ca.count('finalize')).toBe(2);
  });

  it('may lose its answer to an order: a later attempt will do', async () => {
    ca.disturb('newOrder', () => 'forget-to-answer', 1);
    await expect(start().issue(ORDER, noSignal)).rejects.toMatchObject({ code: 'issuer-unavailable' });
    expect(ca.count('newOrder')).toBe(1);
  });

  it('is left at once on an abort, and pending authorizations are given up', async () => {
    const controller = new AbortController();
    ca.disturb('challenge', () => {
      controller.abort();
      return 'hang';
    });
    await expect(start().issue(ORDER, controller.signal)).rejects.toMatchObject({ code: 'aborted' });
    expect(ca.state.deactivated).toEqual(['1-0']);
  });

  it('gives up what was not even read yet', async () => {
    const controller = new AbortController();
    ca.disturb(
      'authorization',
      () => {
        controller.abort();
        return 'hang';
      },
      1,
    );
    await expect(start().issue(ORDER, controller.signal)).rejects.toMatchObject({ code: 'aborted' });
    expect(ca.state.deactivated).toEqual(['1-0']);
  });
});

it('names the page where something is to be done for the account', async () => {
  ca.disturb('newAccount', () =>
    problem('userActionRequired', 403, 'new terms', { instance: 'https://ca.test/terms' }),
  );
  await expect(start().issue(ORDER, noSignal)).rejects.toMatchObject({
    code: 'account-action-required',
    hint: 'see https://ca.test/terms',
  });
});

it('is not trusted without its root', async () => {
  await expect(start({ caRoot: null }).issue(ORDER, noSignal)).rejects.toMatchObject({
    code: 'issuer-untrusted',
    hint: expect.stringContaining('ca-root'),
  });
});

it('needs a file of roots that holds some', async () => {
  await expect(start({ caRoot: '/dev/null' }).issue(ORDER, noSignal)).rejects.toMatchObject({
    code: 'config-unreadable',
  });
  await expect(start({ caRoot: '/no/such' }).issue(ORDER, noSignal)).rejects.toMatchObject({
    code: 'config-unreadable',
  });
});
