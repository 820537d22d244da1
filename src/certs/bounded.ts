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
  const late = new RigilError(onTimeout.code, onTimeout.message);
  const ended = new AbortController();
  const overtime = new AbortController();
  const limit = async (): Promise<never> => {
    await clock.sleep(timeoutMs, AbortSignal.any([signal, ended.signal]));
    if (!ended.signal.aborted && !signal.aborted) overtime.abort(late);
    await clock.sleep(GRACE_MS, ended.signal);
    throw late;
  };
  try {
    return await Promise.race([work(AbortSignal.any([signal, overtime.signal])), limit()]);
  } catch (error) {
    if (signal.aborted) throw aborted(error);
    throw overtime.signal.aborted ? late : error;
  } finally {
    ended.abort();
  }
}

function aborted(cause?: unknown): RigilError {
  return new RigilError('aborted', 'the work was broken off', { cause });
}
