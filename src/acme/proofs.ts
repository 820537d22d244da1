import { type Code, codeOf, messageOf, RigilError } from '../errors.ts';
import type { Emit } from '../events/bus.ts';
import { AcmeProblem } from './problem.ts';
import { challengeFailed, type ProofFailure, ProofsFailed } from './proof-failure.ts';
import type { Protocol } from './protocol.ts';
import { type Authorization, type Challenge, readAuthorization } from './resources.ts';
import { type CleanUp, domainOf, type ProvingAccount, type Solver } from './solvers/solver.ts';
import { challengeToken } from './untrusted.ts';

/** What proving needs besides the order. */
export interface Proving {
  readonly protocol: Protocol;
  /** In order of preference. */
  readonly solvers: readonly Solver[];
  readonly account: ProvingAccount;
  /** Types that failed before in this issuance: used only where nothing else fits. */
  readonly failedTypes: ReadonlySet<string>;
  /** Names of the order: an authorization for any other is not answered. */
  readonly names: readonly string[];
  /** Certificate id, for events. */
  readonly id: string;
  readonly emit: Emit;
}

/** The proofs of one order, from choosing the challenges to taking the answers away. */
export class Proofs {
  readonly #proving: Proving;
  /** By URL; null = not read yet. */
  readonly #authorizations = new Map<string, Authorization | null>();
  readonly #chosen = new Map<string, Choice>();
  readonly #presented: Presented[] = [];
  #clearing: Promise<unknown> = Promise.resolve();

  constructor(proving: Proving) {
    this.#proving = proving;
  }

  /**
   * Reads the authorizations, presents an answer for each that is pending and tells the CA to look.
   *
   * @throws ProofsFailed; RigilError `challenge-unavailable`, `issuer-answer-invalid`; the signal's reason
   */
  async present(urls: readonly string[], signal: AbortSignal): Promise<void> {
    for (const url of urls) this.#authorizations.set(url, null);
    for (const authorization of await this.#read()) {
      if (authorization.status !== 'pending') continue;
      this.#chosen.set(authorization.url, this.#choose(authorization));
    }
    // All of them come to an end, so that all that fails is known at once and nothing is presented after the clean-up.
    const choices = [...this.#chosen.values()];
    const results = await Promise.allSettled(choices.map((choice) => this.#answer(choice, signal)));
    signal.throwIfAborted();
    const failures = choices.flatMap((choice, index) => {
      const result = results[index];
      if (result?.status !== 'rejected') return [];
      if (!(result.reason instanceof RigilError)) throw result.reason;
      return [failureOf(choice, result.reason)];
    });
    if (failures.length > 0) throw new ProofsFailed(failures);
  }

  /** Addresses of the authorizations that wait for a proof, as far as is known. */
  get pending(): readonly string[] {
    return [...this.#authorizations].flatMap(([url, seen]) =>
      seen === null || seen.status === 'pending' ? [url] : [],
    );
  }

  /** Which proofs the CA found bad: looks at the authorizations of an order that became invalid. */
  async failures(): Promise<readonly ProofFailure[]> {
    return (await this.#read()).flatMap((authorization) => {
      const choice = this.#chosen.get(authorization.url);
      if (authorization.status !== 'invalid' || choice === undefined) return [];
      const bad = authorization.challenges.find(({ error }) => error !== null) ?? choice.challenge;
      return [failureOf(choice, challengeFailed(authorization.name, choice.solver.type, bad.error))];
    });
  }

  /**
   * Takes all answers away. What cannot be taken away is an event, never an error.
   *
   * @param options.leaveShared leaves those that are the same for whoever goes on with the order
   */
  async takeAway({ leaveShared = false }: { readonly leaveShared?: boolean } = {}): Promise<void> {
    const { id, emit } = this.#proving;
    const clearing = this.#presented
      .splice(0)
      .map(async ({ cleanUp, solver: { type, sharesAnswers }, name }) => {
        if (leaveShared && sharesAnswers === true) {
          const message = 'whoever goes on with the order needs it';
          emit({ event: 'challenge.left', id, type, name, code: 'lock-lost', message });
        } else {
          await this.#cleared(cleanUp, type, name);
        }
      });
    this.#clearing = Promise.all([this.#clearing, ...clearing]);
    await this.#clearing;
  }

  #read(): Promise<readonly Authorization[]> {
    const { protocol, names } = this.#proving;
    return Promise.all(
      Array.from(this.#authorizations.keys(), async (url) => {
        const authorization = readAuthorization((await protocol.read(url)).data, url);
        const { name } = authorization;
        if (!names.includes(name)) {
          throw new RigilError(
            'issuer-answer-invalid',
            `the CA wants a proof for ${name}, which was not ordered`,
          );
        }
        this.#authorizations.set(url, authorization);
        return authorization;
      }),
    );
  }

