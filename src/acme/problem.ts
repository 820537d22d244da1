import { type Code, Refusal } from '../errors.ts';
import type { Instant } from '../platform/clock.ts';
import { entries, fields, httpsUrl, plainText } from './untrusted.ts';

/** A problem document as a CA sends it (RFC 7807, RFC 8555 6.7), tidied: bounded, one line each, never trusted. */
export interface Problem {
  /** Without the prefix of RFC 8555: `rateLimited`; `unknown` for anything of another kind. */
  readonly type: string;
  readonly detail: string;
  /** A page that tells what to do (RFC 8555 7.3.3), or null. */
  readonly instance: string | null;
  /** The name that it is about, or null. */
  readonly identifier: string | null;
  readonly subproblems: readonly Problem[];
}

/** A request that the CA refused: the problem, and the code, hint and time to come back that follow from it. */
export class AcmeProblem extends Refusal {
  readonly problem: Problem;
  /** HTTP status of the answer. */
  readonly status: number;

  constructor(problem: Problem, status: number, retryAt: Instant | null) {
    const { code, hint } = meaningOf(problem, status);
    super(code, messageOf(problem, status), { hint, retryAt });
    this.problem = problem;
    this.status = status;
  }
}

/** Reads a problem document; anything else becomes a problem of type `unknown` without a detail. */
export function readProblem(value: unknown, depth = 0): Problem {
  const document = fields(value);
  const identifier = plainText(fields(document['identifier'])['value'], 255);
  return {
    type:
      /^urn:ietf:params:acme:error:([A-Za-z]{1,64})$/.exec(plainText(document['type'], 128))?.[1] ??
      'unknown',
    detail: plainText(document['detail']),
    instance: httpsUrl(document['instance']),
    identifier: identifier === '' ? null : identifier,
    subproblems: depth > 0 ? [] : entries(document['subproblems'], 100).map((sub) => readProblem(sub, 1)),
  };
}

/** The problem in one sentence for people: `bad.example: forbidden by policy (rejectedIdentifier)`. */
export function describeProblem(problem: Problem): string {
  const parts = problem.subproblems.length > 0 ? problem.subproblems : [problem];
  const shown = parts.slice(0, 3).map((part) => {
    const what = part.detail === '' ? part.type : `${part.detail} (${part.type})`;
    return part.identifier === null ? what : `${part.identifier}: ${what}`;
  });
  const more = parts.length - shown.length;
  return more > 0 ? `${shown.join('; ')}; and ${more} more` : shown.join('; ');
}

/**
 * What each type of problem means for us: the code, and the way out where there is one. Types of RFC 8555 6.7,
 * RFC 9773 7.4 and the profiles draft. What is not listed is `issuer-refused`.
 */
const MEANINGS: Readonly<Record<string, { readonly code: Code; readonly hint?: string }>> = {
  rateLimited: {
    code: 'rate-limited',
    hint: 'wait; fewer attempts, or one certificate for several names, keep below the limits of the CA',
  },
  caa: {
    code: 'caa-forbids',
    hint: "a CAA record of the name (or of a parent) allows other CAs only: add this CA's domain to it, then reload rigil or run `rigil certs renew NAME`",
  },
  rejectedIdentifier: {
    code: 'identifier-refused',
    hint: 'the CA will not certify this name: take it out of the certificate, or use another issuer for it',
  },
  unsupportedIdentifier: {
    code: 'identifier-refused',
    hint: 'the CA does not certify this kind of name (an IP address may need a profile of its own)',
  },
  externalAccountRequired: {
    code: 'account-binding-required',
    hint: 'get a key id and HMAC key from the CA and set `eab KID HMAC` in its issuer section',
  },
  userActionRequired: {
    code: 'account-action-required',
    hint: 'the CA wants something done for the account first',
  },
  accountDoesNotExist: { code: 'account-unknown', hint: 'a new account is made with the next attempt' },
  invalidContact: { code: 'account-contact-refused', hint: 'correct `email` in the issuer section' },
  unsupportedContact: { code: 'account-contact-refused', hint: 'correct `email` in the issuer section' },
  invalidProfile: {
    code: 'profile-unknown',
    hint: 'correct or remove `profile` in the issuer section, or use another one for these names',
  },
  badCSR: {
    code: 'request-refused',
    hint: 'the CA may not accept `must-staple`, the `key-type`, or one of the names',
  },
  badPublicKey: { code: 'request-refused', hint: 'choose another `key-type` in the issuer section' },
  badSignatureAlgorithm: { code: 'request-refused', hint: 'the CA does not accept ES256 account keys' },
  badRevocationReason: { code: 'revocation-refused', hint: 'choose another --reason' },
  serverInternal: { code: 'issuer-unavailable', hint: 'the fault is at the CA; rigil tries again later' },
  // Met outside a challenge too: with the CA's view of a name at the time of the order.
  connection: { code: 'challenge-failed' },
  dns: { code: 'challenge-failed', hint: 'the CA could not resolve the name: check its DNS records' },
  tls: { code: 'challenge-failed' },
  incorrectResponse: { code: 'challenge-failed' },
};

function meaningOf(problem: Problem, status: number): { code: Code; hint: string | undefined } {
  // A document that only says "compound" or nothing known means what its first part means.
  const meaning = MEANINGS[problem.type] ?? MEANINGS[problem.subproblems[0]?.type ?? ''];
  const visit = problem.instance === null ? undefined : `see ${problem.instance}`;
  if (meaning !== undefined) return { code: meaning.code, hint: visit ?? meaning.hint };
  if (status === 429) return { code: 'rate-limited', hint: visit ?? MEANINGS['rateLimited']?.hint };
  if (status >= 500) return { code: 'issuer-unavailable', hint: visit ?? MEANINGS['serverInternal']?.hint };
  return { code: 'issuer-refused', hint: visit };
}

function messageOf(problem: Problem, status: number): string {
  const known = problem.type !== 'unknown' || problem.detail !== '' || problem.subproblems.length > 0;
  return known ? `the CA refused: ${describeProblem(problem)}` : `the CA answered with HTTP status ${status}`;
}
