import type { Instant } from '../platform/clock.ts';
import type { Plan } from './action.ts';
import { Agenda } from './agenda.ts';
import type { State } from './state.ts';

/**
 * What is due at `now`, and when to ask again. No clock, no input, no chance: the same state gives the same plan. The
 * daemon keeps the {@link Agenda} that this is read from, so that an outcome costs it what has changed and not a look at
 * every certificate.
 *
 * A flight that ends is a reason to ask again, so what is in flight is left out.
 */
export function plan(state: State, now: Instant): Plan {
  return Agenda.of(state).planAt(now);
}
