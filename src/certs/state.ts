import type { Instant } from '../platform/clock.ts';
import type { CertificateFacts, CertificateId, Wanted } from './certificate.ts';
import { emptyJournal, type Failure, type JournalEntry } from './journal.ts';
import type { Pace } from './ports.ts';

/** Everything that {@link plan} needs to know. A value: nothing in it is changed while somebody reads it. */
export interface State {
  /** What the configuration asks for, in its order. */
  readonly entries: ReadonlyMap<CertificateId, Entry>;
  readonly issuers: ReadonlyMap<string, IssuerState>;
  /** Somebody works on these already. */
  readonly inFlight: ReadonlySet<CertificateId>;
  /** A client waited for these: they go first. */
  readonly prioritised: ReadonlySet<CertificateId>;
}

/** What the configuration asks for, with what there is of it. */
export type Entry =
  /** Nothing can be served for it. */
  | (EntryParts & { readonly phase: 'missing'; readonly held: null })
  | (EntryParts & { readonly phase: 'held'; readonly held: Held })
  /** Every issuer refused for good: nothing is ordered before the configuration changes. What is held stays. */
  | (EntryParts & { readonly phase: 'blocked'; readonly failure: Failure });

export interface EntryParts {
  readonly wanted: Wanted;
  /** What is served, also when it has expired or lacks a name: better than nothing. */
  readonly held: Held | null;
  /** A certificate that another process stored and that is better than what is held. */
  readonly offer: Offer | null;
  readonly journal: JournalEntry;
}

export interface Held {
  readonly facts: CertificateFacts;
  /** Null when the store has it. Else it lives in memory only, and storing it is tried again. */
  readonly unsaved: Trouble | null;
  /** When its OCSP staple is due; null = it needs none. */
  readonly stapleAt: Instant | null;
  /** Since when its CA says that it is revoked; null = not as far as is known. */
  readonly revokedAt: Instant | null;
}

export interface Offer {
  readonly facts: CertificateFacts;
  /** Null before the first attempt to read it. */
  readonly trouble: Trouble | null;
}

/** How often something went wrong in a row, and when it is tried again. */
export interface Trouble {
  readonly attempts: number;
  readonly retryAt: Instant;
}

/** What of an issuer matters to a plan. */
export interface IssuerState {
  /** It gives advice on when to renew. */
  readonly advises: boolean;
  /** Issuers with the same one count each other's starts, and keep to each other's paces. */
  readonly account: string;
  /** Of all issuers with this account. */
  readonly paces: readonly Pace[];
  /** When issuances were started, oldest first, as far back as the paces look. */
  readonly starts: readonly Instant[];
}

/** The one way to make an entry: its phase follows from its parts. */
export function entryOf(parts: EntryParts): Entry {
  const { wanted, held, offer, journal } = parts;
  const { failure } = journal;
  // What another process stored may be just what was refused to us, so an offer lifts the block.
  if (failure !== null && failure.retryAt === null && offer === null) {
    return { phase: 'blocked', wanted, held, offer, journal, failure };
  }
  if (held === null) return { phase: 'missing', wanted, held, offer, journal };
  return { phase: 'held', wanted, held, offer, journal };
}

/** An entry of which nothing is known yet. */
export function newEntry(wanted: Wanted): Entry {
  return entryOf({ wanted, held: null, offer: null, journal: emptyJournal });
}
