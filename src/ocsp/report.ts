import type { Instant } from '../platform/clock.ts';
import { readExtensions } from '../x509/extensions.ts';
import { issuerOf, type OcspCertificate, subjectOf } from './certificate.ts';
import { printable } from './printable.ts';
import { type Problem, problem } from './problem.ts';
import type { CertificateStatus } from './response.ts';
import type { Signer } from './signer.ts';
import type { Verdict } from './verify.ts';

/** What `ocsp inspect --json` prints. Times are ISO 8601 UTC; text from outside is {@link printable}. */
export interface OcspReport {
  /** What was looked at, in full: `example.com:443`, a path, or a name. */
  readonly target: string;
  readonly source: 'server' | 'file' | 'stored';
  /** The moment that everything was judged at. */
  readonly checkedAt: string;
  readonly certificate: CertificateReport;
  readonly chain: ChainReport;
  readonly staple: AnswerReport;
  /** What the responder says now; null when it was not asked. */
  readonly query: AnswerReport | null;
}

export interface CertificateReport {
  readonly subject: string;
  readonly names: readonly string[];
  /** Upper case hex. */
  readonly serial: string;
  readonly issuer: string;
  readonly notBefore: string;
  readonly notAfter: string;
  readonly mustStaple: boolean;
  /** The first responder that the certificate names. Null is normal: the CA publishes revocation lists only. */
  readonly responderUrl: string | null;
  readonly responderUrls: readonly string[];
  readonly crlUrls: readonly string[];
}

export interface ChainReport {
  /** What came after the leaf. */
  readonly certificates: readonly {
    readonly subject: string;
    readonly issuer: string;
    readonly notAfter: string;
  }[];
  /** Null when nobody could tell: files and stored certificates are not checked. */
  readonly trusted: boolean | null;
  /** Why it is not, as OpenSSL calls it. */
  readonly distrust: string | null;
}

export interface AnswerReport {
  readonly present: boolean;
  readonly status: CertificateStatus | null;
  readonly thisUpdate: string | null;
  readonly nextUpdate: string | null;
  readonly producedAt: string | null;
  /** The name of who signed the answer. */
  readonly responder: string | null;
  /** The responder that was asked; null for a staple. */
  readonly url: string | null;
  readonly verified: boolean;
  readonly revokedAt: string | null;
  readonly revocationReason: string | null;
  readonly signer: {
    readonly kind: Signer['kind'];
    readonly keyId: string;
    readonly notAfter: string;
  } | null;
  readonly problems: readonly Problem[];
}

/** Whether the staple or the answer is bad: then the command ends with exit code 3. */
export function isBad({ staple, query }: OcspReport): boolean {
  return [...staple.problems, ...(query?.problems ?? [])].some(({ severity }) => severity === 'error');
}

export function reportCertificate(certificate: OcspCertificate): CertificateReport {
  const { x509, mustStaple, responderUrls, crlUrls } = certificate;
  return {
    subject: subjectOf(certificate),
    names: readExtensions(certificate.der).names.map(printable),
    serial: x509.serialNumber,
    issuer: issuerOf(certificate),
    notBefore: iso(x509.validFromDate.getTime()),
    notAfter: iso(x509.validToDate.getTime()),
    mustStaple,
    responderUrl: responderUrls[0] ?? null,
    responderUrls,
    crlUrls,
  };
}

export function reportChain(
  others: readonly OcspCertificate[],
  distrust: string | null,
  checked: boolean,
): ChainReport {
  return {
    certificates: others.map((certificate) => ({
      subject: subjectOf(certificate),
      issuer: issuerOf(certificate),
      notAfter: iso(certificate.x509.validToDate.getTime()),
    })),
    trusted: checked ? distrust === null : null,
    distrust,
  };
}

/** A verdict with what its status means for the certificate. */
export function reportAnswer(verdict: Verdict, present: boolean, url: string | null): AnswerReport {
  const { status, revocation, signer } = verdict;
  return {
    present,
    status,
    thisUpdate: isoOrNull(verdict.thisUpdate),
    nextUpdate: isoOrNull(verdict.nextUpdate),
    producedAt: isoOrNull(verdict.producedAt),
    responder: signer?.name ?? null,
    url,
    verified: verdict.verified,
    revokedAt: isoOrNull(revocation?.at ?? null),
    revocationReason: revocation?.reason ?? null,
    signer:
      signer === null ? null : { kind: signer.kind, keyId: signer.keyId, notAfter: iso(signer.notAfter) },
    problems: [...statusProblems(verdict), ...verdict.problems],
  };
}

/** No staple, which is a problem only where clients insist on one. */
export function reportAbsence(problems: readonly Problem[]): AnswerReport {
  return {
    present: false,
    status: null,
    thisUpdate: null,
    nextUpdate: null,
    producedAt: null,
    responder: null,
    url: null,
    verified: false,
    revokedAt: null,
    revocationReason: null,
    signer: null,
    problems,
  };
}

function statusProblems({ status, revocation }: Verdict): Problem[] {
  if (status === 'unknown')
    return [problem('certificate-unknown', 'the CA says that it does not know the certificate')];
  if (status !== 'revoked') return [];
  const why = revocation?.reason == null ? '' : ` (${revocation.reason})`;
  const when = revocation === null ? '' : ` ${iso(revocation.at)}`;
  return [problem('certificate-revoked', `the certificate was revoked${when}${why}`)];
}

/** ISO 8601. A date that OpenSSL could not read is shown as the beginning of time, rather than breaking the report. */
export function iso(moment: Instant): string {
  return new Date(Number.isNaN(moment) ? 0 : moment).toISOString();
}

function isoOrNull(moment: Instant | null): string | null {
  return moment === null ? null : iso(moment);
}
