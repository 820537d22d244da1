import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { accountDocuments } from '../../src/acme/account-documents.ts';
import { AcmeIssuer, type AcmeIssuerSettings } from '../../src/acme/issuer.ts';
import type { Proof, Solver } from '../../src/acme/solvers/solver.ts';
import { Refusal } from '../../src/errors.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { readLeaf } from '../../src/x509/leaf.ts';
import { certificatesOf } from '../../src/x509/pem.ts';
import { type Answer, handlers, orderBody, problem } from './fake-ca/handlers.ts';
import { type FakeCa, startFakeCa } from './fake-ca/server.ts';
import { MemoryDocuments } from './memory-documents.ts';
import { factsOf, hurriedClock, noSignal, orderFor, settingsFor, silent } from './workbench.ts';

const ORDER = orderFor(['name.example.org']);
const HOUR_MS = 3_600_000;

let ca: FakeCa;
beforeEach(async () => {
  ca = await startFakeCa();
});
afterEach(() => ca.stop());

function start(
  settings: Partial<AcmeIssuerSettings> = {},
  solvers: readonly Solver[] = [silent('http-01')],
): AcmeIssuer {
  const documents = new MemoryDocuments();
  return new AcmeIssuer(settingsFor(ca, settings), {
    solvers,
    accounts: accountDocuments(documents, documents),
    clock: hurriedClock,
    random: systemRandom,
    emit: () => {},
    version: '0.0.0',
  });
}

async function refusal(work: Promise<unknown>): Promise<Refusal> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof Refusal) return error;
  throw new Error('it was not refused', { cause: error });
}

it('is well-behaved until it is disturbed', async () => {
  const { chain } = await start().issue(ORDER, noSignal);
  expect(readLeaf(chain).names).toEqual(['name.example.org']);
});

