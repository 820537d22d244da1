import type { Code } from '../errors.ts';
import type { Instant } from '../platform/clock.ts';
import { afterFailure, afterTrouble } from './backoff.ts';
import type { Certificate, CertificateFacts, CertificateId } from './certificate.ts';
import type { JournalEntry, KnownRenewalInfo } from './journal.ts';
import { satisfies } from './renewal.ts';
import { type Entry, entryOf, type Trouble } from './state.ts';

/** How an action ended. `at`: when; `chance`: drawn for whatever is decided by chance because of it, in [0, 1). */
export type Outcome =
  /** A new certificate. `unsaved` is null when the store has it. */
  | (OutcomeParts & {
      readonly kind: 'issued';
      readonly certificate: Certificate;
      readonly unsaved: Trouble | null;
      readonly stapleAt: Instant | null;
    })
  /** No certificate. `before`: what was remembered when the attempt began. */
  | (OutcomeParts & {
      readonly kind: 'failed';
      readonly issuer: string;
      readonly code: Code;
      readonly message: string;
      readonly hint: string | null;
      /** When the CA said to come back. */
      readonly retryAt: Instant | null;
      readonly before: JournalEntry;
    })
  /** Another process failed a moment ago; what it noted holds for us too. */
  | (OutcomeParts & { readonly kind: 'deferred'; readonly journal: JournalEntry })
  /** What another process stored. `unsaved` is not null when it has to be stored under this id too. */
  | (OutcomeParts & {
      readonly kind: 'adopted';
      readonly certificate: Certificate;
      readonly unsaved: Trouble | null;
      readonly stapleAt: Instant | null;
    })
  /** What the store offered cannot be had: `gone` for good, else for now. */
  | (OutcomeParts & {
      readonly kind: 'not-adopted';
      readonly facts: CertificateFacts;
      readonly gone: boolean;
    })
  | (OutcomeParts & { readonly kind: 'saved' | 'not-saved'; readonly fingerprint: string })
  | (OutcomeParts & { readonly kind: 'advised'; readonly ari: KnownRenewalInfo })
  /** The CA was asked for an OCSP answer, and gave one or not. */
  | (OutcomeParts & {
      readonly kind: 'stapled';
      readonly fingerprint: string;
      readonly stapleAt: Instant;
      readonly revokedAt: Instant | null;
    })
  /** Broken off before its end: nothing is known that was not known before. */
  | (OutcomeParts & { readonly kind: 'dropped' });

interface OutcomeParts {
  readonly id: CertificateId;
  readonly at: Instant;
  readonly chance: number;
}

/**
 * An entry after an outcome. Pure: back-off and blocking live here. A failure never removes what is held.
 */
export function fold(entry: Entry, outcome: Outcome): Entry {
  const { wanted, held, journal } = entry;
  switch (outcome.kind) {
    case 'issued': {
      const { certificate, unsaved, stapleAt } = outcome;
      return entryOf({
        wanted,
        held: { facts: certificate.facts, unsaved, stapleAt, revokedAt: null },
        offer: null,
        journal: { failure: null, ari: null },
      });
    }
    case 'failed': {
      const expiresAt = held?.facts.notAfter ?? null;
      const failure = afterFailure(outcome.before.failure, outcome, wanted.issuers, expiresAt);
      return entryOf({ ...entry, journal: { failure, ari: journal.ari } });
    }
    case 'deferred':
      return entryOf({ ...entry, journal: outcome.journal });
    case 'adopted': {
      const { certificate, unsaved, stapleAt } = outcome;
      const { facts } = certificate;
      return entryOf({
        wanted,
        held: { facts, unsaved, stapleAt, revokedAt: null },
        offer: null,
        journal: satisfies(facts, wanted) ? { ...journal, failure: null } : journal,
      });
    }
    case 'not-adopted': {
      const { offer } = entry;
      if (offer === null || offer.facts.fingerprint !== outcome.facts.fingerprint) return entry;
      const trouble = afterTrouble(offer.trouble, outcome.at, outcome.chance);
      return entryOf({ ...entry, offer: outcome.gone ? null : { ...offer, trouble } });
    }
    case 'saved':
    case 'not-saved': {
      if (held === null || held.facts.fingerprint !== outcome.fingerprint) return entry;
      const unsaved =
        outcome.kind === 'saved' ? null : afterTrouble(held.unsaved, outcome.at, outcome.chance);
      return entryOf({ ...entry, held: { ...held, unsaved } });
    }
    case 'advised':
      if (outcome.ari.ariId !== held?.facts.ariId) return entry;
      return entryOf({ ...entry, journal: { ...journal, ari: outcome.ari } });
    case 'stapled':
      if (held === null || held.facts.fingerprint !== outcome.fingerprint) return entry;
      return entryOf({
        ...entry,
        held: { ...held, stapleAt: outcome.stapleAt, revokedAt: outcome.revokedAt },
      });
    case 'dropped':
      return entry;
    default: {
      const unknown: never = outcome;
      return unknown;
    }
  }
}
