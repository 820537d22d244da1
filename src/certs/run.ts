import { RigilError } from '../errors.ts';
import type { Clock, Instant } from '../platform/clock.ts';
import { covers } from '../x509/names.ts';
import type { Action, IssueAction } from './action.ts';
import type { CertificateId } from './certificate.ts';
import type { Flight, Flights, Landing } from './flights.ts';
import type { Outcome } from './fold.ts';
import type { Inventory } from './inventory.ts';
import { emptyJournal } from './journal.ts';
import { issuance } from './next-action.ts';
import { replacementOf } from './renewal.ts';
import type { Entry } from './state.ts';

export interface RunOptions {
  /** Ids or names; our own pauses after failures do not count for them. Default: all, with their pauses. */
  readonly ids?: readonly string[];
  /** Orders for all of them, due or not, whatever happened before. */
  readonly force?: boolean;
  /** Only what is missing is ordered, nothing is renewed. */
  readonly missingOnly?: boolean;
  readonly signal?: AbortSignal;
}

/** What `certs obtain|renew --json` prints. */
export interface RunResult {
  readonly renewed: readonly {
    readonly id: CertificateId;
    readonly notAfter: string;
    readonly durationMs: number;
  }[];
  /** Also what is due and waits for the end of a pause. */
  readonly failed: readonly {
    readonly id: CertificateId;
    readonly code: string;
    readonly message: string;
    readonly hint: string | null;
    readonly retryAt: string | null;
  }[];
  readonly skipped: readonly { readonly id: CertificateId; readonly reason: string }[];
}

/** A flight that has ended. */
export interface Landed {
  readonly action: Action;
  readonly landing: Landing<Outcome>;
  readonly durationMs: number;
}

