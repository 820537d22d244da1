import { RigilError } from '../errors.ts';
import type { Clock } from './clock.ts';

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
