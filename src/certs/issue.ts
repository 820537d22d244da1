import { type Code, codeOf, messageOf, Refusal, RigilError } from '../errors.ts';
import { bounded } from '../platform/bounded.ts';
import type { Instant } from '../platform/clock.ts';
import type { IssueAction } from './action.ts';
import { readAdoptable } from './adopt.ts';
import { afterFailure, afterTrouble, isInterruption, isLocal, released } from './backoff.ts';
import { Candidates, isBetter } from './candidates.ts';
import type { Certificate } from './certificate.ts';
import { mustServe, toCertificate } from './facts.ts';
import { fold, type Outcome } from './fold.ts';
import { emptyJournal, type Failure, type JournalEntry } from './journal.ts';
import { orderNoteUnder, readOrderNote } from './order-note.ts';
import type { Issued, Issuer, Ports, StoreLock } from './ports.ts';
import { renewalOf, satisfies, urgentFrom } from './renewal.ts';
import type { Entry, Trouble } from './state.ts';
import { askStore, lockCertificate, reportProblem } from './store-access.ts';

const DEFAULT_TIMEOUT_MS = 600_000;

/** Longest time to put the journal right after an abort, in milliseconds: somebody waits for the end of the program. */
const LAST_WORD_MS = 2_000;

/**
 * Orders a certificate: takes the lock, looks whether it is still needed, notes the attempt, orders, stores, and only
 * then hands the certificate out.
 *
 * The attempt is noted as failed before it begins. So a program that dies in the middle, again and again, still
 * backs off.
 */
export async function issue(
  action: IssueAction,
  entry: Entry,
  ports: Ports,
  signal: AbortSignal,
): Promise<Outcome> {
  const attempt = new Attempt(action, entry, ports, signal);
  try {
    return await attempt.run();
  } finally {
    await attempt.lock?.release();
  }
}

class Attempt {
  lock: StoreLock | null = null;
  readonly #action: IssueAction;
  readonly #entry: Entry;
  readonly #ports: Ports;
  readonly #signal: AbortSignal;
  #started = false;
  /** What was remembered when the attempt began: ours, or what another process noted since. */
  #before: JournalEntry;
  /** Whether the order can be noted for whoever has the lock next. */
  #canNote = true;
  /** Fingerprints of what the store has. */
  #stored: readonly string[] = [];

  constructor(action: IssueAction, entry: Entry, ports: Ports, signal: AbortSignal) {
    this.#action = action;
    this.#entry = entry;
    this.#ports = ports;
    this.#signal = signal;
    this.#before = entry.journal;
  }

