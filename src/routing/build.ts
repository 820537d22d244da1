import type { Config, ListenAddress, RouteConfig, UpstreamConfig } from '../config/config.ts';
import { ROUTE_DEFAULTS } from '../config/defaults.ts';
import type { AccessLogSettings, ConnectionCaps, ServingSettings } from '../snapshot/snapshot.ts';
import type { Balance, Route, Upstream, UpstreamTimeouts, UpstreamTls } from './route.ts';
import { RoutingTable } from './table.ts';

/** What a cookie calls an upstream of a route: always the same, and nothing that tells its address. */
export type StickyToken = (route: string, upstream: Upstream) => string;

/** The routing table of a configuration. `certificates` has the id of the one that is shown for each route. */
export function buildTable(
  config: Config,
  certificates: readonly string[],
  stickyToken: StickyToken,
): RoutingTable {
  const tls = new Map<string, UpstreamTls>();
  const routes = config.routes.map((route, index) => {
    const upstreams = route.upstreams.map((upstream) => upstreamOf(upstream, timeoutsOf(route), tls));
    return routeOf(route, {
      certificate: certificates[index] ?? route.primary,
      upstreams,
      ...balanceOf(route, upstreams, stickyToken),
    });
  });
  const fallback = config.routes.findIndex((route) => route.fallback);
  return new RoutingTable(routes, fallback < 0 ? null : fallback);
}

/**
 * What of the `global` section the workers need.
 *
 * @param accessLog what its target has turned out to be
 * @param connections what each worker may have, on this machine
 */
export function servingSettings(
  config: Config,
  accessLog: AccessLogSettings | null,
  connections: ConnectionCaps,
): ServingSettings {
  return {
    connections,
    trustedProxies: config.global.trustedProxies,
    httpsPort: config.global.https.map(portOf).find((port) => port !== null) ?? null,
    accessLog,
  };
}

function routeOf(
  route: RouteConfig,
  parts: Pick<Route, 'certificate' | 'upstreams'> & { readonly balance?: Balance },
): Route {
  return {
    label: route.primary,
    primary: route.primary,
    names: route.names,
    errorPages: route.onError,
    headerRules: route.headerRules,
    redirectToPrimary: route.redirectToPrimary,
    ...parts,
  };
}

/** @param known so that one object stands for what many upstreams have: it travels to the workers once */
function upstreamOf(
  { weight: _, tls, ...address }: UpstreamConfig,
  timeouts: UpstreamTimeouts | null,
  known: Map<string, UpstreamTls>,
): Upstream {
  const upstream = timeouts === null ? address : { ...address, timeouts };
  if (tls === undefined || upstream.scheme !== 'https') return upstream;
  // Whoever serves has read the files.
  const material = tls.material ?? { id: '', ca: null, certificate: null, key: null };
  const { id, ca, certificate, key } = material;
  const shared = known.get(id) ?? {
    id,
    serverName: tls.serverName,
    verify: !tls.insecure,
    ca,
    identity: certificate === null || key === null ? null : { certificate, key },
  };
  known.set(id, shared);
  return { ...upstream, tls: shared };
}

/** Null where they are what they would be anyway. */
function timeoutsOf({ timeouts }: RouteConfig): UpstreamTimeouts | null {
  const { connectMs, responseMs, idleMs } = ROUTE_DEFAULTS.timeouts;
  const same =
    timeouts.connectMs === connectMs && timeouts.responseMs === responseMs && timeouts.idleMs === idleMs;
  return same ? null : timeouts;
}

/** Nothing where there is nothing to choose, or each is as good as the other. */
function balanceOf(
  route: RouteConfig,
  upstreams: readonly Upstream[],
  stickyToken: StickyToken,
): { readonly balance?: Balance } {
  const weights = route.upstreams.map(({ weight = 1 }) => weight);
  const plain = route.balance === 'random' && weights.every((weight) => weight === weights[0]);
  if (plain || upstreams.length < 2) return {};
  const tokens =
    route.balance === 'sticky' ? upstreams.map((upstream) => stickyToken(route.primary, upstream)) : [];
  return { balance: { policy: route.balance, weights, tokens } };
}

function portOf(address: ListenAddress): number | null {
  return address.kind === 'tcp' ? address.port : null;
}
