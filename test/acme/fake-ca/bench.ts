import { accountDocuments } from '../../../src/acme/account-documents.ts';
import { AcmeIssuer, type AcmeIssuerSettings } from '../../../src/acme/issuer.ts';
import type { Solver } from '../../../src/acme/solvers/solver.ts';
import { Refusal } from '../../../src/errors.ts';
import type { Emit } from '../../../src/events/bus.ts';
import { systemRandom } from '../../../src/platform/random.ts';
import { MemoryDocuments } from '../memory-documents.ts';
import { hurriedClock, orderFor, settingsFor, silent } from '../workbench.ts';
import { type Answer, orderBody, problem } from './handlers.ts';
import type { FakeCa } from './server.ts';

/** The order of most tests at a fake CA. */
export const ORDER = orderFor(['name.example.org']);

/** An issuer at a fake CA, which believes every proof. */
export function issuerAt(
  ca: FakeCa,
  settings: Partial<AcmeIssuerSettings> = {},
  solvers: readonly Solver[] = [silent('http-01')],
  { documents = new MemoryDocuments(), emit = () => {} }: { documents?: MemoryDocuments; emit?: Emit } = {},
): AcmeIssuer {
  return new AcmeIssuer(settingsFor(ca, settings), {
    solvers,
    accounts: accountDocuments(documents, documents),
    clock: hurriedClock,
    random: systemRandom,
    emit,
    version: '0.0.0',
  });
}

/** The refusal that `work` ends with. */
export async function refusal(work: Promise<unknown>): Promise<Refusal> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof Refusal) return error;
  throw new Error('it was not refused', { cause: error });
}

/** Lets the fake make certificates in another way. */
export function certify(ca: FakeCa, make: (csr: Buffer) => Promise<string>): void {
  ca.disturb('finalize', async ({ id, payload }, state) => {
    const order = state.orders.get(id);
    if (order === undefined) return null;
    order.chain = await make(Buffer.from(String(payload?.['csr']), 'base64url'));
    order.status = 'valid';
    return { body: orderBody(state, id) };
  });
}

/** A refusal with a time to come back. */
export function limited(retry: string): Answer {
  const answer = problem('rateLimited', 429, 'too many');
  return { ...answer, headers: { ...answer.headers, 'retry-after': retry } };
}

/** What a gateway says. */
export function html(status: number): Answer {
  return { status, headers: { 'content-type': 'text/html' }, body: '<html><h1>Bad gateway</h1></html>' };
}

/** An authorization with these challenges, each at the usual address unless it has one. */
export function withChallenges(
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
