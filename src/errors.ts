/**
 * Everything that can go wrong and that a user can do something about.
 *
 * `retry` tells the pipeline what to do after a failure: `never` (wait for a new configuration), `later` (back off and
 * try again), `now` (the next attempt may follow at once). `exit` is the exit code when the error ends a command.
 */
export const ERRORS = {
  'config-invalid': { exit: 1, retry: 'never' },
  'config-unreadable': { exit: 1, retry: 'never' },
  'config-source-unreachable': { exit: 1, retry: 'later' },
  'config-source-invalid': { exit: 1, retry: 'later' },
  'address-in-use': { exit: 1, retry: 'later' },
  'address-forbidden': { exit: 1, retry: 'never' },
  'address-unusable': { exit: 1, retry: 'never' },
  'access-log-unwritable': { exit: 1, retry: 'never' },
  'store-unwritable': { exit: 1, retry: 'later' },
  'store-unreadable': { exit: 1, retry: 'later' },
  'store-unreachable': { exit: 1, retry: 'later' },
  'store-sealed': { exit: 1, retry: 'later' },
  'store-locked': { exit: 1, retry: 'later' },
  'store-damaged': { exit: 1, retry: 'later' },
  'store-exposed': { exit: 1, retry: 'later' },
  'take-over-failed': { exit: 1, retry: 'later' },
  'lock-lost': { exit: 1, retry: 'now' },
  'daemon-unreachable': { exit: 1, retry: 'later' },
  'issuer-unknown': { exit: 1, retry: 'never' },
  'issuer-unavailable': { exit: 1, retry: 'later' },
  'issuer-untrusted': { exit: 1, retry: 'later' },
  'issuer-answer-invalid': { exit: 3, retry: 'later' },
  'issuer-refused': { exit: 3, retry: 'later' },
  'issuance-timed-out': { exit: 3, retry: 'later' },
  'issuance-interrupted': { exit: 3, retry: 'later' },
  'rate-limited': { exit: 3, retry: 'later' },
  'tailscale-unreachable': { exit: 1, retry: 'later' },
  'tailscale-refused': { exit: 3, retry: 'later' },
  'account-binding-required': { exit: 1, retry: 'never' },
  'account-binding-invalid': { exit: 1, retry: 'never' },
  'account-contact-refused': { exit: 1, retry: 'never' },
  'account-unknown': { exit: 3, retry: 'later' },
  'account-action-required': { exit: 3, retry: 'later' },
  'identifier-refused': { exit: 3, retry: 'never' },
  'caa-forbids': { exit: 3, retry: 'never' },
  'profile-unknown': { exit: 1, retry: 'never' },
  'request-refused': { exit: 3, retry: 'never' },
  'challenge-unavailable': { exit: 3, retry: 'never' },
  'challenge-failed': { exit: 3, retry: 'later' },
  'challenge-record-missing': { exit: 3, retry: 'later' },
  'revocation-refused': { exit: 3, retry: 'never' },
  'certificate-unusable': { exit: 3, retry: 'later' },
  'authority-damaged': { exit: 1, retry: 'never' },
  'authority-expired': { exit: 1, retry: 'never' },
  'issuer-certificate-missing': { exit: 3, retry: 'later' },
  'responder-missing': { exit: 3, retry: 'never' },
  'responder-unreachable': { exit: 3, retry: 'later' },
  'staple-unusable': { exit: 3, retry: 'later' },
  'target-unreachable': { exit: 1, retry: 'later' },
  'target-unreadable': { exit: 1, retry: 'never' },
  'name-unknown': { exit: 1, retry: 'never' },
  'dns-option-invalid': { exit: 1, retry: 'never' },
  'dns-provider-failed': { exit: 3, retry: 'later' },
  'dns-provider-refused': { exit: 3, retry: 'later' },
  'dns-delegation-missing': { exit: 3, retry: 'later' },
  'dns-lookup-failed': { exit: 3, retry: 'later' },
  'dns-not-propagated': { exit: 3, retry: 'later' },
  usage: { exit: 2, retry: 'never' },
  aborted: { exit: 1, retry: 'now' },
  internal: { exit: 70, retry: 'later' },
} as const satisfies Record<string, { exit: number; retry: Retry }>;

/** What the pipeline does after a failure with this code. */
export type Retry = 'never' | 'later' | 'now';

/** The stable name of an error. It is API: scripts and tests compare it, the message is for people. */
export type Code = keyof typeof ERRORS;

/** An error with a stable code, a sentence for people and, where there is a way out, a hint that names it. */
export class RigilError extends Error {
  override readonly name = 'RigilError';
  readonly code: Code;
  readonly hint: string | null;

  constructor(code: Code, message: string, options: { hint?: string | undefined; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint ?? null;
  }
}

/**
 * A refusal by somebody who says when to come back, such as a CA with a rate limit: `retryAt` (milliseconds since
 * 1970) wins over any back-off. Null = it did not say.
 */
export class Refusal extends RigilError {
  readonly retryAt: number | null;

  constructor(
    code: Code,
    message: string,
    options: { hint?: string | undefined; cause?: unknown; retryAt?: number | null } = {},
  ) {
    super(code, message, options);
    this.retryAt = options.retryAt ?? null;
  }
}

/** The exit code that a command ends with when this error stops it: 70 for anything that is not a RigilError. */
export function exitCodeOf(error: unknown): number {
  return error instanceof RigilError ? ERRORS[error.code].exit : ERRORS.internal.exit;
}

/** The code of any thrown value; what nobody classified is `internal`. */
export function codeOf(error: unknown): Code {
  return error instanceof RigilError ? error.code : 'internal';
}

/** The message of any thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of a system error such as ENOENT, or null. */
export function systemCodeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}