/** What a run needs of the manager. */
export interface RunHost {
  /** Aborts when the manager stops. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly inventory: Inventory;
  readonly flights: Flights;
  launch(action: Action): boolean;
  onLanding(listener: (landed: Landed) => void): () => void;
}

/** Starts the same flights as the daemon, and waits for them: that is the whole difference. */
export async function run(options: RunOptions, host: RunHost): Promise<RunResult> {
  const { clock, inventory, flights } = host;
  const { ids, force = false, missingOnly = false } = options;
  const signal = options.signal === undefined ? host.signal : AbortSignal.any([host.signal, options.signal]);
  const targets = new Set(
    ids === undefined ? inventory.entries.keys() : ids.map((name) => idFor(name, inventory.entries)),
  );
  if (ids !== undefined) for (const id of targets) inventory.release(id, clock.now());
  const forced = new Set(force ? targets : []);
  const orders = new Map<CertificateId, Landed>();
  const isOurs = ({ action }: Flight): boolean => targets.has(action.id);
  const isWanted = ({ id, kind }: Action): boolean =>
    targets.has(id) && !forced.has(id) && !(missingOnly && kind === 'renew');

  let landing = Promise.withResolvers<void>();
  const stopListening = host.onLanding((landed) => {
    const { kind, id } = landed.action;
    if (targets.has(id) && (kind === 'obtain' || kind === 'renew')) {
      orders.set(id, landed);
      // What was asked for is asked of the next issuer too, when it is its turn at once.
      const { failure } = inventory.entries.get(id)?.journal ?? emptyJournal;
      if (force && failure?.retryAt != null && failure.retryAt <= clock.now()) forced.add(id);
    }
    landing.resolve();
  });
  const abort = (): void => landing.resolve();
  signal.addEventListener('abort', abort);
  try {
    for (;;) {
      landing = Promise.withResolvers();
      if (signal.aborted) {
        const flying = flights.all.filter(isOurs);
        for (const flight of flying) flight.abort();
        await Promise.all(flying.map(({ landed }) => landed));
        throw new RigilError('aborted', 'the run was broken off');
      }
      const now = clock.now();
      for (const id of forced) {
        const isWantedYet = inventory.entries.has(id);
        if (!isWantedYet || host.launch(demanded(id, inventory, now))) forced.delete(id);
      }
      const { waits, paced, wakeAt } = inventory.agenda.start(now, host.launch, isWanted);

      if (waits || forced.size > 0 || flights.all.some(isOurs)) await landing.promise;
      else if (paced) await clock.sleep(wakeAt - now, signal);
      else break;
    }
  } finally {
    stopListening();
    signal.removeEventListener('abort', abort);
  }
  const verdicts = [...targets].map((id) =>
    verdictOf(id, inventory.entries.get(id), orders.get(id), missingOnly, clock.now()),
  );
  return {
    renewed: verdicts.flatMap((verdict) => (verdict.list === 'renewed' ? [verdict.item] : [])),
    failed: verdicts.flatMap((verdict) => (verdict.list === 'failed' ? [verdict.item] : [])),
    skipped: verdicts.flatMap((verdict) => (verdict.list === 'skipped' ? [verdict.item] : [])),
  };
}

/**
 * The id of a wanted certificate for its id or for a name in it.
 *
 * @throws RigilError `name-unknown`
 */
export function idFor(name: string, entries: ReadonlyMap<CertificateId, Entry>): CertificateId {
  const wanted = name.toLowerCase();
  if (entries.has(wanted)) return wanted;
  for (const [id, entry] of entries) if (covers(entry.wanted.names, wanted)) return id;
  throw new RigilError('name-unknown', `no route wants a certificate for ${name}`, {
    hint: '`rigil certs list` shows those that are wanted',
  });
}

function demanded(id: CertificateId, { entries }: Inventory, now: Instant): IssueAction {
  const entry = entries.get(id);
  const next = entry === undefined ? null : issuance(entry, now);
  const kind = entry?.held == null ? 'obtain' : 'renew';
  const issuer = next?.issuer ?? entry?.wanted.issuers[0] ?? '';
  return { kind, id, issuer, dueAt: now, reason: 'it was asked for' };
}

type Verdict =
  | { readonly list: 'renewed'; readonly item: RunResult['renewed'][number] }
  | { readonly list: 'failed'; readonly item: RunResult['failed'][number] }
  | { readonly list: 'skipped'; readonly item: RunResult['skipped'][number] };

function verdictOf(
  id: CertificateId,
  entry: Entry | undefined,
  order: Landed | undefined,
  missingOnly: boolean,
  now: Instant,
): Verdict {
  const skipped = (reason: string): Verdict => ({ list: 'skipped', item: { id, reason } });
  if (entry === undefined) return skipped('it is not wanted any more');
  const { held, offer, journal } = entry;
  const outcome = order?.landing.kind === 'done' ? order.landing.result : null;
  if (outcome?.kind === 'issued' && held?.unsaved == null) {
    const notAfter = iso(outcome.certificate.facts.notAfter);
    return { list: 'renewed', item: { id, notAfter, durationMs: order?.durationMs ?? 0 } };
  }
  const failed = (code: string, message: string, hint: string | null, retryAt: Instant | null): Verdict => ({
    list: 'failed',
    item: { id, code, message, hint, retryAt: retryAt === null ? null : iso(retryAt) },
  });
  if (held !== null && held.unsaved !== null) {
    const hint = 'make the store writable, then run the command again';
    return failed('store-unwritable', 'the store did not take the certificate', hint, held.unsaved.retryAt);
  }
  const renewal = held === null ? null : replacementOf(held, entry.wanted, journal.ari);
  const needed = renewal === null || (!missingOnly && renewal.at <= now);
  const { failure } = journal;
  if (failure !== null && (needed || order !== undefined)) {
    return failed(failure.code, failure.message, failure.hint, failure.retryAt);
  }
  if (held === null) {
    const retryAt = offer?.trouble?.retryAt ?? null;
    return failed('store-unreadable', 'the store has a certificate that cannot be read now', null, retryAt);
  }
  if (outcome?.kind === 'adopted') return skipped('another process has just obtained it');
  return skipped(
    renewal === null || missingOnly
      ? `there is one until ${iso(held.facts.notAfter)}`
      : `it is not due before ${iso(renewal.at)}: ${renewal.reason}`,
  );
}

function iso(instant: Instant): string {
  return new Date(instant).toISOString();
}
