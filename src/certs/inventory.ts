import type { Instant } from '../platform/clock.ts';
import { adoptable } from './adopt.ts';
import { Agenda } from './agenda.ts';
import { isLocal, released } from './backoff.ts';
import { Candidates, isBetter } from './candidates.ts';
import type { Certificate, CertificateFacts, CertificateId, Wanted } from './certificate.ts';
import { fold, type Outcome } from './fold.ts';
import { emptyJournal, type JournalEntry } from './journal.ts';
import { noteStart } from './pace.ts';
import type { Issuer, StapleSource } from './ports.ts';
import { type Entry, entryOf, type Held, type IssuerState, type State, type Trouble } from './state.ts';

/**
 * What is wanted, what is held, and what is known of the store: the state of the pipeline in one place. Every change
 * is synchronous; nothing here reads, writes or waits.
 *
 * Its maps are changed in place, since a copy of ten thousand entries for every outcome is what a start or a storm of
 * renewals would spend its time on. What is in them is never changed, only replaced.
 */
export class Inventory {
  readonly agenda = new Agenda(() => this.#issuers);
  #entries = new Map<CertificateId, Entry>();
  #certificates = new Map<CertificateId, Certificate>();
  #issuers: ReadonlyMap<string, IssuerState> = new Map();
  /** Facts of the store's current generations, by place. */
  readonly #stored = new Map<string, CertificateFacts>();
  #journal: ReadonlyMap<CertificateId, JournalEntry> = new Map();
  /** Read at the start, until it is known what is wanted of it. */
  #loaded: readonly Certificate[] = [];
  /** Fingerprints of stored certificates that cannot be read. */
  readonly #unusable = new Set<string>();
  readonly #staples: StapleSource | null;
  readonly #keepsKeys: boolean;

  /** @param keepsKeys false = nothing is served from here: facts are enough */
  constructor(staples: StapleSource | null, keepsKeys: boolean) {
    this.#staples = staples;
    this.#keepsKeys = keepsKeys;
  }

  /** Good until the next change; `want` makes a new one. */
  get entries(): ReadonlyMap<CertificateId, Entry> {
    return this.#entries;
  }

  /** What is served, with keys. Good until the next change. */
  get certificates(): ReadonlyMap<CertificateId, Certificate> {
    return this.#certificates;
  }

  get stored(): Iterable<CertificateFacts> {
    return this.#stored.values();
  }

  /** All that a plan needs to know. Good until the next change. */
  get state(): State {
    const { inFlight, prioritised } = this.agenda;
    return { entries: this.#entries, issuers: this.#issuers, inFlight, prioritised };
  }

  /** Takes note of what the store has. Better certificates than those held become offers. */
  learn(stored: readonly CertificateFacts[], now: Instant): void {
    this.#stored.clear();
    for (const facts of stored) this.#stored.set(placeOf(facts), facts);
    const candidates = this.#offerable();
    for (const entry of this.#entries.values()) this.#replace(withOffer(entry, candidates, now));
  }

  /** Takes note of what earlier runs left behind; what this process has noted since counts more. */
  remember(journal: ReadonlyMap<CertificateId, JournalEntry>, loaded: readonly Certificate[]): void {
    this.#journal = journal;
    this.#loaded = loaded;
    for (const entry of this.#entries.values()) {
      const noted = journal.get(entry.wanted.id);
      if (noted !== undefined && entry.journal === emptyJournal) {
        this.#replace(entryOf({ ...entry, journal: noted }));
      }
    }
  }

  /**
   * Replaces what is wanted. What is held is carried over, also under another id or with other names: it serves until
   * the right certificate is there.
   *
   * @param retry failed certificates may be tried again sooner, and refused ones at all
   */
  want(wanted: readonly Wanted[], issuers: ReadonlyMap<string, Issuer>, now: Instant, retry: boolean): void {
    // A route that comes and goes must not shake off its failures.
    const noted = new Map(this.#journal);
    for (const { wanted: each, journal } of this.#entries.values()) {
      if (journal.failure === null && journal.ari === null) noted.delete(each.id);
      else noted.set(each.id, journal);
    }
    this.#journal = noted;
    // Somebody may have mended what could not be read.
    this.#unusable.clear();
    const memory = this.#inMemory();
    const usable = new Candidates([...memory.values()].map(({ facts }) => facts));
    const offerable = this.#offerable();
    const certificates = new Map<CertificateId, Certificate>();
    this.#entries = new Map(
      wanted.map((each) => {
        const best = usable.bestFor(each, now);
        const found = best === null ? undefined : memory.get(best.fingerprint);
        const held = found === undefined ? null : this.#hold(found, each, now, certificates);
        const known = noted.get(each.id) ?? emptyJournal;
        const journal = retry ? releasedJournal(known, each, now) : known;
        return [each.id, withOffer(entryOf({ wanted: each, held, offer: null, journal }), offerable, now)];
      }),
    );
    this.#certificates = certificates;
    this.#loaded = [];
    this.#issuers = this.#issuerStates(issuers, now);
    this.agenda.replace(this.#entries.values());
  }

  /** Puts an outcome into the state. Says whether something else is served now. */
  apply(outcome: Outcome): boolean {
    const { id } = outcome;
    const entry = this.#entries.get(id);
    if (entry === undefined) return false;
    this.#replace(fold(entry, outcome));
    if (outcome.kind === 'not-adopted' && outcome.gone) this.#unusable.add(outcome.facts.fingerprint);
    const held = this.#entries.get(id)?.held ?? null;
    if (held !== null && held.unsaved === null) this.#stored.set(placeOf(held.facts), held.facts);
    if (outcome.kind !== 'issued' && outcome.kind !== 'adopted') return false;
    this.agenda.satisfy(id);
    this.#certificates.set(id, outcome.certificate);
    return true;
  }

  /** A person asks for it: our own pauses after failures do not count, a CA's word does. */
  release(id: CertificateId, now: Instant): void {
    const entry = this.#entries.get(id);
    if (entry?.journal.failure == null) return;
    const failure = released(entry.journal.failure, entry.wanted.issuers, now, now);
    this.#replace(entryOf({ ...entry, journal: { ...entry.journal, failure } }));
  }

  /** The store is itself again: what failed because of it is due now. */
  resume(now: Instant): void {
    const sooner = (trouble: Trouble | null): Trouble | null =>
      trouble === null || trouble.retryAt <= now ? trouble : { ...trouble, retryAt: now };
    for (const entry of this.#entries.values()) {
      const { held, offer, journal } = entry;
      const { failure } = journal;
      const waits =
        failure !== null && isLocal(failure.code) && failure.retryAt !== null && failure.retryAt > now;
      if (held?.unsaved == null && offer?.trouble == null && !waits) continue;
      this.#replace(
        entryOf({
          ...entry,
          held: held && { ...held, unsaved: sooner(held.unsaved) },
          offer: offer && { ...offer, trouble: sooner(offer.trouble) },
          journal: waits ? { ...journal, failure: { ...failure, retryAt: now } } : journal,
        }),
      );
    }
  }

  /** A client waited for it. Says whether that is news. */
  prioritise(id: CertificateId): boolean {
    if (this.agenda.prioritised.has(id) || this.#entries.get(id)?.phase !== 'missing') return false;
    this.agenda.prioritise(id);
    return true;
  }

  /** An issuance begins at `issuer`. */
  noteStart(issuer: string, now: Instant): void {
    this.#issuers = noteStart(this.#issuers, issuer, now);
  }

  #replace(entry: Entry): void {
    const { id } = entry.wanted;
    if (this.#entries.get(id) === entry) return;
    this.#entries.set(id, entry);
    this.agenda.put(entry);
  }

  #inMemory(): Map<string, Known> {
    const memory = new Map<string, Known>();
    if (!this.#keepsKeys) {
      for (const facts of this.#stored.values()) {
        memory.set(facts.fingerprint, { facts, certificate: null, held: null });
      }
    }
    for (const certificate of this.#loaded) {
      memory.set(certificate.facts.fingerprint, { facts: certificate.facts, certificate, held: null });
    }
    for (const [id, certificate] of this.#certificates) {
      const held = this.#entries.get(id)?.held ?? null;
      memory.set(certificate.facts.fingerprint, { facts: certificate.facts, certificate, held });
    }
    return memory;
  }

  #hold(found: Known, wanted: Wanted, now: Instant, certificates: Map<CertificateId, Certificate>): Held {
    if (found.certificate === null) {
      const revokedAt = this.#staples?.revokedAt(found.facts.fingerprint) ?? null;
      return { facts: found.facts, unsaved: null, stapleAt: null, revokedAt };
    }
    const { certificate, unsaved } = adoptable(found.certificate, wanted, now);
    certificates.set(wanted.id, certificate);
    return {
      facts: certificate.facts,
      unsaved: unsaved ?? found.held?.unsaved ?? null,
      stapleAt: found.held?.stapleAt ?? this.#staples?.dueAt(certificate.facts) ?? null,
      revokedAt: this.#staples?.revokedAt(certificate.facts.fingerprint) ?? null,
    };
  }

  #offerable(): Candidates {
    const facts = this.#keepsKeys ? [...this.#stored.values()] : [];
    return new Candidates(facts.filter(({ fingerprint }) => !this.#unusable.has(fingerprint)));
  }

  /** Starts that are not known any more are taken from what they left behind. */
  #issuerStates(issuers: ReadonlyMap<string, Issuer>, now: Instant): Map<string, IssuerState> {
    const accountOf = (name: string): string => issuers.get(name)?.account ?? name;
    return new Map(
      [...issuers].map(([name, issuer]) => {
        const account = accountOf(name);
        const sharing = new Set([...issuers.keys()].filter((each) => accountOf(each) === account));
        const paces = [...sharing].flatMap((each) => issuers.get(each)?.paces ?? []);
        const known = this.#issuers.get(name)?.starts;
        const starts = known ?? (paces.length === 0 ? [] : this.#tracesOf(sharing, now));
        return [name, { advises: issuer.renewalInfo !== undefined, account, paces, starts }];
      }),
    );
  }

  #tracesOf(issuers: ReadonlySet<string>, now: Instant): Instant[] {
    const obtained = [...this.#stored.values()].filter(({ issuer }) => issuers.has(issuer));
    const failed = [...this.#journal.values()].filter(({ failure }) => issuers.has(failure?.issuer ?? ''));
    return [...obtained.map(({ obtainedAt }) => obtainedAt), ...failed.map(({ failure }) => failure?.at ?? 0)]
      .filter((at) => at <= now)
      .sort((left, right) => left - right);
  }
}

/** A certificate that could be served. `certificate` is null where keys are not kept. */
interface Known {
  readonly facts: CertificateFacts;
  readonly certificate: Certificate | null;
  /** How it is held already, or null. */
  readonly held: Held | null;
}

function placeOf({ issuer, id }: CertificateFacts): string {
  return `${issuer}\n${id}`;
}

function withOffer(entry: Entry, candidates: Candidates, now: Instant): Entry {
  const { wanted, held, offer } = entry;
  const best = candidates.bestFor(wanted, now);
  if (best === null || !isBetter(best, held, wanted, now)) {
    return offer === null ? entry : entryOf({ ...entry, offer: null });
  }
  if (offer?.facts.fingerprint === best.fingerprint) return entry;
  return entryOf({ ...entry, offer: { facts: best, trouble: null } });
}

function releasedJournal(journal: JournalEntry, wanted: Wanted, now: Instant): JournalEntry {
  if (journal.failure === null) return journal;
  return { ...journal, failure: released(journal.failure, wanted.issuers, now) };
}
