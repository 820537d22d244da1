import { type Code, ERRORS, Refusal, RigilError } from '../errors.ts';
import { AcmeProblem, describeProblem, type Problem } from './problem.ts';

/** One name whose proof failed. */
export interface ProofFailure {
  readonly name: string;
  /** Challenge type that was used. */
  readonly type: string;
  readonly error: RigilError;
  /** Other types by which the name may be proved yet: configured, fitting and offered. */
  readonly alternatives: readonly string[];
}

/** Names could not be proved. Its code, hint and message are those of the failure that counts most. */
export class ProofsFailed extends Refusal {
  readonly failures: readonly ProofFailure[];

  constructor(failures: readonly ProofFailure[]) {
    // What only a new configuration can mend says more than what may pass.
    const worst = failures.find(({ error }) => ERRORS[error.code].retry === 'never') ?? failures[0];
    const code: Code = worst?.error.code ?? 'challenge-failed';
    const more = failures.length - 1;
    const message = `${worst?.error.message ?? 'no name could be proved'}${more > 0 ? ` (and ${more} more)` : ''}`;
    super(code, message, {
      hint: worst?.error.hint ?? undefined,
      cause: worst?.error,
      retryAt: worst?.error instanceof Refusal ? worst.error.retryAt : null,
    });
    this.failures = failures;
  }
}

/** What the CA found when it looked at the answer for `name`. */
export function challengeFailed(name: string, type: string, problem: Problem | null): RigilError {
  if (problem === null) return new RigilError('challenge-failed', `${name}: ${type} failed without a reason`);
  const meaning = new AcmeProblem(problem, 400, null);
  // "unauthorized" and the like mean here that the proof failed; a CAA record or a limit means what it always means.
  const code = meaning.code === 'issuer-refused' ? 'challenge-failed' : meaning.code;
  const hint = code === 'challenge-failed' ? hintFor(name, type, problem.type) : meaning.hint;
  return new RigilError(code, `${name}: ${type} failed: ${describeProblem(problem)}`, {
    hint: hint ?? undefined,
  });
}

function hintFor(name: string, type: string, problem: string): string | null {
  const domain = name.replace(/^\*\./, '');
  if (problem === 'dns' && type !== 'dns-01') return `check the A and AAAA records of ${domain}`;
  switch (type) {
    case 'http-01':
      return problem === 'connection'
        ? `port 80 of ${domain} must be reachable from the Internet and lead to rigil`
        : `http://${domain}/.well-known/acme-challenge/ must lead to rigil, and every A and AAAA record of the name to it`;
    case 'tls-alpn-01':
      return `port 443 of ${domain} must lead to rigil itself: nothing in between may end TLS`;
    case 'dns-01':
      return `the CA must see the TXT record of _acme-challenge.${domain}: check the zone, its delegation and \`propagation\``;
    default:
      return null;
  }
}
