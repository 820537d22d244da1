import type { Clock } from '../../src/platform/clock.ts';

export interface LeapingClock extends Clock {
  /** What was slept, in milliseconds, in order; without the sleeps that were too long to leap over. */
  readonly leaps: readonly number[];
}

/**
 * A clock that leaps over pauses, and on which long ones (the limits of work) last until they are called off.
 *
 * @param options.upToMs longest sleep that is leapt over. Default 5000
 * @param options.onLeap runs during each leap: what happens in the world meanwhile
 */
export function leapingClock(
  options: { readonly upToMs?: number; readonly onLeap?: (leap: number) => Promise<void> | void } = {},
): LeapingClock {
  const { upToMs = 5000, onLeap } = options;
  const leaps: number[] = [];
  let ahead = 0;
  return {
    leaps,
    now: () => Date.now() + ahead,
    async sleep(ms, signal) {
      if (signal?.aborted === true) return;
      if (ms > upToMs) {
        await new Promise<void>((resolve) =>
          signal?.addEventListener('abort', () => resolve(), { once: true }),
        );
        return;
      }
      ahead += Math.max(ms, 0);
      leaps.push(ms);
      await onLeap?.(leaps.length);
      await new Promise((resolve) => setImmediate(resolve));
    },
    every: () => () => {},
  };
}
