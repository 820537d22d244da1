/**
 * What a peer can do at no cost to itself and at some cost to us. Each is harmless now and then, and an attack without end
 * (CVE-2019-9512, -9515, -9518, CVE-2023-44487, CVE-2024-27316).
 *
 * - `reset`: a stream ended by RST_STREAM from the peer, or by one of ours for its fault
 * - `ping`, `settings`: frames that want an answer
 * - `empty`: DATA without a byte that does not end its stream
 * - `continuation`: CONTINUATION frames, beside the bound of each block
 * - `idle`: frames that nobody needs: PRIORITY, PRIORITY_UPDATE, unknown types, WINDOW_UPDATE for closed streams
 */
export type FloodKind = 'reset' | 'ping' | 'settings' | 'empty' | 'continuation' | 'idle';

/** So many at once, and so many a second after that. */
export interface FloodLimit {
  readonly burst: number;
  readonly perSecond: number;
}

export const FLOOD_LIMITS: Readonly<Record<FloodKind, FloodLimit>> = {
  reset: { burst: 500, perSecond: 50 },
  ping: { burst: 50, perSecond: 5 },
  settings: { burst: 20, perSecond: 1 },
  empty: { burst: 100, perSecond: 10 },
  continuation: { burst: 200, perSecond: 20 },
  idle: { burst: 1_000, perSecond: 100 },
};

/** The budgets of one connection. It has no clock: whoever spends says when. */
export class FloodBudget {
  readonly #limits: Readonly<Record<FloodKind, FloodLimit>>;
  /** Of the kinds that came. */
  readonly #spent: Partial<Record<FloodKind, Spent>> = {};

  constructor(limits: Readonly<Record<FloodKind, FloodLimit>> = FLOOD_LIMITS) {
    this.#limits = limits;
  }

  /**
   * One more of a kind at `now`, in milliseconds from wherever. `enhance-your-calm`: the budget is used up; the
   * connection is to be ended with that error code.
   */
  spend(kind: FloodKind, now: number): 'ok' | 'enhance-your-calm' {
    const limit = this.#limits[kind];
    const spent = this.#spent[kind] ?? { amount: 0, at: 0 };
    this.#spent[kind] = spent;
    const recovered = (Math.max(now - spent.at, 0) / 1_000) * limit.perSecond;
    spent.amount = Math.max(spent.amount - recovered, 0) + 1;
    spent.at = now;
    return spent.amount <= limit.burst ? 'ok' : 'enhance-your-calm';
  }
}

interface Spent {
  amount: number;
  at: number;
}
