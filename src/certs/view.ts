/** One certificate as `certs list --json`, `status --json` and the admin endpoint print it. Times are ISO 8601 UTC. */
export interface CertificateView {
  readonly id: string;
  readonly names: readonly string[];
  /** The issuer of what is held, else the first one that will be asked. */
  readonly issuer: string;
  readonly status: 'valid' | 'expiring' | 'expired' | 'missing' | 'blocked';
  readonly notBefore: string | null;
  readonly notAfter: string | null;
  readonly serial: string | null;
  readonly keyType: string | null;
  readonly renewAt: string | null;
  readonly renewReason: string | null;
  readonly ari: {
    readonly start: string;
    readonly end: string;
    readonly selected: string;
    readonly explanationUrl: string | null;
  } | null;
  readonly ocsp: {
    readonly status: string;
    readonly thisUpdate: string;
    readonly nextUpdate: string | null;
  } | null;
  readonly lastError: {
    readonly code: string;
    readonly message: string;
    readonly at: string;
    readonly attempts: number;
    readonly retryAt: string | null;
  } | null;
}
