import type { RigilError } from '../errors.ts';
import { throwIfAborted } from './abort.ts';
import type { Clock } from './clock.ts';

/** How long work may take to end after its signal, before it is left to itself, in milliseconds. */
const GRACE_MS = 5_000;

export interface Bounds {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** What a timeout means. */
  readonly onTimeout: () => RigilError;
}

/**
 * Runs `work` with a signal that aborts on `signal` and on the timeout. Settles soon after either, even when `work`
 * does not: what it brings later is dropped.
 *
 * @throws RigilError that of `onTimeout`; the reason of `signal` where that is one, else `aborted`
 */
export async function bounded<T>(
  { clock, signal, timeoutMs, onTimeout }: Bounds,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  throwIfAborted(signal);
  const inner = new AbortController();
  const timer = new AbortController();
  const ended = new AbortController();
  const onAbort = (): void => {
    inner.abort(signal.reason);
    timer.abort(null);
  };
  signal.addEventListener('abort', onAbort, { once: true });

  const limit = async (): Promise<never> => {
    await clock.sleep(timeoutMs, timer.signal);
    if (ended.signal.aborted) return new Promise(() => {});
    inner.abort(null);
    await clock.sleep(GRACE_MS, ended.signal);
    throw onTimeout();
  };
  try {
    return await Promise.race([work(inner.signal), limit()]);
  } catch (error) {
    throwIfAborted(signal);
    throw inner.signal.aborted ? onTimeout() : error;
  } finally {
    signal.removeEventListener('abort', onAbort);
    ended.abort(null);
    timer.abort(null);
  }
}
