import type { SealSource } from './values/seal-source.ts';

/**
 * The configuration as values: frozen, defaults filled in, names in lower case and as A-labels.
 * A Config is only ever made whole and valid by `load`; it holds no secret that `config show` would print unmasked.
 */
export interface Config {
  /** Where the text came from, as shown in diagnostics: a path, or `<stdin>`. */
  readonly file: string;
  readonly global: GlobalConfig;
  /** Those of scope `all` first, in order of preference (the `issuers` directive, else order of appearance). Never empty. */
  readonly issuers: readonly IssuerConfig[];
  /** In file order. */
  readonly routes: readonly RouteConfig[];
}

export interface GlobalConfig {
  /** Plain listeners. Empty = off. */
  readonly http: readonly ListenAddress[];
  /** TLS listeners. Never empty. */
  readonly https: readonly ListenAddress[];
  /** The admin endpoint. Null = off. */
  readonly admin: ListenAddress | null;
  /** CIDR blocks whose requests the admin endpoint answers, besides those of this machine. */
  readonly adminPeers: readonly string[];
  readonly store: StoreConfig;
  /** How many processes serve; `auto` is one per core. */
  readonly workers: number | 'auto';
  /** Of all workers together; `auto`: as many as memory and descriptors allow. */
  readonly maxConnections: number | 'auto';
  /** In each worker; `auto`: half of what it may have. */
  readonly maxConnectionsPerAddress: number | 'auto' | 'off';
  readonly log: LogConfig;
  readonly accessLog: AccessLogConfig | null;
  /** CIDR blocks (bare addresses are stored with their full length) whose `X-Forwarded-*` are believed. */
  readonly trustedProxies: readonly string[];
  /** Names directly below these get a wildcard certificate. Without a leading dot. */
  readonly wildcardDomains: readonly string[];
  /** Where routes are pushed from, if they are. */
  readonly configSource: { readonly host: string; readonly port: number } | null;
  /** Whether `/metrics` has Centauri's two counters under their old names, too. */
  readonly centauriMetrics: boolean;
  /** The tailnet that is served besides, if one is. */
  readonly tailscale: TailscaleConfig | null;
}

export interface TailscaleConfig {
  /** Path of the Tailscale daemon's API socket. */
  readonly socket: string;
  /** What plain HTTP from the tailnet gets. */
  readonly http: 'redirect' | 'serve';
}

/** One address to listen on, as written in `http`, `https` and `admin`. */
export type ListenAddress =
  | {
      readonly kind: 'tcp' /** Null = all interfaces. */;
      readonly host: string | null;
      readonly port: number;
    }
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'fd'; readonly fd: number };

export type { SealSource };

export type StoreConfig = { readonly kind: 'file' /** Absolute. */; readonly dir: string } | RedisStoreConfig;

