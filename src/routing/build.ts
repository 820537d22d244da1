import type { Config, ListenAddress, RouteConfig } from '../config/config.ts';
import type { ServingSettings } from '../snapshot/snapshot.ts';
import type { Route } from './route.ts';
import { RoutingTable } from './table.ts';

/** The routing table of a configuration. `certificateOf` says which certificate is shown for a route. */
export function buildTable(config: Config, certificateOf: (route: RouteConfig) => string): RoutingTable {
  const routes = config.routes.map((route) => routeOf(route, certificateOf(route)));
  const fallback = config.routes.findIndex((route) => route.fallback);
  return new RoutingTable(routes, fallback < 0 ? null : fallback);
}

/** What of the `global` section the workers need. */
export function servingSettings(config: Config): ServingSettings {
  return {
    trustedProxies: config.global.trustedProxies,
    httpsPort: config.global.https.map(portOf).find((port) => port !== null) ?? null,
  };
}

function routeOf(route: RouteConfig, certificate: string): Route {
  return {
    label: route.names[0] ?? '',
    names: route.names,
    certificate,
    upstreams: route.upstreams,
    errorPages: route.onError,
    headerRules: route.headerRules,
    redirectToPrimary: route.redirectToPrimary,
  };
}

function portOf(address: ListenAddress): number | null {
  return address.kind === 'tcp' ? address.port : null;
}
