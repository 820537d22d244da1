import type { Instant } from '../platform/clock.ts';
import { certIdOf, sameCertId } from './cert-id.ts';
import type { OcspCertificate } from './certificate.ts';
import { type Problem, problem } from './problem.ts';
import {
  type BasicResponse,
  type CertificateStatus,
  type ParsedResponse,
  parseResponse,
  type Revocation,
  type SingleAnswer,
} from './response.ts';
import { CLOCK_SKEW_MS, identifySigner, type Signer } from './signer.ts';

/** What an answer must be an answer to. */
export interface Question {
  readonly certificate: OcspCertificate;
  readonly issuer: OcspCertificate;
  /** The nonce that was sent, or null. An answer without one is taken: public responders sign in advance (RFC 9654 2.1). */
  readonly nonce: Uint8Array | null;
}

/** What an OCSP response is worth. */
export interface Verdict {
  /** Signed by the right key, for this certificate, in time. Says nothing about the status. */
  readonly verified: boolean;
  /** What the response says, verified or not; null when it says nothing about this certificate. */
  readonly status: CertificateStatus | null;
  readonly revocation: Revocation | null;
  readonly producedAt: Instant | null;
  readonly thisUpdate: Instant | null;
  readonly nextUpdate: Instant | null;
  /** Until when the response may be relied on, also counting the signer's certificate; null unless verified. */
  readonly validUntil: Instant | null;
  readonly signer: Signer | null;
  /** Empty of errors exactly when verified. */
  readonly problems: readonly Problem[];
}

/** How long an answer counts that names no nextUpdate: newer information is there at any time (RFC 6960 2.4). */
const LIFE_WITHOUT_END_MS = 24 * 3_600_000;

/** Checks the DER of an OCSP response at the moment `now`. Never throws. */
export function verifyResponse(der: Uint8Array, question: Question, now: Instant): Verdict {
  const response = parseResponse(der);
  if (response.kind !== 'basic') return rejected(notAnAnswer(response));
  const { signer, problems } = identifySigner(response, question.issuer, now);
  const answer = answerFor(question, response.answers);
  const all = [
    ...problems,
    ...messageProblems(response, question.nonce),
    ...(answer === null
      ? [problem('other-certificate', 'the answer is about another certificate')]
      : timeProblems(answer, now)),
  ];
  const verified = all.every(({ severity }) => severity === 'warning');
  return {
    verified,
    status: answer?.status ?? null,
    revocation: answer?.revocation ?? null,
    producedAt: response.producedAt,
    thisUpdate: answer?.thisUpdate ?? null,
    nextUpdate: answer?.nextUpdate ?? null,
    validUntil:
      verified && answer !== null ? Math.min(endOf(answer), signer?.notAfter ?? endOf(answer)) : null,
    signer,
    problems: all,
  };
}

/** The verdict on something that is no answer at all. */
export function rejected(reason: Problem): Verdict {
  return {
    verified: false,
    status: null,
    revocation: null,
    producedAt: null,
    thisUpdate: null,
    nextUpdate: null,
    validUntil: null,
    signer: null,
    problems: [reason],
  };
}

function notAnAnswer(response: Exclude<ParsedResponse, BasicResponse>): Problem {
  return response.kind === 'unreadable'
    ? problem('answer-unreadable', `the answer cannot be read: ${response.why}`)
    : problem(response.code, `the responder refuses: ${response.code.replaceAll('-', ' ')}`);
}

/** What is said of the certificate. Should a response say two things, the one that is not `good` counts. */
function answerFor(question: Question, answers: readonly SingleAnswer[]): SingleAnswer | null {
  const { certificate, issuer } = question;
  const about = answers.filter(
    ({ certId }) => certId !== null && sameCertId(certId, certIdOf(certificate, issuer, certId.hash)),
  );
  return about.find(({ status }) => status !== 'good') ?? about[0] ?? null;
}

function messageProblems({ nonce, criticalExtensions }: BasicResponse, sent: Uint8Array | null): Problem[] {
  const found = criticalExtensions.map((oid) =>
    problem('critical-extension', `the answer has a critical extension that is not known: ${oid}`),
  );
  if (sent !== null && nonce !== null && Buffer.compare(sent, nonce) !== 0) {
    found.push(problem('nonce-mismatch', 'the nonce in the answer is not the one that was sent'));
  }
  return found;
}

function timeProblems(answer: SingleAnswer, now: Instant): Problem[] {
  if (answer.thisUpdate > now + CLOCK_SKEW_MS) {
    return [problem('not-yet-valid', `the answer is valid only from ${iso(answer.thisUpdate)}`)];
  }
  if (endOf(answer) >= now - CLOCK_SKEW_MS) return [];
  return answer.nextUpdate === null
    ? [problem('too-old', `the answer names no end and was made ${iso(answer.thisUpdate)}`)]
    : [problem('expired', `the answer was valid until ${iso(answer.nextUpdate)}`)];
}

function endOf({ thisUpdate, nextUpdate }: SingleAnswer): Instant {
  return nextUpdate ?? thisUpdate + LIFE_WITHOUT_END_MS;
}

function iso(moment: Instant): string {
  return new Date(moment).toISOString();
}
