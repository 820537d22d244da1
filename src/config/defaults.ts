import { isAbsolute, join } from 'node:path';
import type { GlobalConfig, HealthCheck, IssuerConfig, ListenAddress, RouteConfig } from './config.ts';
import type { Environment } from './text/settings-word.ts';

/** Names of the issuers that exist without a section. */
export const LETS_ENCRYPT = 'letsencrypt';
export const INTERNAL = 'internal';

/** Where the Tailscale daemon's API is on Linux. */
export const TAILSCALE_SOCKET = '/var/run/tailscale/tailscaled.sock';

/** What a `global` section says when it says nothing; the store depends on the environment. */
export const GLOBAL_DEFAULTS = {
  http: [tcp(null, 80)],
  https: [tcp(null, 443)],
  admin: tcp('127.0.0.1', 9180),
  adminPeers: [],
  workers: 'auto',
  maxConnections: 'auto',
  maxConnectionsPerAddress: 'auto',
  log: { level: 'info', format: 'auto' },
  accessLog: null,
  trustedProxies: [],
  wildcardDomains: [],
  configSource: null,
  centauriMetrics: false,
  tailscale: null,
} as const satisfies Omit<GlobalConfig, 'store'>;

/** What of a route holds when it says nothing about it. The timeouts are those of the proxy itself. */
export const ROUTE_DEFAULTS = {
  timeouts: { connectMs: 5_000, responseMs: 60_000, idleMs: 4_000 },
  balance: 'random',
} as const satisfies Partial<RouteConfig>;

/** What `health-check PATH` says without options. */
export const HEALTH_CHECK_DEFAULTS = {
  intervalMs: 10_000,
  timeoutMs: 2_000,
  status: { first: 200, last: 399 },
} as const satisfies Omit<HealthCheck, 'path'>;

/** What an issuer of type `acme` is when its section is empty. */
export const ACME_DEFAULTS = {
  type: 'acme',
  keyType: 'p256',
  directory: 'https://acme-v02.api.letsencrypt.org/directory',
  email: null,
  eab: null,
  profile: null,
  preferredChain: null,
  mustStaple: false,
  challenges: [{ type: 'http-01' }, { type: 'tls-alpn-01' }],
  caRoot: null,
  resolvers: [],
  propagation: { mode: 'check', delayMs: 10_000, timeoutMs: 120_000 },
  requestRate: 18,
  obtainIntervalMs: 0,
  timeoutMs: 600_000,
  ocsp: null,
  socket: null,
} as const satisfies Omit<IssuerConfig, 'name' | 'scope'>;

/** What an issuer of type `internal` is when its section is empty. */
export const INTERNAL_DEFAULTS = {
  ...ACME_DEFAULTS,
  type: 'internal',
  directory: null,
  challenges: [],
} as const satisfies Omit<IssuerConfig, 'name' | 'scope'>;

/** What an issuer of type `tailscale` is when its section is empty; its socket is that of the `tailscale` directive. */
export const TAILSCALE_DEFAULTS = {
  ...INTERNAL_DEFAULTS,
  type: 'tailscale',
  socket: TAILSCALE_SOCKET,
} as const satisfies Omit<IssuerConfig, 'name' | 'scope'>;

/**
 * The folder of the store: the first one of `$STATE_DIRECTORY`, else `$XDG_STATE_HOME/rigil`, else
 * `~/.local/state/rigil`; null when none of the three is set. The XDG specification wants relative paths ignored.
 */
export function defaultStoreDirectory(env: Environment): string | null {
  const state = env['STATE_DIRECTORY']?.split(':')[0];
  if (state !== undefined && isAbsolute(state)) return state;
  const xdg = env['XDG_STATE_HOME'];
  if (xdg !== undefined && isAbsolute(xdg)) return join(xdg, 'rigil');
  const home = env['HOME'];
  return home !== undefined && isAbsolute(home) ? join(home, '.local/state/rigil') : null;
}

function tcp(host: string | null, port: number): ListenAddress {
  return { kind: 'tcp', host, port };
}
