import type { Random } from '../platform/random.ts';
import type { CertIdHash } from './cert-id.ts';
import type { OcspCertificate } from './certificate.ts';
import { readCertificateFile } from './certificate-file.ts';
import { fetchIssuer, findIssuer } from './issuer.ts';
import { type Problem, problem } from './problem.ts';
import { askResponders } from './query.ts';
import {
  type AnswerReport,
  iso,
  type OcspReport,
  reportAbsence,
  reportAnswer,
  reportCertificate,
  reportChain,
} from './report.ts';
import { NONCE_BYTES } from './request.ts';
import { readSubject, type Subject, type SubjectOptions, type SubjectPorts } from './subject.ts';
import { rejected, verifyResponse } from './verify.ts';

export interface InspectOptions extends SubjectOptions {
  /** Ask the responder too, with a nonce. */
  readonly query: boolean;
  /** What the responder is to find the certificate by. */
  readonly hash: CertIdHash;
  /** File with further CA certificates, to trust and to find the issuer among; null = none. */
  readonly ca: string | null;
}

export interface InspectPorts extends SubjectPorts {
  readonly random: Random;
}

/**
 * Looks at a certificate, its staple and, if asked, at what its responder says.
 *
 * @throws RigilError `usage`, `target-unreachable`, `target-unreadable`, `certificate-unusable`, or what
 *   `loadCertificate` throws
 */
export async function inspect(
  options: InspectOptions,
  ports: InspectPorts,
  signal: AbortSignal,
): Promise<OcspReport> {
  const ca = options.ca === null ? [] : await readCertificateFile(options.ca);
  const subject = await readSubject(options, ca, ports, signal);
  const { certificate, others, source } = subject;
  const online = source === 'server' || options.query;
  const issuer =
    findIssuer(certificate, [...others, ...ca, certificate]) ??
    (online ? await fetchIssuer(certificate, ports, signal) : null);
  const answer = options.query ? await query(certificate, issuer, options.hash, ports, signal) : null;
  const now = ports.clock.now(); // after the answer was made, or it would seem to come from the future
  return {
    target: subject.label,
    source,
    checkedAt: iso(now),
    certificate: reportCertificate(certificate),
    chain: reportChain(others, subject.distrust, source === 'server'),
    staple: reportStaple(subject, issuer, now),
    query: answer,
  };
}

function reportStaple(subject: Subject, issuer: OcspCertificate | null, now: number): AnswerReport {
  const { certificate, staple, source } = subject;
  if (staple === null) {
    const missing = certificate.mustStaple && source !== 'file';
    return reportAbsence(
      missing ? [problem('staple-missing', 'the certificate is must-staple, and there is no staple')] : [],
    );
  }
  const verdict =
    issuer === null
      ? rejected(noIssuer())
      : verifyResponse(staple, { certificate, issuer, nonce: null }, now);
  return reportAnswer(verdict, true, null);
}

async function query(
  certificate: OcspCertificate,
  issuer: OcspCertificate | null,
  hash: CertIdHash,
  ports: InspectPorts,
  signal: AbortSignal,
): Promise<AnswerReport | null> {
  if (certificate.responderUrls.length === 0) return null;
  if (issuer === null) return reportAnswer(rejected(noIssuer()), false, null);
  const nonce = ports.random.bytes(NONCE_BYTES);
  const answer = await askResponders({ certificate, issuer, hash, nonce }, ports, signal);
  return answer === null ? null : reportAnswer(answer.verdict, answer.der !== null, answer.url);
}

function noIssuer(): Problem {
  return problem(
    'issuer-missing',
    'nothing can be verified: the certificate of the issuer is nowhere to be found',
  );
}