  async run(): Promise<Outcome> {
    const meanwhile = await this.#prepare();
    if (meanwhile !== null) return meanwhile;
    const { emit, clock } = this.#ports;
    const { id, issuer, reason, kind } = this.#action;
    const startedAt = clock.now();
    emit({ event: `certificate.${kind}.started`, id, issuer, reason });
    this.#started = true;
    try {
      const certificate = await this.#order();
      const unsaved = await this.#keep(certificate);
      const notAfter = new Date(certificate.facts.notAfter).toISOString();
      const durationMs = clock.now() - startedAt;
      emit({ event: `certificate.${kind}.finished`, id, issuer, notAfter, durationMs });
      const stapleAt = this.#ports.staples?.dueAt(certificate.facts) ?? null;
      return { kind: 'issued', ...this.#parts(), certificate, unsaved, stapleAt };
    } catch (error) {
      return this.#fail(error, startedAt);
    }
  }

  /** Null when an order is to be made, else what makes it needless or impossible. */
  async #prepare(): Promise<Outcome | null> {
    try {
      const { clock } = this.#ports;
      const { id } = this.#action;
      this.lock = await lockCertificate(this.#ports, id, this.#timeoutMs(), this.#signal);
      // It might have been obtained, or have failed, while another process had the lock.
      return (await this.#obtainedMeanwhile()) ?? (await this.#noteAttempt(clock.now()));
    } catch (error) {
      const now = this.#ports.clock.now();
      const { held } = this.#entry;
      const urgent = held !== null && now >= urgentFrom(held.facts);
      // Nothing is ordered that could not be kept, or a crash loop would order for ever. But rather in memory than expired.
      if (!this.#signal.aborted && urgent && isLocal(codeOf(error)) && codeOf(error) !== 'store-locked') {
        this.#canNote = false;
        reportProblem(this.#ports, `${this.#action.id} is renewed without the store`, error);
        return null;
      }
      return this.#fail(error, now);
    }
  }

  async #obtainedMeanwhile(): Promise<Outcome | null> {
    const { store, clock, staples } = this.#ports;
    const { wanted, held } = this.#entry;
    const found = await this.#ask(() => store.find(wanted.id));
    const now = clock.now();
    this.#stored = found.map(({ fingerprint }) => fingerprint);
    const best = new Candidates(found).bestFor(wanted, now);
    if (best === null || !satisfies(best, wanted) || !isBetter(best, held, wanted, now)) return null;
    if (renewalOf(best, wanted, null).at <= now) return null;
    const adoptable = await readAdoptable(best, wanted, this.#ports, this.#signal);
    if (adoptable === null) return null;
    const stapleAt = staples?.dueAt(adoptable.certificate.facts) ?? null;
    return { kind: 'adopted', ...this.#parts(), ...adoptable, stapleAt };
  }

  async #noteAttempt(now: Instant): Promise<Outcome | null> {
    const { store } = this.#ports;
    const { journal, wanted } = this.#entry;
    const noted = (await this.#ask(() => store.readJournalOf(wanted.id))) ?? emptyJournal;
    const failure = noted.failure === null ? null : await this.#afterInterruption(noted.failure, now);
    if (failure !== null && failure.at > (journal.failure?.at ?? Number.NEGATIVE_INFINITY)) {
      this.#before = { ...journal, failure };
      // Its order may be at another issuer than the one that we were about to ask.
      const isElsewhere = isInterruption(failure) && failure.nextIssuer !== this.#action.issuer;
      if (failure.retryAt === null || failure.retryAt > now || isElsewhere) {
        return { kind: 'deferred', ...this.#parts(), journal: this.#before };
      }
    }
    await this.#ask(() => store.writeJournal(wanted.id, this.#interrupted(now)));
    return null;
  }

  /** Who takes over an order that somebody died with goes on at once, as after a start, unless many have died with it. */
  async #afterInterruption(failure: Failure, now: Instant): Promise<Failure> {
    if (!isInterruption(failure)) return failure;
    const { wanted } = this.#entry;
    const note = await readOrderNote(wanted.id, this.#ports, this.#signal);
    return note === null ? failure : released(failure, wanted.issuers, now);
  }

  async #order(): Promise<Certificate> {
    const { clock } = this.#ports;
    const { issuer: name, id } = this.#action;
    const { wanted, held } = this.#entry;
    const issuer = this.#issuer();
    const replaces = held !== null && held.facts.issuer === name ? held.facts : null;
    const signal = this.lock === null ? this.#signal : AbortSignal.any([this.#signal, this.lock.lost]);
    const timeoutMs = this.#timeoutMs();
    const onTimeout = () =>
      new RigilError(
        'issuance-timed-out',
        `${name} did not issue the certificate within ${Math.round(timeoutMs / 1000)} s`,
      );
    const note =
      this.lock === null || !this.#canNote ? null : orderNoteUnder(this.lock, id, this.#ports, signal);
    const certificate = await bounded({ clock, signal, timeoutMs, onTimeout }, async (inner) => {
      const issue = async () =>
        this.#toCertificate(await issuer.issue({ id, names: wanted.names, replaces, note }, inner));
      const issued = await issue();
      if (note === null || !this.#stored.includes(issued.facts.fingerprint)) return issued;
      // The note outlived its order: a crash right after the certificate was stored.
      await note.erase();
      return issue();
    });
    mustServe(certificate, wanted.names, clock.now());
    // Some CAs add names. Those that were not ordered are none that could have changed.
    return { ...certificate, facts: { ...certificate.facts, names: wanted.names } };
  }

  #toCertificate({ chain, key }: Issued): Certificate {
    const { id, issuer } = this.#action;
    return toCertificate(chain, key, { id, issuer, obtainedAt: this.#ports.clock.now(), source: 'rigil' });
  }

  /** Stores the certificate. Null when that is done, else when to try again: it is served in either case. */
  async #keep(certificate: Certificate): Promise<Trouble | null> {
    const { store, clock, random } = this.#ports;
    const { id } = this.#action;
    const lock = this.lock;
    if (lock === null) return afterTrouble(null, clock.now(), random.fraction());
    try {
      await this.#ask(() => store.save(certificate, lock));
    } catch (error) {
      reportProblem(this.#ports, `the new certificate for ${id} is in memory only`, error);
      // The note of an interrupted attempt stays: if the program ends now, the certificate is lost.
      return afterTrouble(null, clock.now(), random.fraction());
    }
    await this.#write({ failure: null, ari: null });
    return null;
  }

  async #fail(error: unknown, startedAt: Instant): Promise<Outcome> {
    if (this.#signal.aborted) {
      if (this.lock !== null) await this.#write(this.#before, new AbortController().signal, LAST_WORD_MS);
      const message = 'it was broken off, since the program ends or nobody wants it any more';
      if (this.#started) this.#tellFailure({ code: 'aborted', message, hint: null }, this.#before, startedAt);
      return { kind: 'dropped', ...this.#parts() };
    }
    const isLost = this.lock?.lost.aborted === true;
    const told = {
      code: isLost ? ('lock-lost' as const) : codeOf(error),
      message: isLost
        ? 'this process was not heard of for too long: another one goes on with the work'
        : messageOf(error),
      hint: error instanceof RigilError ? error.hint : null,
    };
    const outcome: Outcome = {
      kind: 'failed',
      ...this.#parts(),
      ...told,
      issuer: this.#action.issuer,
      retryAt: error instanceof Refusal ? error.retryAt : null,
      before: this.#before,
    };
    const after = fold(this.#entry, outcome).journal;
    if (this.lock !== null && told.code !== 'lock-lost')
      await this.#write({ ...this.#before, failure: after.failure });
    this.#tellFailure(told, after, startedAt);
    return outcome;
  }

  #tellFailure(
    told: { readonly code: Code; readonly message: string; readonly hint: string | null },
    { failure }: JournalEntry,
    startedAt: Instant,
  ): void {
    const { emit, clock } = this.#ports;
    const { id, issuer, kind } = this.#action;
    const retryAt = failure?.retryAt ?? null;
    emit({
      event: `certificate.${kind}.failed`,
      id,
      issuer,
      ...told,
      attempts: failure?.attempts ?? 0,
      retryAt: retryAt === null ? null : new Date(retryAt).toISOString(),
      durationMs: clock.now() - startedAt,
    });
  }

  async #write(journal: JournalEntry, signal = this.#signal, timeoutMs?: number): Promise<void> {
    const { store } = this.#ports;
    const { id } = this.#action;
    try {
      await askStore(this.#ports, signal, () => store.writeJournal(id, journal), timeoutMs);
    } catch (error) {
      reportProblem(this.#ports, `the journal of ${id} could not be written`, error);
    }
  }

  #interrupted(at: Instant): JournalEntry {
    const { issuer } = this.#action;
    const { wanted, held } = this.#entry;
    const attempt = {
      issuer,
      code: 'issuance-interrupted',
      message: 'the program ended during the attempt',
      hint: null,
      at,
      retryAt: null,
      chance: 0.5,
    } as const;
    const expiresAt = held?.facts.notAfter ?? null;
    return {
      ...this.#before,
      failure: afterFailure(this.#before.failure, attempt, wanted.issuers, expiresAt),
    };
  }

  #issuer(): Issuer {
    const { issuer } = this.#action;
    const found = this.#ports.issuers.get(issuer);
    if (found === undefined) throw new RigilError('issuer-unknown', `there is no issuer ${issuer}`);
    return found;
  }

  #timeoutMs(): number {
    return this.#ports.issuers.get(this.#action.issuer)?.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  }

  #ask<T>(work: () => Promise<T>): Promise<T> {
    return askStore(this.#ports, this.#signal, work);
  }

  #parts(): { id: string; at: Instant; chance: number } {
    const { clock, random } = this.#ports;
    return { id: this.#action.id, at: clock.now(), chance: random.fraction() };
  }
}
