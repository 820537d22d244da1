import { codeOf, messageOf, RigilError } from '../errors.ts';
import { bounded } from '../platform/bounded.ts';
import type { CertificateId } from './certificate.ts';
import { lockKeyOf, type Ports, type StoreLock } from './ports.ts';

/** Longest time for one operation of the store, in milliseconds: a file system that hangs must not hold a flight. */
const STORE_TIMEOUT_MS = 30_000;

type Access = Pick<Ports, 'store' | 'clock'>;

/**
 * One operation of the store within bounds.
 *
 * @throws RigilError that of the operation; `store-unreadable` when it takes too long, `aborted`
 */
export function askStore<T>(
  { clock }: Pick<Ports, 'clock'>,
  signal: AbortSignal,
  work: () => Promise<T>,
  timeoutMs = STORE_TIMEOUT_MS,
): Promise<T> {
  const message = `the store did not answer within ${timeoutMs / 1000} s`;
  const onTimeout = () => new RigilError('store-unreadable', message);
  return bounded({ clock, signal, timeoutMs, onTimeout }, work);
}

/**
 * The lock for all work on one certificate. A lock that comes after its time is given back.
 *
 * @throws RigilError `store-locked` when others have it for so long, `aborted`, or that of the store
 */
export function lockCertificate(
  { store, clock }: Access,
  id: CertificateId,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<StoreLock> {
  const onTimeout = () =>
    new RigilError(
      'store-locked',
      `another process has been working on ${id} for ${Math.round(timeoutMs / 1000)} s`,
    );
  return bounded({ clock, signal, timeoutMs, onTimeout }, async (inner) => {
    const lock = await store.lock(lockKeyOf(id), inner);
    if (!inner.aborted) return lock;
    await lock.release();
    throw new RigilError('aborted', 'the lock came too late');
  });
}

/** Runs `work` under the lock of {@link lockCertificate} and gives the lock back. */
export async function withLock<T>(
  access: Access,
  id: CertificateId,
  timeoutMs: number,
  signal: AbortSignal,
  work: (lock: StoreLock) => Promise<T>,
): Promise<T> {
  const lock = await lockCertificate(access, id, timeoutMs, signal);
  try {
    return await work(lock);
  } finally {
    await lock.release();
  }
}

/** Tells people about trouble with the store that nothing else is said about. */
export function reportProblem({ emit }: Pick<Ports, 'emit'>, about: string, error: unknown): void {
  emit({
    event: 'store.problem',
    code: codeOf(error),
    message: `${about}: ${messageOf(error)}`,
    hint: error instanceof RigilError ? error.hint : null,
  });
}
