import { RigilError } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';

/**
 * Runs `work` with a signal that aborts when `signal` does or after `limitMs`.
 *
 * @throws RigilError as {@link throwIfAborted} when `signal` aborted, what `late` makes when the time was up, else what `work` throws
 */
export async function within<T>(
  limits: { readonly clock: Clock; readonly limitMs: number; readonly signal: AbortSignal },
  late: () => RigilError,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { clock, limitMs, signal } = limits;
  throwIfAborted(signal);
  const timeUp = new AbortController();
  const finished = new AbortController();
  clock.sleep(limitMs, AbortSignal.any([signal, finished.signal])).then(
    () => {
      if (!finished.signal.aborted && !signal.aborted) timeUp.abort();
    },
    () => {},
  );
  try {
    return await work(AbortSignal.any([signal, timeUp.signal]));
  } catch (error) {
    throwIfAborted(signal);
    if (timeUp.signal.aborted) throw late();
    throw error;
  } finally {
    finished.abort();
  }
}

/** @throws RigilError the signal's reason where that is one, else `aborted` */
export function throwIfAborted(signal: AbortSignal): void {
  if (!signal.aborted) return;
  throw signal.reason instanceof RigilError
    ? signal.reason
    : new RigilError('aborted', 'stopped before it was done');
}
