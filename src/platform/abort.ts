import { RigilError } from '../errors.ts';
import type { Clock } from './clock.ts';

/** @throws RigilError the signal's reason where that is one, else `aborted` */
export function throwIfAborted(signal: AbortSignal): void {
  if (!signal.aborted) return;
  throw signal.reason instanceof RigilError
    ? signal.reason
    : new RigilError('aborted', 'stopped before it was done');
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
