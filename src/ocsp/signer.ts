import type { Instant } from '../platform/clock.ts';
import { isIssuedBy, keyHash, type OcspCertificate, readCertificate, subjectOf } from './certificate.ts';
import { type Problem, problem } from './problem.ts';
import type { BasicResponse, ResponderId } from './response.ts';
import { checkSignature, isWeak } from './signature.ts';

/** Who signed an answer. */
export interface Signer {
  /** The CA itself, or somebody with a certificate for this from the CA. */
  readonly kind: 'issuer' | 'delegate';
  readonly name: string;
  /** SHA-1 of the key, lower case hex. */
  readonly keyId: string;
  /** End of the signer's certificate. */
  readonly notAfter: Instant;
}

/** Tolerance for clocks that disagree, in milliseconds. */
export const CLOCK_SKEW_MS = 5 * 60_000;

/**
 * Finds out who signed `response`, and what is wrong with that: the issuer's own key, or a certificate that came along
 * and was given to a responder by that very key (RFC 6960 4.2.2.2).
 */
export function identifySigner(
  response: BasicResponse,
  issuer: OcspCertificate,
  now: Instant,
): { signer: Signer | null; problems: readonly Problem[] } {
  const candidates = candidatesFor(response, issuer).map((certificate) => ({
    signer: signerOf(certificate, issuer),
    problems: [
      ...(certificate === issuer ? [] : delegateProblems(certificate, issuer, now)),
      ...signatureProblems(response, certificate),
    ],
  }));
  const fit = candidates.find(({ problems }) => problems.every(({ severity }) => severity === 'warning'));
  const found = fit ?? candidates[0];
  if (found !== undefined) return found;
  const named = response.responder.by === 'key' ? ` with the key ${hex(response.responder.hash)}` : '';
  return {
    signer: null,
    problems: [problem('signer-unknown', `nobody in sight is the signer that the answer names${named}`)],
  };
}

/** Everybody who could be the signer that the response names, the issuer first. */
function candidatesFor(
  { responder, certificates }: BasicResponse,
  issuer: OcspCertificate,
): OcspCertificate[] {
  const brought = certificates
    .flatMap(readable)
    .filter(({ keyBits }) => Buffer.compare(keyBits, issuer.keyBits) !== 0);
  return [issuer, ...brought].filter((certificate) => isNamed(responder, certificate));
}

function isNamed(responder: ResponderId, certificate: OcspCertificate): boolean {
  return responder.by === 'name'
    ? Buffer.compare(responder.name, certificate.subjectName) === 0
    : Buffer.compare(responder.hash, keyHash(certificate)) === 0;
}

function delegateProblems(delegate: OcspCertificate, issuer: OcspCertificate, now: Instant): Problem[] {
  const found: Problem[] = [];
  const name = subjectOf(delegate);
  if (!isIssuedBy(delegate, issuer)) {
    found.push(problem('signer-foreign', `the signer ${name} was not appointed by the key of the issuer`));
  } else if (isWeak(delegate.signatureAlgorithm)) {
    found.push(
      problem('signature-weak', `the certificate of the signer ${name} is signed with SHA-1 or MD5`),
    );
  }
  if (!delegate.signsOcsp) {
    found.push(
      problem('signer-not-authorized', `the certificate of ${name} is not for signing OCSP answers`),
    );
  }
  const { validFromDate, validToDate } = delegate.x509;
  // Asked this way round, a date that is none is out of date.
  if (!(validFromDate.getTime() <= now + CLOCK_SKEW_MS)) {
    found.push(problem('signer-not-yet-valid', `the certificate of the signer ${name} is not valid yet`));
  }
  if (!(validToDate.getTime() >= now - CLOCK_SKEW_MS)) {
    found.push(problem('signer-expired', `the certificate of the signer ${name} has expired`));
  }
  if (!delegate.noCheck) {
    found.push(
      problem('signer-revocable', `the certificate of the signer ${name} has no id-pkix-ocsp-nocheck`),
    );
  }
  return found;
}

function signatureProblems(response: BasicResponse, signer: OcspCertificate): Problem[] {
  const { signatureAlgorithm, signed, signature } = response;
  const verdict = checkSignature(signatureAlgorithm, signed, signature, signer.x509);
  switch (verdict) {
    case 'valid':
      return [];
    case 'invalid':
      return [problem('signature-invalid', `the signature is not that of ${subjectOf(signer)}`)];
    case 'weak':
      return [problem('signature-weak', 'the answer is signed with SHA-1 or MD5, which can be forged')];
    case 'unsupported':
      return [
        problem(
          'signature-unsupported',
          `the signature (${signatureAlgorithm.oid}) cannot be checked with this key`,
        ),
      ];
    default:
      return verdict satisfies never;
  }
}

function signerOf(certificate: OcspCertificate, issuer: OcspCertificate): Signer {
  return {
    kind: certificate === issuer ? 'issuer' : 'delegate',
    name: subjectOf(certificate),
    keyId: hex(keyHash(certificate)),
    notAfter: certificate.x509.validToDate.getTime(),
  };
}

/** A certificate that cannot be read is nobody's. */
function readable(der: Uint8Array): OcspCertificate[] {
  try {
    return [readCertificate(der)];
  } catch {
    return [];
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
