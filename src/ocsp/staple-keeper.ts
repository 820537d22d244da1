import type { Certificate, CertificateFacts } from '../certs/certificate.ts';
import type { DocumentStore, StapleSource } from '../certs/ports.ts';
import { codeOf, messageOf, Refusal, RigilError } from '../errors.ts';
import type { Emit } from '../events/bus.ts';
import type { Instant } from '../platform/clock.ts';
import type { Random } from '../platform/random.ts';
import type { HttpPorts } from './fetch.ts';
import { mayStaple, refreshAt, retryAt } from './freshness.ts';
import { decodeStaple, encodeStaple, type KeptStaple, stapleDocument } from './kept-staple.ts';
import { fetchStaple, type Staple } from './staple.ts';

export interface KeeperOptions extends HttpPorts {
  readonly documents: DocumentStore;
  readonly random: Random;
  readonly emit: Emit;
  /** Called after `stapleOf(fingerprint)` has changed. */
  readonly onChange: (fingerprint: string) => void;
}

/** What is known of one certificate's staple. */
interface Known {
  /** The last answer that was verified, whatever it says; null before the first. */
  readonly kept: KeptStaple | null;
  /** Attempts that failed since. */
  readonly failures: number;
  readonly dueAt: Instant;
  /** Why the last attempt gave nothing that could be stapled; null after a success. */
  readonly trouble: StapleTrouble | null;
}

/** An attempt at a staple that failed. */
export interface StapleTrouble {
  readonly code: string;
  readonly message: string;
  readonly at: Instant;
  /** Attempts that failed in a row, with this one. */
  readonly attempts: number;
  readonly retryAt: Instant;
}

/** How often the end of staples is looked at, in milliseconds. They are taken back as long before it. */
const SWEEP_MS = 60_000;

/**
 * Keeps a staple for every certificate that names a responder, by the fingerprint of the leaf.
 *
 * A good answer is kept in the store, so that a restart needs no responder, and is used until its end however often
 * asking for the next one fails. Failures are looked after here: `refresh` always says when the next attempt is due.
 */
