import { readAdoptable } from './adopt.ts';
import { Candidates, isBetter } from './candidates.ts';
import type { Certificate } from './certificate.ts';
import type { Outcome } from './fold.ts';
import type { Ports, StoreLock } from './ports.ts';
import { satisfies } from './renewal.ts';
import type { Entry } from './state.ts';
import { askStore, reportProblem, withLock } from './store-access.ts';

/** Longest time to wait for the lock, in milliseconds. Who has it may be replacing the very certificate. */
const LOCK_TIMEOUT_MS = 60_000;

const REPORTED_ATTEMPTS = 4;

/** Stores a certificate that lives in memory only, unless another process has stored a better one. */
export async function save(
  entry: Entry,
  certificate: Certificate | null,
  ports: Ports,
  signal: AbortSignal,
): Promise<Outcome> {
  const { store, clock, random, staples } = ports;
  const { wanted, held, journal } = entry;
  const parts = () => ({ id: wanted.id, at: clock.now(), chance: random.fraction() });
  if (held === null || certificate === null) return { kind: 'dropped', ...parts() };
  const { fingerprint } = held.facts;

  const underLock = async (lock: StoreLock): Promise<Outcome> => {
    const found = await askStore(ports, signal, () => store.find(wanted.id));
    const best = new Candidates(found).bestFor(wanted, clock.now());
    if (best !== null && satisfies(best, wanted) && isBetter(best, held, wanted, clock.now())) {
      const adopted = await readAdoptable(best, wanted, ports, signal);
      const stapleAt = staples?.dueAt(best) ?? null;
      if (adopted !== null) return { kind: 'adopted', ...parts(), ...adopted, stapleAt };
    }
    await askStore(ports, signal, () => store.save(certificate, lock));
    await askStore(ports, signal, () => store.writeJournal(wanted.id, journal));
    return { kind: 'saved', ...parts(), fingerprint };
  };
  try {
    return await withLock(ports, wanted.id, LOCK_TIMEOUT_MS, signal, underLock);
  } catch (error) {
    if (signal.aborted) return { kind: 'dropped', ...parts() };
    // Said often enough after a few attempts: a store that is away for days would fill the log.
    if ((held.unsaved?.attempts ?? 0) < REPORTED_ATTEMPTS) {
      reportProblem(ports, `the certificate for ${wanted.id} is in memory only`, error);
    }
    return { kind: 'not-saved', ...parts(), fingerprint };
  }
}
