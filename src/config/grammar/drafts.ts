import type {
  AccessLogConfig,
  BalancePolicy,
  ChallengeConfig,
  ErrorPageRule,
  HeaderRule,
  HealthCheck,
  IssuerConfig,
  ListenAddress,
  LogConfig,
  PropagationConfig,
  StoreConfig,
  TailscaleConfig,
  UpstreamConfig,
  UpstreamTimeouts,
} from '../config.ts';
import type { Position } from '../diagnostics.ts';
import type { Placed } from './argument.ts';

/** What the lines of the `global` sections say, before defaults are filled in and anything is compared. */
export interface GlobalDraft {
  http?: readonly Placed<ListenAddress>[];
  https?: readonly Placed<ListenAddress>[];
  admin?: Placed<ListenAddress> | null;
  adminPeers?: readonly string[];
  store?: StoreConfig;
  workers?: number | 'auto';
  maxConnections?: number | 'auto';
  maxConnectionsPerAddress?: number | 'auto' | 'off';
  log?: LogConfig;
  accessLog?: AccessLogConfig | null;
  trustedProxies?: readonly string[];
  wildcardDomains?: readonly Placed<string>[];
  issuers?: readonly Placed<string>[];
  configSource?: { readonly host: string; readonly port: number };
  centauriMetrics?: boolean;
  tailscale?: { readonly socket: string } | null;
  tailscaleHttp?: Placed<TailscaleConfig['http']>;
}

/** What the lines of one `issuer` section say. */
export interface IssuerDraft {
  readonly name: string;
  readonly at: Position;
  type?: IssuerConfig['type'];
  keyType?: IssuerConfig['keyType'];
  directory?: string;
  email?: string;
  eab?: { readonly keyId: string; readonly hmac: string };
  profile?: string;
  preferredChain?: string;
  mustStaple?: boolean;
  caRoot?: string;
  resolvers?: readonly string[];
  propagation?: Partial<PropagationConfig>;
  requestRate?: number;
  obtainIntervalMs?: number;
  timeoutMs?: number;
  ocsp?: Placed<ListenAddress>;
  socket?: string;
  readonly challenges: ChallengeConfig[];
  /** Where each directive of the section first stands. */
  readonly seen: Map<string, Position>;
}

/** What the lines of one `route` section say. */
export interface RouteDraft {
  /** Where the `route` stands. */
  readonly at: Position;
  /** The names that requests can carry. */
  readonly names: readonly Placed<string>[];
  /** Names that no request can carry, as a certificate would have them. */
  readonly unmatchable: readonly string[];
  /** How many names are written, good ones and others. */
  readonly written: number;
  /** Upstreams are written, though perhaps none that could be read. */
  hasUpstream: boolean;
  readonly upstreams: UpstreamConfig[];
  readonly onError: ErrorPageRule[];
  readonly headerRules: HeaderRule[];
  readonly subjects: Set<string>;
  provider?: Placed<string>;
  fallback?: Position;
  redirectToPrimary?: Position;
  timeouts?: Partial<UpstreamTimeouts>;
  balance?: BalancePolicy;
  healthCheck?: HealthCheck;
}
