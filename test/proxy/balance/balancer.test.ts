import { describe, expect, it } from 'vitest';
import { Balancer, downKey } from '../../../src/proxy/balance/balancer.ts';
import type { Upstream } from '../../../src/routing/route.ts';
import { RoutingTable } from '../../../src/routing/table.ts';
import { route } from '../fixture.ts';
import { lottery } from './group.ts';

const a: Upstream = { scheme: 'http', host: 'a', port: 80 };
const b: Upstream = { scheme: 'http', host: 'b', port: 80 };
const c: Upstream = { scheme: 'http', host: 'c', port: 80 };
const nothing: ReadonlySet<string> = new Set();

/** What a worker knows, from one routing table to the next. */
function world() {
  const balancer = new Balancer({ fraction: lottery(), bytes: (size) => Buffer.alloc(size) });
  /** The group of a new routing table that has one route with these upstreams. */
  let generation = 0;
  return (upstreams: readonly Upstream[], { down = nothing, isOld = false } = {}) => {
    const made = route(upstreams);
    if (!isOld) generation += 1;
    return balancer.groupOf(made, {
      table: new RoutingTable([made]),
      down,
      generation: isOld ? 0 : generation,
    });
  };
}

describe('what is known about upstreams', () => {
  it('outlives a new routing table', () => {
    const groupOf = world();
    groupOf([a, b]).candidates[0]?.server.failed(0);
    const next = groupOf([c, { ...a }]);
    expect(next.candidates.map((candidate) => candidate.isAway(500))).toEqual([false, true]);
  });

  it('is forgotten with an upstream that is removed', () => {
    const groupOf = world();
    groupOf([a, b]).candidates[0]?.server.failed(0);
    groupOf([b, c]);
    expect(groupOf([a, b]).candidates[0]?.isAway(500)).toBe(false);
  });

  it('is not lost to a request that comes with a table of the past', () => {
    const groupOf = world();
    groupOf([a, b]).candidates[0]?.server.failed(0);
    groupOf([c, b], { isOld: true });
    expect(groupOf([a, b]).candidates[0]?.isAway(500)).toBe(true);
  });

  it('is shared by routes, but not by ways of TLS', () => {
    const balancer = new Balancer({ fraction: lottery(), bytes: (size) => Buffer.alloc(size) });
    const tls = { id: 'x', serverName: null, verify: true, ca: null, identity: null };
    const plain: Upstream = { scheme: 'https', host: 'a', port: 443 };
    const routes = [route([a, plain]), route([a, { ...plain, tls }])];
    const table = new RoutingTable(routes);
    const [one, other] = routes.map((each) =>
      balancer.groupOf(each, { table, down: nothing, generation: 1 }),
    );
    expect(one?.candidates[0]?.server).toBe(other?.candidates[0]?.server);
    expect(one?.candidates[1]?.server).not.toBe(other?.candidates[1]?.server);
  });

  it('is what health checks say, for the route that they are of', () => {
    const groupOf = world();
    const down = new Set([downKey('example.test', a), downKey('other.test', b)]);
    const group = groupOf([a, b], { down });
    expect(group.candidates.map((candidate) => candidate.down)).toEqual([true, false]);
  });

  it('ends when a health check finds it well again', () => {
    const balancer = new Balancer({ fraction: lottery(), bytes: (size) => Buffer.alloc(size) });
    const made = route([a, b]);
    const table = new RoutingTable([made]);
    const group = balancer.groupOf(made, {
      table,
      down: new Set([downKey('example.test', a)]),
      generation: 1,
    });
    group.candidates[0]?.server.failed(0);
    expect(balancer.groupOf(made, { table, down: nothing, generation: 1 })).toBe(group);
    expect(group.candidates[0]?.isAway(1)).toBe(false);
  });
});