export class StapleKeeper implements StapleSource {
  readonly #options: KeeperOptions;
  readonly #known = new Map<string, Known>();

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** DER of what may be stapled now, or null. */
  stapleOf(fingerprint: string): Uint8Array | null {
    const kept = this.#known.get(fingerprint)?.kept ?? null;
    return kept !== null && mayStaple(kept, this.#options.clock.now() + SWEEP_MS) ? kept.der : null;
  }

  /** The last verified answer, good or not, or null. */
  answerOf(fingerprint: string): Staple | null {
    return this.#known.get(fingerprint)?.kept ?? null;
  }

  /** Why there is no new answer; null = the last attempt succeeded, or there was none. */
  troubleOf(fingerprint: string): StapleTrouble | null {
    return this.#known.get(fingerprint)?.trouble ?? null;
  }

  revokedAt(fingerprint: string): Instant | null {
    const answer = this.answerOf(fingerprint);
    return answer?.status === 'revoked' ? answer.thisUpdate : null;
  }

  dueAt({ fingerprint, responderUrl, obtainedAt }: CertificateFacts): Instant | null {
    return responderUrl === null ? null : (this.#known.get(fingerprint)?.dueAt ?? obtainedAt);
  }

  async refresh({ facts, chain }: Certificate, signal: AbortSignal): Promise<Instant> {
    const { clock, emit } = this.#options;
    const { id, fingerprint } = facts;
    await this.recall(fingerprint);
    const known = this.#known.get(fingerprint) ?? NOTHING;
    const startedAt = clock.now();
    if (known.dueAt > startedAt) return known.dueAt;
    try {
      const staple = await fetchStaple(chain, this.#options, signal);
      const dueAt = await this.#keep(fingerprint, staple, known);
      const durationMs = clock.now() - startedAt;
      if (staple.status === 'good')
        emit({ event: 'staple.refreshed', id, nextUpdate: endOf(staple), durationMs });
      else emit({ event: 'staple.failed', id, ...STATUS_FAILURES[staple.status], durationMs });
      return dueAt;
    } catch (error) {
      signal.throwIfAborted();
      const asked = error instanceof Refusal ? error.retryAt : null;
      const failure = { code: codeOf(error), message: messageOf(error) };
      const dueAt = this.#failed(fingerprint, known, failure, asked);
      emit({ event: 'staple.failed', id, ...failure, durationMs: clock.now() - startedAt });
      return dueAt;
    }
  }

  /** Takes what another process or an earlier run has kept, if it is newer than what is known. Never rejects. */
  async recall(fingerprint: string): Promise<void> {
    this.#learn(fingerprint, await this.#read(fingerprint));
  }

  /** Takes everything that is kept, so that a restart staples from its first handshake and asks nobody. Never rejects. */
  async recallAll(): Promise<void> {
    await this.#storing(() =>
      this.#options.documents.readDocuments(['ocsp'], (name, document) =>
        this.#learn(name.replace(/\.json$/, ''), decodeStaple(document)),
      ),
    );
  }

  /** Forgets all certificates but these, also in the store. Never rejects. */
  async retain(fingerprints: ReadonlySet<string>): Promise<void> {
    const { documents } = this.#options;
    for (const fingerprint of this.#known.keys()) {
      if (!fingerprints.has(fingerprint)) this.#known.delete(fingerprint);
    }
    const wanted = new Set([...fingerprints].map((fingerprint) => stapleDocument(fingerprint)[1]));
    await this.#storing(async () => {
      for (const name of await documents.listDocuments(['ocsp'])) {
        if (!wanted.has(name)) await documents.removeDocument(['ocsp', name]);
      }
    });
  }

  /** Takes staples back before they end, from now on. Returns a function that stops it. */
  start(): () => void {
    const { clock, onChange } = this.#options;
    const given = new Set<string>();
    return clock.every(SWEEP_MS, () => {
      for (const fingerprint of this.#known.keys()) {
        if (this.stapleOf(fingerprint) !== null) given.add(fingerprint);
        else if (given.delete(fingerprint)) onChange(fingerprint);
      }
    });
  }

  /**
   * An answer that says "unknown" does not take away a good one: responders lag behind new certificates. "Revoked"
   * does, since it is later news from the same authority.
   */
  async #keep(fingerprint: string, staple: Staple, { kept: old, failures }: Known): Promise<Instant> {
    const { clock, random, documents } = this.#options;
    const { usableUntil, status } = staple;
    const now = clock.now();
    const chance = random.fraction();
    const failed = usableUntil === null ? failures + 1 : 0;
    const dueAt =
      usableUntil === null
        ? retryAt(failed, now, chance, null)
        : refreshAt({ ...staple, usableUntil }, now, chance);
    const keepsOld = status === 'unknown' && old !== null && mayStaple(old, now);
    const kept = keepsOld ? old : { ...staple, refreshAt: dueAt };
    const failure = status === 'good' ? null : STATUS_FAILURES[status];
    const trouble = failure && { ...failure, at: now, attempts: failed, retryAt: dueAt };
    this.#set(fingerprint, { kept, failures: failed, dueAt, trouble });
    if (kept !== old) {
      await this.#storing(() => documents.writeDocument(stapleDocument(fingerprint), encodeStaple(kept)));
    }
    return dueAt;
  }

  #learn(fingerprint: string, stored: KeptStaple | null): void {
    const known = this.#known.get(fingerprint);
    if (stored === null || stored.producedAt <= (known?.kept?.producedAt ?? 0)) return;
    this.#set(fingerprint, { ...NOTHING, kept: stored, dueAt: stored.refreshAt });
  }

  #failed(
    fingerprint: string,
    { kept, failures }: Known,
    failure: Pick<StapleTrouble, 'code' | 'message'>,
    asked: Instant | null,
  ): Instant {
    const { clock, random } = this.#options;
    const at = clock.now();
    const attempts = failures + 1;
    const dueAt = retryAt(attempts, at, random.fraction(), asked);
    const trouble = { ...failure, at, attempts, retryAt: dueAt };
    this.#known.set(fingerprint, { kept, failures: attempts, dueAt, trouble });
    return dueAt;
  }

  #set(fingerprint: string, known: Known): void {
    const before = this.stapleOf(fingerprint);
    this.#known.set(fingerprint, known);
    if (this.stapleOf(fingerprint) !== before) this.#options.onChange(fingerprint);
  }

  async #read(fingerprint: string): Promise<KeptStaple | null> {
    const document = await this.#storing(() =>
      this.#options.documents.readDocument(stapleDocument(fingerprint)),
    );
    return document == null ? null : decodeStaple(document);
  }

  /** A store that fails costs a question to the responder, nothing else. */
  async #storing<Value>(work: () => Promise<Value>): Promise<Value | null> {
    try {
      return await work();
    } catch (error) {
      const hint = error instanceof RigilError ? error.hint : null;
      this.#options.emit({ event: 'store.problem', code: codeOf(error), message: messageOf(error), hint });
      return null;
    }
  }
}

const NOTHING: Known = { kept: null, failures: 0, dueAt: 0, trouble: null };

const STATUS_FAILURES = {
  revoked: { code: 'certificate-revoked', message: 'the CA says that the certificate is revoked' },
  unknown: { code: 'certificate-unknown', message: 'the CA does not know the certificate (yet)' },
} as const;

function endOf({ nextUpdate, usableUntil, thisUpdate }: Staple): string {
  return new Date(nextUpdate ?? usableUntil ?? thisUpdate).toISOString();
}