export interface RedisStoreConfig {
  readonly kind: 'redis';
  /** As it was written, with its password. */
  readonly url: string;
  /** Every key begins with it, in braces. */
  readonly prefix: string;
  /** Where the keys are that seal what is stored; null = it is not sealed. */
  readonly seal: SealSource | null;
  /** PEM file of roots to trust for TLS; null = those of the system. */
  readonly ca: string | null;
  /** For sentinels that want a password of their own. */
  readonly sentinelPassword: string | null;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface LogConfig {
  readonly level: LogLevel;
  /** `auto`: text on a terminal, json otherwise. */
  readonly format: 'auto' | 'text' | 'json';
}

export interface AccessLogConfig {
  readonly target: { readonly kind: 'stdout' } | { readonly kind: 'file'; readonly path: string };
  readonly format: 'json' | 'common';
}

export type KeyType = 'p256' | 'p384' | 'rsa2048' | 'rsa4096';

export interface IssuerConfig {
  /** In lower case. */
  readonly name: string;
  readonly type: 'acme' | 'internal' | 'tailscale';
  /**
   * Which routes without a `provider` it is for: `all`, those with names that no public CA certifies (`private`: a
   * local CA that `issuers` does not name), those with names below `ts.net` (`tailnet`: of type tailscale), or none
   * (`named`: an ACME issuer that `issuers` leaves out).
   */
  readonly scope: 'all' | 'private' | 'tailnet' | 'named';
  readonly keyType: KeyType;
  /** ACME directory URL; null for other types. */
  readonly directory: string | null;
  readonly email: string | null;
  readonly eab: { readonly keyId: string; readonly hmac: string } | null;
  readonly profile: string | null;
  readonly preferredChain: string | null;
  readonly mustStaple: boolean;
  /** Tried in order. Empty for other types than acme. */
  readonly challenges: readonly ChallengeConfig[];
  /** PEM file of roots to trust for the directory. */
  readonly caRoot: string | null;
  /** DNS servers as `address:port` for propagation checks. Empty = the system's. */
  readonly resolvers: readonly string[];
  readonly propagation: PropagationConfig;
  /** Requests a second to the CA. */
  readonly requestRate: number;
  /** Shortest time between the starts of two issuances, in milliseconds. */
  readonly obtainIntervalMs: number;
  /** Longest time for one issuance, in milliseconds. */
  readonly timeoutMs: number;
  /** Where the internal CA answers OCSP, if it does. */
  readonly ocsp: ListenAddress | null;
  /** Path of the Tailscale daemon's API socket; null for other types than tailscale. */
  readonly socket: string | null;
}

export type ChallengeConfig =
  | { readonly type: 'http-01' | 'tls-alpn-01' | 'dns-persist-01' }
  | {
      readonly type: 'dns-01';
      readonly provider: string;
      readonly options: Readonly<Record<string, string>>;
    };

export interface PropagationConfig {
  readonly mode: 'check' | 'skip';
  /** Waited after a record is set when the check is skipped, in milliseconds. */
  readonly delayMs: number;
  /** Longest time to wait for the record to be seen everywhere, in milliseconds. */
  readonly timeoutMs: number;
}

export interface RouteConfig {
  /** Line of the `route` directive, from 1. */
  readonly line: number;
  /**
   * `*.example.com` matches one label; IPv6 addresses have no brackets. Only names for which this route is the one that
   * counts. Empty only for the fallback, when later routes have all its names.
   */
  readonly names: readonly string[];
  /** The first name as written, even if a later route has it too: where `redirect-to-primary` leads. */
  readonly primary: string;
  /** Never empty. */
  readonly upstreams: readonly UpstreamConfig[];
  readonly timeouts: UpstreamTimeouts;
  readonly balance: BalancePolicy;
  readonly healthCheck: HealthCheck | null;
  readonly onError: readonly ErrorPageRule[];
  /** The issuer that must be used, resolved to an issuer's name; null = by preference. */
  readonly provider: string | null;
  readonly headerRules: readonly HeaderRule[];
  readonly fallback: boolean;
  readonly redirectToPrimary: boolean;
  /** Names of the certificate when they differ from the route's: first = subject. Empty = the route's names. Never empty when `names` is. */
  readonly subjects: readonly string[];
}

/** `h2c` is HTTP/2 without TLS; `https` is HTTP/2 or HTTP/1.1, as the upstream chooses. */
export type UpstreamAddress =
  | { readonly scheme: 'http' | 'h2c'; readonly host: string; readonly port: number }
  | { readonly scheme: 'https'; readonly host: string; readonly port: number }
  | { readonly scheme: 'unix'; readonly path: string };

/** One `upstream` directive. */
export type UpstreamConfig = UpstreamAddress & {
  /** Its share among the upstreams of the route. Absent = 1. */
  readonly weight?: number;
  /** Of an `https://` upstream. Absent = verified by the roots of the system and those that come with Node. */
  readonly tls?: UpstreamTlsConfig;
};

export interface UpstreamTlsConfig {
  /** The name to ask for and to verify; null = the host. */
  readonly serverName: string | null;
  /** Whoever answers is believed. */
  readonly insecure: boolean;
  /** Absolute paths, or null. */
  readonly ca: string | null;
  readonly certificate: string | null;
  readonly key: string | null;
  /** What is in these files; null where nobody has looked, and in what is shown. Holds a private key. */
  readonly material: UpstreamTlsMaterial | null;
}

/** Texts in PEM, and a digest of all that makes one way of TLS differ from another. */
export interface UpstreamTlsMaterial {
  readonly id: string;
  readonly ca: string | null;
  readonly certificate: string | null;
  readonly key: string | null;
}

/** `timeout` of a route, in milliseconds. */
export interface UpstreamTimeouts {
  /** To agree on a connection. */
  readonly connectMs: number;
  /** From the end of the request to the head of the response. */
  readonly responseMs: number;
  /** How long a connection is kept that nobody uses. */
  readonly idleMs: number;
}

export type BalancePolicy = 'random' | 'round-robin' | 'least-connections' | 'sticky';

/** `health-check` of a route. */
export interface HealthCheck {
  /** Path and query. */
  readonly path: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Statuses from the first to the last are good. */
  readonly status: { readonly first: number; readonly last: number };
}

/** `on_error CODE TARGET`: what to send to the client instead of an upstream's answer with this status. */
export interface ErrorPageRule {
  /** 400 to 599. */
  readonly status: number;
  readonly upstream: UpstreamAddress;
  /** Path and query to ask for; null = those of the original request. */
  readonly path: string | null;
}

/** One `header` directive; the rules of a route apply in file order to the response. The value is sent as UTF-8. */
export type HeaderRule =
  | { readonly action: 'add' | 'replace' | 'default'; readonly name: string; readonly value: string }
  | { readonly action: 'delete'; readonly name: string };
