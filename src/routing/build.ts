import type { Config, ListenAddress, RouteConfig } from '../config/config.ts';
import type { AccessLogSettings, ServingSettings } from '../snapshot/snapshot.ts';
import type { Route } from './route.ts';
import { RoutingTable } from './table.ts';

/** The routing table of a configuration. `certificates` has the id of the one that is shown for each route. */
export function buildTable(config: Config, certificates: readonly string[]): RoutingTable {
  const routes = config.routes.map((route, index) => routeOf(route, certificates[index] ?? route.primary));
  const fallback = config.routes.findIndex((route) => route.fallback);
  return new RoutingTable(routes, fallback < 0 ? null : fallback);
}

/** What of the `global` section the workers need. `accessLog`: what its target has turned out to be. */
export function servingSettings(config: Config, accessLog: AccessLogSettings | null): ServingSettings {
  return {
    trustedProxies: config.global.trustedProxies,
    httpsPort: config.global.https.map(portOf).find((port) => port !== null) ?? null,
    accessLog,
  };
}

function routeOf(route: RouteConfig, certificate: string): Route {
  return {
    label: route.primary,
    primary: route.primary,
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
