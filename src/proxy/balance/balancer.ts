import type { Random } from '../../platform/random.ts';
import type { Balance, Route, Upstream } from '../../routing/route.ts';
import type { RoutingTable } from '../../routing/table.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import { describeUpstream } from '../upstream/upstreams.ts';
import { Candidate, Group } from './group.ts';
import { Server } from './server.ts';

/**
 * What a worker knows about the upstreams of routes that have several. It outlives the routing table: an upstream that
 * is in the next one is known there, one that is not is forgotten.
 */
export class Balancer {
  readonly #random: Random;
  readonly #servers = new Map<string, Server>();
  readonly #groups = new WeakMap<Route, Group>();
  #table: RoutingTable | null = null;
  #generation = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** The group of a route with several upstreams, as things are in this snapshot. */
  groupOf(route: Route, { table, down, generation }: Pick<Snapshot, 'table' | 'down' | 'generation'>): Group {
    // A request that was held up may come with a snapshot of the past.
    if (table !== this.#table && generation >= this.#generation) {
      this.#generation = generation;
      this.#table = table;
      this.#forgetOthers(table);
    }
    let group = this.#groups.get(route);
    if (group === undefined) {
      group = this.#makeGroup(route);
      this.#groups.set(route, group);
    }
    if (group.heeded !== down) heed(group, route, down);
    return group;
  }

  /** Those that could not be connected to or answered nobody when they were tried last, as {@link serverKey} names them. */
  get failing(): readonly string[] {
    return [...this.#servers].filter(([, server]) => server.isFailing).map(([key]) => key);
  }

  #makeGroup({ upstreams, balance = balancedAnyhow(upstreams) }: Route): Group {
    const candidates = upstreams.map(
      (upstream, index) => new Candidate(upstream, this.#serverOf(upstream), balance.weights[index] ?? 1),
    );
    return new Group(candidates, balance, this.#random);
  }

  #serverOf(upstream: Upstream): Server {
    const key = serverKey(upstream);
    const server = this.#servers.get(key) ?? new Server();
    this.#servers.set(key, server);
    return server;
  }

  #forgetOthers({ routes }: RoutingTable): void {
    if (this.#servers.size === 0) return;
    const kept = new Set<string>();
    for (const { upstreams } of routes) {
      if (upstreams.length > 1) for (const upstream of upstreams) kept.add(serverKey(upstream));
    }
    for (const key of this.#servers.keys()) if (!kept.has(key)) this.#servers.delete(key);
  }
}

/** How `Snapshot.down` names an upstream of a route. */
export function downKey(route: string, upstream: Upstream): string {
  return `${route} ${serverKey(upstream)}`;
}

function heed(group: Group, { label }: Route, down: Snapshot['down']): void {
  group.heeded = down;
  for (const candidate of group.candidates) {
    const isDown = down.has(downKey(label, candidate.upstream));
    // Whoever is well again by a health check need not be tried out.
    if (candidate.down && !isDown) candidate.server.recovered();
    candidate.down = isDown;
  }
}

/** What tells servers apart. Who speaks TLS in another way may be there for one and not for the other. */
export function serverKey(upstream: Upstream): string {
  const manner = upstream.scheme === 'https' ? upstream.tls?.id : undefined;
  return manner === undefined ? describeUpstream(upstream) : `${describeUpstream(upstream)} ${manner}`;
}

function balancedAnyhow(upstreams: readonly Upstream[]): Balance {
  return { policy: 'random', weights: upstreams.map(() => 1), tokens: [] };
}
