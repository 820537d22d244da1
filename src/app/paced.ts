import type { Clock } from '../platform/clock.ts';

/**
 * A function that does `work` at once, but not more often than every `intervalMs` milliseconds: calls that come sooner
 * are done together at the end of that time. With less than a millisecond nothing is put off.
 */
export function paced(work: () => void, clock: Clock, intervalMs: () => number): () => void {
  let rests = false;
  let again = false;
  const run = (): void => {
    work();
    const pauseMs = intervalMs();
    if (pauseMs < 1) return;
    rests = true;
    void clock.sleep(pauseMs).then(() => {
      rests = false;
      if (!again) return;
      again = false;
      run();
    });
  };
  return () => {
    if (rests) again = true;
    else run();
  };
}
