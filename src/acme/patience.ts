import { Refusal, RigilError } from '../errors.ts';
import { pause } from '../platform/abort.ts';
import type { Clock } from '../platform/clock.ts';
import type { Random } from '../platform/random.ts';

const TRIES = 3;
/** A CA that asks for a longer pause is left to the scheduler, which writes down when to come back. */
const LONGEST_PAUSE_MS = 10_000;

export interface Patience {
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
}

/**
 * Does what may safely be done twice (a read) up to three times, with pauses of 0.5 to 5 s or what the CA asks for.
 */
export async function retryRead<Value>(patience: Patience, attempt: () => Promise<Value>): Promise<Value> {
  return retry(patience, attempt, (error, tries) => {
    if (error instanceof Refusal && error.retryAt !== null) return error.retryAt - patience.clock.now();
    return error.code === 'issuer-unavailable'
      ? Math.min(5_000, 500 * 3 ** (tries - 1) * (1 + patience.random.fraction()))
      : null;
  });
}

/**
 * Does what must not be done twice (an order, a finalization). Only a clear refusal with a short time to come back is
 * tried again: after silence nobody knows whether the CA did it.
 */
export async function retryRefused<Value>(patience: Patience, attempt: () => Promise<Value>): Promise<Value> {
  return retry(patience, attempt, (error) =>
    error instanceof Refusal && error.retryAt !== null ? error.retryAt - patience.clock.now() : null,
  );
}

/** Errors that were answered with all the tries there are: what works inside other work is not done three times three times. */
const exhausted = new WeakSet<object>();

async function retry<Value>(
  { clock, signal }: Patience,
  attempt: () => Promise<Value>,
  pauseAfter: (error: RigilError, tries: number) => number | null,
): Promise<Value> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof RigilError) || signal.aborted || exhausted.has(error)) throw error;
      const wait = tries < TRIES ? pauseAfter(error, tries) : null;
      if (wait === null || wait > LONGEST_PAUSE_MS) {
        if (tries === TRIES) exhausted.add(error);
        throw error;
      }
      await pause(clock, Math.max(wait, 0), signal);
    }
  }
}
