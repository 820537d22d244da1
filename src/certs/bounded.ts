import { type Code, RigilError } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';

/** How long work may take to end after its signal, before it is left to itself, in milliseconds. */
const GRACE_MS = 5_000;

export interface Bounds {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** What a timeout means, as an error. */
  readonly onTimeout: { readonly code: Code; readonly message: string };
}

/**
 * Runs `work` with a signal that aborts on `signal` and on the timeout. Settles soon after either, even when `work`
 * does not: what it brings later is dropped.
 *
 * @throws RigilError the code of `onTimeout`, or `aborted`
 */
export async function bounded<T>(
  { clock, signal, timeoutMs, onTimeout }: Bounds,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (signal.aborted) throw aborted();
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
    throw new RigilError(onTimeout.code, onTimeout.message);
  };
  try {
    return await Promise.race([work(inner.signal), limit()]);
  } catch (error) {
    if (signal.aborted) throw aborted(error);
    throw inner.signal.aborted ? new RigilError(onTimeout.code, onTimeout.message, { cause: error }) : error;
  } finally {
    signal.removeEventListener('abort', onAbort);
    ended.abort(null);
    timer.abort(null);
  }
}

function aborted(cause?: unknown): RigilError {
  return new RigilError('aborted', 'the work was broken off', { cause });
}
