import { RigilError } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';

/** A signal that aborts when its parent does or when its time is over. Dispose of it when the work is done. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
  /** Whether the time ran out, rather than the parent aborting. */
  readonly passed: boolean;
}

/** Gives work at most `ms` milliseconds. */
export function deadline(clock: Clock, ms: number, parent: AbortSignal | null): Deadline {
  const over = new AbortController();
  const done = new AbortController();
  void clock.sleep(ms, done.signal).then(() => {
    if (!done.signal.aborted) over.abort(new RigilError('issuance-timed-out', `no end after ${ms / 1000} s`));
  });
  return {
    signal: parent === null ? over.signal : AbortSignal.any([parent, over.signal]),
    get passed() {
      return over.signal.aborted;
    },
    [Symbol.dispose]: () => done.abort(),
  };
}

/** Waits `ms` milliseconds; rejects with the signal's reason as soon as it aborts. */
export async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  await clock.sleep(ms, signal);
  signal.throwIfAborted();
}

/**
 * The result of work that others wait for too: when `signal` aborts, only this wait ends, with the signal's reason.
 */
export async function unlessAborted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
