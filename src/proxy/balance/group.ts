import type { Random } from '../../platform/random.ts';
import type { Balance, Upstream } from '../../routing/route.ts';
import type { Server } from './server.ts';

/** One of several upstreams of a route. */
export class Candidate {
  readonly upstream: Upstream;
  readonly server: Server;
  readonly weight: number;
  /** A health check has found it down. */
  down = false;
  /** Of the smooth round: how much it is due. */
  due = 0;

  constructor(upstream: Upstream, server: Server, weight: number) {
    this.upstream = upstream;
    this.server = server;
    this.weight = weight;
  }

  isAway(nowMs: number): boolean {
    return this.down || this.server.isAway(nowMs);
  }
}

/** The upstreams of a route that has several, and the choice among them. Choosing allocates nothing. */
export class Group {
  readonly candidates: readonly Candidate[];
  readonly balance: Balance;
  /** What of the snapshot its candidates know. */
  heeded: ReadonlySet<string> | null = null;
  readonly #random: Random;

  constructor(candidates: readonly Candidate[], balance: Balance, random: Random) {
    this.candidates = candidates;
    this.balance = balance;
    this.#random = random;
  }

  /**
   * Who gets the next request: never one that is away while another is there. When all are, the one that failed longest
   * ago, health checks last. Null when all have been tried.
   *
   * @param tried those that this request has been to
   * @param preferred whom a client is to stay with
   */
  choose(nowMs: number, tried: readonly Candidate[], preferred: Candidate | null): Candidate | null {
    if (preferred !== null && isUsable(preferred, nowMs, tried)) return preferred;
    let total = 0;
    for (const candidate of this.candidates) if (isUsable(candidate, nowMs, tried)) total += candidate.weight;
    if (total === 0) return this.#longestFailed(tried);
    switch (this.balance.policy) {
      case 'random':
      case 'sticky':
        return this.#any(total, nowMs, tried);
      case 'round-robin':
        return this.#next(total, nowMs, tried);
      case 'least-connections':
        return this.#idlest(nowMs, tried);
      default:
        return this.balance.policy satisfies never;
    }
  }

  #longestFailed(tried: readonly Candidate[]): Candidate | null {
    let found: Candidate | null = null;
    for (const candidate of this.candidates) {
      if (!tried.includes(candidate) && (found === null || isBetter(candidate, found))) found = candidate;
    }
    return found;
  }

  #any(total: number, nowMs: number, tried: readonly Candidate[]): Candidate | null {
    let left = Math.floor(this.#random.fraction() * total);
    for (const candidate of this.candidates) {
      if (!isUsable(candidate, nowMs, tried)) continue;
      left -= candidate.weight;
      if (left < 0) return candidate;
    }
    return null;
  }

  /** Smooth weighted round robin: 5, 1, 1 is a a b a c a a and not a a a a a b c. */
  #next(total: number, nowMs: number, tried: readonly Candidate[]): Candidate | null {
    let found: Candidate | null = null;
    for (const candidate of this.candidates) {
      if (!isUsable(candidate, nowMs, tried)) continue;
      candidate.due += candidate.weight;
      if (found === null || candidate.due > found.due) found = candidate;
    }
    if (found !== null) found.due -= total;
    return found;
  }

  /** Of several that have equally little to do any one, or the first would have all of a quiet time. */
  #idlest(nowMs: number, tried: readonly Candidate[]): Candidate | null {
    let least = Number.POSITIVE_INFINITY;
    let ties = 0;
    for (const candidate of this.candidates) {
      if (!isUsable(candidate, nowMs, tried)) continue;
      const load = loadOf(candidate);
      if (load < least) ties = 0;
      if (load <= least) ties += 1;
      least = Math.min(least, load);
    }
    let left = ties > 1 ? Math.floor(this.#random.fraction() * ties) : 0;
    for (const candidate of this.candidates) {
      if (!isUsable(candidate, nowMs, tried) || loadOf(candidate) > least) continue;
      if (left === 0) return candidate;
      left -= 1;
    }
    return null;
  }
}

function isUsable(candidate: Candidate, nowMs: number, tried: readonly Candidate[]): boolean {
  return !candidate.isAway(nowMs) && !tried.includes(candidate);
}

/** What it would have to do with one more request, for its weight. */
function loadOf({ server, weight }: Candidate): number {
  return (server.underWay + 1) / weight;
}

function isBetter(one: Candidate, other: Candidate): boolean {
  if (one.down !== other.down) return other.down;
  return one.server.failedAtMs < other.server.failedAtMs;
}
