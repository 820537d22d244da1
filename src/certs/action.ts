import type { Instant } from '../platform/clock.ts';
import type { CertificateFacts, CertificateId } from './certificate.ts';

/** One thing to do for one certificate. `dueAt`: since when; `reason`: words that follow "because". */
export type Action =
  /** Order a certificate: the first one, or the next one. */
  | IssueAction
  /** Take over what another process stored. */
  | (ActionParts & { readonly kind: 'adopt'; readonly facts: CertificateFacts })
  /** Store what lives in memory only. */
  | (ActionParts & { readonly kind: 'save' })
  /** Ask the CA when to renew. */
  | (ActionParts & { readonly kind: 'update-ari'; readonly facts: CertificateFacts })
  /** Ask for a fresh OCSP answer. */
  | (ActionParts & { readonly kind: 'refresh-staple' });

export type IssueAction = ActionParts & { readonly kind: 'obtain' | 'renew'; readonly issuer: string };

interface ActionParts {
  readonly id: CertificateId;
  readonly dueAt: Instant;
  readonly reason: string;
}

export interface Plan {
  /** What is to be done now, the most urgent first; at most one action for a certificate. */
  readonly actions: readonly Action[];
  /** What is due, but has to wait until its issuer may be asked again. */
  readonly paced: readonly Action[];
  /** When something may be due that is not now; never in the past. `Infinity` = nothing is coming. */
  readonly wakeAt: Instant;
}