  #choose(authorization: Authorization): Choice {
    const { solvers, failedTypes } = this.#proving;
    const candidates = solvers.flatMap((solver) => {
      const challenge = authorization.challenges.find(({ type }) => type === solver.type);
      const usable = challenge !== undefined && solver.fits(authorization.name);
      return usable ? [{ authorization, solver, challenge, alternatives: [] }] : [];
    });
    const fresh = candidates.filter(({ solver }) => !failedTypes.has(solver.type));
    const choice = fresh[0] ?? candidates[0];
    if (choice === undefined) throw unavailable(authorization, solvers);
    return { ...choice, alternatives: fresh.slice(1).map(({ solver }) => solver.type) };
  }

  async #answer({ authorization, solver, challenge }: Choice, signal: AbortSignal): Promise<void> {
    const { account, id, emit } = this.#proving;
    const { name } = authorization;
    const token = challengeToken(challenge.token);
    const needless = solver.tokenless === true && challenge.token === undefined;
    if (token === null && !needless) {
      throw new RigilError('issuer-answer-invalid', `the CA sent a token for ${name} that is none`);
    }
    const cleanUp = await solver.present(
      {
        name,
        domain: domainOf(authorization),
        token: token ?? '',
        keyAuthorization: `${token ?? ''}.${account.thumbprint}`,
        challenge,
        account,
      },
      signal,
    );
    emit({ event: 'challenge.presented', id, type: solver.type, name });
    this.#presented.push({ solver, name, cleanUp });
    signal.throwIfAborted();
    await this.#tellToLook(authorization, challenge);
  }

  async #tellToLook(authorization: Authorization, challenge: Challenge): Promise<void> {
    const { protocol } = this.#proving;
    try {
      await protocol.post(challenge.url, {});
    } catch (error) {
      // The answer may have been lost, or another order that shares this authorization was first.
      const now = readAuthorization((await protocol.read(authorization.url)).data, authorization.url);
      const status = now.challenges.find(({ url }) => url === challenge.url)?.status;
      if (now.status !== 'pending' || status === 'processing' || status === 'valid') return;
      if (codeOf(error) !== 'issuer-unavailable') throw error;
      await protocol.post(challenge.url, {});
    }
  }

  async #cleared(cleanUp: CleanUp, type: string, name: string): Promise<void> {
    const { id, emit } = this.#proving;
    try {
      await cleanUp();
      emit({ event: 'challenge.cleared', id, type, name });
    } catch (error) {
      emit({ event: 'challenge.left', id, type, name, code: codeOf(error), message: messageOf(error) });
    }
  }
}

/** An answer that is where the CA looks for it. */
interface Presented {
  readonly solver: Solver;
  readonly name: string;
  readonly cleanUp: CleanUp;
}

interface Choice {
  readonly authorization: Authorization;
  readonly solver: Solver;
  readonly challenge: Challenge;
  readonly alternatives: readonly string[];
}

function failureOf({ authorization, solver, alternatives }: Choice, error: RigilError): ProofFailure {
  const general = error instanceof AcmeProblem || GENERAL.has(error.code);
  return { name: authorization.name, type: solver.type, error, alternatives: general ? [] : alternatives };
}

/** What no other way of proving would change: trying one would only use up the limits of the CA. */
const GENERAL: ReadonlySet<Code> = new Set<Code>([
  'caa-forbids',
  'identifier-refused',
  'rate-limited',
  'issuer-unavailable',
  'issuer-untrusted',
  'issuer-answer-invalid',
]);

function unavailable({ name, challenges }: Authorization, solvers: readonly Solver[]): RigilError {
  const offered = challenges.map(({ type }) => type).join(', ') || 'nothing';
  const configured = solvers.map(({ type }) => type).join(', ') || 'nothing';
  const wildcard = name.startsWith('*.') ? '; a wildcard needs `challenge dns-01 PROVIDER`' : '';
  return new RigilError(
    'challenge-unavailable',
    `${name} cannot be proved: the CA offers ${offered}; configured is ${configured}`,
    { hint: `add a \`challenge\` to the issuer section that the CA offers for this name${wildcard}` },
  );
}
