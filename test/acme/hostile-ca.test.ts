import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AcmeIssuerSettings } from '../../src/acme/issuer.ts';
import type { Proof, Solver } from '../../src/acme/solvers/solver.ts';
import { html, issuerAt, ORDER, refusal, withChallenges } from './fake-ca/bench.ts';
import { type Answer, problem } from './fake-ca/handlers.ts';
import { type FakeCa, startFakeCa } from './fake-ca/server.ts';
import { noSignal, silent } from './workbench.ts';

let ca: FakeCa;
beforeEach(async () => {
  ca = await startFakeCa();
});
afterEach(() => ca.stop());
const start = (settings?: Partial<AcmeIssuerSettings>, solvers?: readonly Solver[]) =>
  issuerAt(ca, settings, solvers);

describe('a hostile CA', () => {
  it('gets no control characters and no flood onto the terminal', async () => {
    const detail = `\u001b[2J\u0007evil\r\nline\u202e${'x'.repeat(100_000)}`;
    ca.disturb('newOrder', () =>
      problem('rejectedIdentifier', 400, detail, {
        identifier: { type: 'dns', value: 'a\u0000b\u001b[31m' },
      }),
    );
    const error = await refusal(start().issue(ORDER, noSignal));
    expect(error.message).not.toMatch(/[\p{C}]/u);
    expect(error.message.length).toBeLessThan(700);
    expect(error.message).toContain('evil');
  });

  it.each([
    ['a path', '../../../../etc/passwd'],
    ['a header', 'token\r\nX-Evil: 1'],
    ['nothing', ''],
    ['a number', 7],
    ['a flood', 'x'.repeat(10_000)],
  ])('gets no answer for a token that is %s', async (_, token) => {
    const presented: Proof[] = [];
    const solver: Solver = {
      ...silent('http-01'),
      present: async (proof) => {
        presented.push(proof);
        return async () => {};
      },
    };
    ca.disturb(
      'authorization',
      ({ id }, state) => withChallenges(state.base, id, [{ type: 'http-01', token }]),
      1,
    );
    await expect(start({}, [solver]).issue(ORDER, noSignal)).rejects.toMatchObject({
      code: 'issuer-answer-invalid',
    });
    expect(presented).toEqual([]);
  });

  it('gets no answer without a token', async () => {
    ca.disturb('authorization', ({ id }, state) => withChallenges(state.base, id, [{ type: 'http-01' }]), 1);
    await expect(start().issue(ORDER, noSignal)).rejects.toMatchObject({ code: 'issuer-answer-invalid' });
  });

  it('gets no answer for a name that was not ordered', async () => {
    ca.disturb(
      'authorization',
      () => ({
        body: { identifier: { type: 'dns', value: 'victim.example' }, status: 'pending', challenges: [] },
      }),
      1,
    );
    await expect(start().issue(ORDER, noSignal)).rejects.toMatchObject({ code: 'issuer-answer-invalid' });
  });

  it.each([
    ['plain HTTP', 'http://127.0.0.1:1/order'],
    ['a file', 'file:///etc/passwd'],
    ['rubbish', 'order'],
    ['credentials', 'https://user:pass@127.0.0.1/'],
  ])('sends nobody to %s', async (_, url) => {
    ca.disturb('newOrder', (_request, state) => ({
      status: 201,
      headers: { location: `${state.base}/order/1` },
      body: { status: 'pending', authorizations: [url], finalize: url },
    }));
    await expect(start().issue(ORDER, noSignal)).rejects.toMatchObject({ code: 'issuer-answer-invalid' });
  });

  it.each<[string, Answer]>([
    ['a page', html(200)],
    ['a redirect', { status: 302, headers: { location: 'https://127.0.0.1:1/' } }],
    ['broken JSON', { headers: { 'content-type': 'application/json' }, body: '{"newNonce":' }],
    ['a list', { headers: { 'content-type': 'application/json' }, body: '[]' }],
    [
      'a flood',
      { headers: { 'content-type': 'application/json' }, body: `"${'x'.repeat(2 * 1024 * 1024)}"` },
    ],
  ])('has no directory that is %s', async (_, answer) => {
    ca.disturb('directory', () => answer);
    await expect(start().issue(ORDER, noSignal)).rejects.toMatchObject({ code: 'issuer-answer-invalid' });
  });

  it('may offer challenges that nobody knows, without tokens or addresses', async () => {
    ca.disturb(
      'authorization',
      ({ id }, state) =>
        withChallenges(state.base, id, [
          { type: 'quantum-01', token: null },
          { type: 'http-01', url: 'nowhere' },
          'text',
          null,
          { type: 'http-01', token: `token-of-${'x'.repeat(16)}` },
        ]),
      1,
    );
    await start().issue(ORDER, noSignal);
  });
});
