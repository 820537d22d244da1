import type { Instant } from '../platform/clock.ts';

/**
 * What is remembered of one certificate between runs, and shared by the daemon and cron, so that neither a crash loop
 * nor an eager timer can burn a CA's limits. Randomness is drawn once and kept here, so that a plan is repeatable.
 */
export interface JournalEntry {
  /** Failures since the last success; null after a success. */
  readonly failure: Failure | null;
  /** The CA's advice for the certificate whose renewal id is `ariId`. */
  readonly ari: KnownRenewalInfo | null;
}

export interface Failure {
  /** Consecutive attempts that failed. */
  readonly attempts: number;
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
  readonly issuer: string;
  readonly at: Instant;
  /** When to try again; null = not before the configuration changes. */
  readonly retryAt: Instant | null;
}

export interface KnownRenewalInfo {
  readonly ariId: string;
  readonly start: Instant;
  readonly end: Instant;
  /** The moment in the window that was drawn. */
  readonly selected: Instant;
  readonly explanationUrl: string | null;
  readonly nextFetchAt: Instant;
}
