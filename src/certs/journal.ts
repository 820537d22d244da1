import type { Instant } from '../platform/clock.ts';

/**
 * What is remembered of one certificate between runs, and shared by the daemon and cron, so that neither a crash loop
 * nor an eager timer can burn a CA's limits. Randomness is drawn once and kept here, so that a plan is repeatable.
 */
export interface JournalEntry {
  /** Failures since the last success; null after a success. */
  readonly failure: Failure | null;
  /** The CA's advice for the certificate whose renewal id is `ariId`; null = never asked. */
  readonly ari: KnownRenewalInfo | null;
}

export const emptyJournal: JournalEntry = { failure: null, ari: null };

export interface Failure {
  /** Consecutive attempts that failed. */
  readonly attempts: number;
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
  /** Who failed. */
  readonly issuer: string;
  readonly at: Instant;
  /** When to try again; null = not before the configuration changes. */
  readonly retryAt: Instant | null;
  /** Whom to ask then. */
  readonly nextIssuer: string;
  /** Issuers that asked to be left alone: until a moment, or (null) until the configuration changes. */
  readonly resting: Readonly<Record<string, Instant | null>>;
}

export interface KnownRenewalInfo {
  readonly ariId: string;
  /** Null = the CA has no usable advice for this certificate. */
  readonly window: RenewalWindow | null;
  /** When to ask again. */
  readonly nextFetchAt: Instant;
  /** Requests for it that failed in a row. */
  readonly failures: number;
}

export interface RenewalWindow {
  readonly start: Instant;
  readonly end: Instant;
  /** The moment in the window that was drawn. */
  readonly selected: Instant;
  readonly explanationUrl: string | null;
}
