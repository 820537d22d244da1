/** How bad a problem is: an `error` makes an answer unfit to rely on, a `warning` does not. */
export type Severity = 'error' | 'warning';

/** One thing that is wrong, or doubtful, with an OCSP answer: a value, never thrown. */
export interface Problem {
  /** Stable name; scripts and tests compare it. */
  readonly code: ProblemCode;
  readonly severity: Severity;
  readonly message: string;
  /** The way out. */
  readonly hint: string;
}

export type ProblemCode = keyof typeof PROBLEMS;

/** @param message what was seen, as a clause for people: no capital letter, no full stop */
export function problem(code: ProblemCode, message: string): Problem {
  return { code, message, ...PROBLEMS[code] };
}

/** Everything that can be wrong with an answer, with what to do about it. */
const PROBLEMS = {
  'responder-unreachable': error('check the network between here and the responder, or ask again later'),
  'responder-failed': error('ask again later; if it stays so, tell the CA'),
  'answer-unreadable': error('something else answers at this address: check for a proxy or a captive portal'),
  'malformed-request': error('the responder does not understand the request; try the other --hash'),
  'internal-error': error('the responder is broken; ask again later'),
  'try-later': error('the responder is busy; ask again later'),
  'signature-required': error('this responder serves only clients that it knows'),
  unauthorized: error('this responder does not know the certificate: a new one may take half an hour'),
  'issuer-missing': error('give the certificate of the issuer with --ca FILE, or serve the whole chain'),
  'signer-unknown': error('the answer names a signer whose certificate it does not bring along; tell the CA'),
  'signer-foreign': error('the answer was not made by the CA of the certificate; do not trust it'),
  'signer-not-authorized': error('the CA must give its responder a certificate for OCSP signing'),
  'signer-not-yet-valid': error('check the clock of this machine'),
  'signer-expired': error('the CA must renew the certificate of its responder'),
  'signature-invalid': error('the answer was changed on its way, or another key made it; do not trust it'),
  'signature-weak': error('the CA must sign its answers with SHA-256 or better'),
  'signature-unsupported': error('the CA must sign with RSA, ECDSA or EdDSA and SHA-256 or better'),
  'critical-extension': error('the answer asks for something that rigil does not know; tell the CA'),
  'other-certificate': error('the server or responder mixed up two certificates; restart or reload it'),
  'nonce-mismatch': error('the answer belongs to another question: somebody replays old answers'),
  'not-yet-valid': error('check the clock of this machine'),
  expired: error('whoever fetched the answer must fetch a new one'),
  'too-old': error('an answer that names no end is taken for one day; a new one must be fetched'),
  'certificate-revoked': error('replace the certificate, with a new key: rigil certs renew --force NAME'),
  'certificate-unknown': error('the CA does not know the certificate (yet); ask again in half an hour'),
  'staple-missing': error('clients refuse a must-staple certificate without a staple: turn stapling on'),
  'signer-revocable': warning('nobody can tell whether the key of the responder was revoked; tell the CA'),
} as const satisfies Record<string, { severity: Severity; hint: string }>;

function error(hint: string) {
  return { severity: 'error', hint } as const;
}

function warning(hint: string) {
  return { severity: 'warning', hint } as const;
}