describe('a CA that limits', () => {
  it.each([
    ['seconds', () => '3600'],
    ['a date', () => new Date(systemClock.now() + HOUR_MS).toUTCString()],
  ])('says when to come back in %s, and is not asked again', async (_, retry) => {
    ca.disturb('newOrder', () => limited(retry()));
    const before = systemClock.now();
    const error = await refusal(start().issue(ORDER, noSignal));
    expect(error.code).toBe('rate-limited');
    expect((error.retryAt ?? 0) - before).toBeGreaterThan(HOUR_MS - 2_000);
    expect((error.retryAt ?? 0) - before).toBeLessThan(HOUR_MS + 60_000);
    expect(ca.count('newOrder')).toBe(1);
  });

  it('is waited for when it asks for a short pause', async () => {
    ca.disturb('newOrder', () => limited('1'), 1);
    const before = systemClock.now();
    await start().issue(ORDER, noSignal);
    expect(systemClock.now() - before).toBeGreaterThanOrEqual(1_000);
    expect(ca.count('newOrder')).toBe(2);
  });

  it('is believed for a week at most', async () => {
    ca.disturb('newOrder', () => limited('999999999999'));
    const error = await refusal(start().issue(ORDER, noSignal));
    expect((error.retryAt ?? 0) - systemClock.now()).toBeLessThanOrEqual(7 * 24 * HOUR_MS);
  });

  it('limits by its directory too', async () => {
    ca.disturb('directory', () => limited('7200'));
    expect(await refusal(start().issue(ORDER, noSignal))).toMatchObject({ code: 'rate-limited' });
    expect(ca.count('directory')).toBe(1);
  });

  it('is no failure of the order when it limits after the certificate was made', async () => {
    ca.disturb('certificate', () => limited('1'), 1);
    await start().issue(ORDER, noSignal);
  });
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

describe('a chain', () => {
  const issueWith = (change: (chain: string) => string) => {
    ca.disturb('certificate', ({ id }, state) => ({
      headers: { 'content-type': 'application/pem-certificate-chain' },
      body: change(state.orders.get(id)?.chain ?? ''),
    }));
    return start().issue(ORDER, noSignal);
  };

  it.each<[string, (chain: string) => string]>([
    ['cut short', (chain) => chain.slice(0, -100)],
    ['that is a page', () => '<html><body>It works!</body></html>'],
    ['that is empty', () => ''],
    ['of rubbish', () => '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'],
    [
      'in the wrong order',
      (chain) =>
        certificatesOf(chain)
          .reverse()
          .map(({ text }) => text)
          .join(''),
    ],
    ['that skips a link', (chain) => (certificatesOf(chain)[0]?.text ?? '') + ca.state.authority.root],
    ['with a key in it', (chain) => `${chain}-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n`],
    ['without end', (chain) => chain + ca.state.authority.intermediate.repeat(20)],
  ])('%s is not taken', async (_, change) => {
    await expect(issueWith(change)).rejects.toMatchObject({ code: 'certificate-unusable' });
  });

  it('is taken without its root and without what stands around it', async () => {
    const { chain } = await issueWith((text) => `Subject: nobody\n${text}${ca.state.authority.root}`);
    expect(certificatesOf(chain)).toHaveLength(2);
    expect(chain).not.toContain('Subject');
  });

  it.each<[string, (now: number) => { notBefore: number; notAfter: number }]>([
    ['has expired', (now) => ({ notBefore: now - 2 * HOUR_MS, notAfter: now - HOUR_MS })],
    ['is not valid yet', (now) => ({ notBefore: now + HOUR_MS, notAfter: now + 2 * HOUR_MS })],
  ])('whose leaf %s is not taken', async (_, validity) => {
    certify((csr) => ca.state.authority.issue(csr, { validity: validity(systemClock.now()) }));
    await expect(start().issue(ORDER, noSignal)).rejects.toMatchObject({
      code: 'certificate-unusable',
      hint: expect.stringContaining('clock'),
    });
  });

  it('for another key is not taken', async () => {
    const other = (await start().issue(ORDER, noSignal)).chain;
    await expect(issueWith(() => other)).rejects.toMatchObject({
      code: 'certificate-unusable',
      message: expect.stringContaining('key'),
    });
  });

  it('that lacks a name is not taken', async () => {
    const order = orderFor(['name.example.org', 'other.example.org']);
    certify((csr) => ca.state.authority.issue(csr, { names: ['name.example.org'] }));
    await expect(start().issue(order, noSignal)).rejects.toMatchObject({
      code: 'certificate-unusable',
      message: expect.stringContaining('other.example.org'),
    });
  });

  it('that must be stapled needs a responder', async () => {
    await expect(start({ mustStaple: true }).issue(ORDER, noSignal)).rejects.toMatchObject({
      code: 'certificate-unusable',
      hint: expect.stringContaining('must-staple'),
    });
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

/** Lets the fake make certificates in another way. */
function certify(make: (csr: Buffer) => Promise<string>): void {
  ca.disturb('finalize', async ({ id, payload }, state) => {
    const order = state.orders.get(id);
    if (order === undefined) return null;
    order.chain = await make(Buffer.from(String(payload?.['csr']), 'base64url'));
    order.status = 'valid';
    return { body: orderBody(state, id) };
  });
}

function limited(retry: string): Answer {
  const answer = problem('rateLimited', 429, 'too many');
  return { ...answer, headers: { ...answer.headers, 'retry-after': retry } };
}

function html(status: number): Answer {
  return { status, headers: { 'content-type': 'text/html' }, body: '<html><h1>Bad gateway</h1></html>' };
}

function withChallenges(
  base: string,
  id: string,
  challenges: readonly unknown[],
  status = 'pending',
): Answer {
  return {
    body: {
      identifier: { type: 'dns', value: 'name.example.org' },
      status,
      challenges: challenges.map((challenge) =>
        typeof challenge === 'object' && challenge !== null
          ? { url: `${base}/challenge/${id}`, status: 'pending', ...challenge }
          : challenge,
      ),
    },
  };
}
