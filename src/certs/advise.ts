import { codeOf, messageOf, RigilError } from '../errors.ts';
import { bounded } from '../platform/bounded.ts';
import type { CertificateFacts } from './certificate.ts';
import type { Outcome } from './fold.ts';
import type { KnownRenewalInfo, RenewalWindow } from './journal.ts';
import type { Ports } from './ports.ts';
import { afterAnswer, afterNoAnswer } from './renewal-info.ts';
import type { Entry } from './state.ts';
import { askStore, withLock } from './store-access.ts';

const TIMEOUT_MS = 60_000;

/** Longest time to wait for the lock, in milliseconds. Who has it is probably renewing. */
const LOCK_TIMEOUT_MS = 10_000;

/**
 * Asks the CA when to renew. What is drawn is shared through the journal, so that several machines agree; when the
 * store does not answer, the advice counts in this process alone.
 */
export async function advise(
  facts: CertificateFacts,
  entry: Entry,
  ports: Ports,
  signal: AbortSignal,
): Promise<Outcome> {
  const { store, clock, random } = ports;
  const { id } = entry.wanted;
  const parts = () => ({ id, at: clock.now(), chance: random.fraction() });
  let asked: KnownRenewalInfo | null = null;

  const shared = async (): Promise<KnownRenewalInfo> => {
    const stored = await askStore(ports, signal, () => store.readJournalOf(id));
    const theirs = stored?.ari ?? null;
    if (theirs?.ariId === facts.ariId && theirs !== null && theirs.nextFetchAt > clock.now()) return theirs;
    asked = await ask(facts, theirs ?? entry.journal.ari, ports, signal);
    const journal = { failure: stored?.failure ?? null, ari: asked };
    await askStore(ports, signal, () => store.writeJournal(id, journal));
    return asked;
  };
  try {
    const ari = await withLock(ports, id, LOCK_TIMEOUT_MS, signal, shared);
    return { kind: 'advised', ...parts(), ari };
  } catch {
    if (signal.aborted) return { kind: 'dropped', ...parts() };
    const ari = asked ?? (await ask(facts, entry.journal.ari, ports, signal));
    return signal.aborted ? { kind: 'dropped', ...parts() } : { kind: 'advised', ...parts(), ari };
  }
}

/** Never throws: an answer that does not come is knowledge too. */
async function ask(
  facts: CertificateFacts,
  previous: KnownRenewalInfo | null,
  { issuers, clock, random, emit }: Ports,
  signal: AbortSignal,
): Promise<KnownRenewalInfo> {
  const { id, ariId } = facts;
  const onTimeout = () => new RigilError('issuer-unavailable', 'the CA did not answer');
  try {
    const info = await bounded({ clock, signal, timeoutMs: TIMEOUT_MS, onTimeout }, async (inner) =>
      issuers.get(facts.issuer)?.renewalInfo?.(facts, inner),
    );
    const known = afterAnswer(ariId ?? '', info ?? null, previous, clock.now(), random.fraction());
    if (known.window !== null && known.window.selected !== previous?.window?.selected) {
      emit({ event: 'ari.updated', id, ...printed(known.window) });
    }
    return known;
  } catch (error) {
    const known = afterNoAnswer(ariId ?? '', previous, clock.now());
    if (!signal.aborted) {
      const retryAt = new Date(known.nextFetchAt).toISOString();
      emit({ event: 'ari.failed', id, code: codeOf(error), message: messageOf(error), retryAt });
    }
    return known;
  }
}

function printed({ start, end, selected, explanationUrl }: RenewalWindow): {
  start: string;
  end: string;
  selected: string;
  explanationUrl: string | null;
} {
  const iso = (instant: number): string => new Date(instant).toISOString();
  return { start: iso(start), end: iso(end), selected: iso(selected), explanationUrl };
}
