/**
 * What a worker must know to answer for a set of names. Plain data: it is sent to the workers as it is.
 */
export interface Route {
  /** The `route` label of metrics and logs. */
  readonly label: string;
  /** Where `redirect-to-primary` leads: the first name as written, even if another route answers for it. */
  readonly primary: string;
  /** Lower case A-labels; first = primary; `*.example.com` matches exactly one label. */
  readonly names: readonly string[];
  /** Id of the certificate that is shown for these names. */
  readonly certificate: string;
  /** Never empty. */
  readonly upstreams: readonly Upstream[];
  /** Which of several upstreams gets a request. Absent = any of them, each as often as the others. */
  readonly balance?: Balance;
  readonly errorPages: readonly ErrorPage[];
  /** Applied in order to proxied responses, error pages and upgrades; never to redirects. */
  readonly headerRules: readonly HeaderRule[];
  readonly redirectToPrimary: boolean;
}

/** `h2c`: HTTP/2 without TLS (RFC 9113 3.3). With `https` it depends on what the upstream chooses (RFC 7301). */
export type Upstream = (
  | { readonly scheme: 'http' | 'h2c'; readonly host: string; readonly port: number }
  | {
      readonly scheme: 'https';
      readonly host: string;
      readonly port: number;
      /** Absent = verified by the roots of the system and those that come with Node. */
      readonly tls?: UpstreamTls;
    }
  | { readonly scheme: 'unix'; readonly path: string }
) & {
  /** Absent = the limits of the worker. */
  readonly timeouts?: UpstreamTimeouts;
};

/** How TLS is spoken with an upstream. Texts are PEM. */
export interface UpstreamTls {
  /** Two are the same if and only if this is. */
  readonly id: string;
  /** The name to ask for and to verify; null = the host. */
  readonly serverName: string | null;
  /** False: whoever answers is believed. */
  readonly verify: boolean;
  /** Roots to trust instead of the system's and Node's; null = those. */
  readonly ca: string | null;
  /** What is shown to an upstream that asks for it: the certificate with its chain, and its key. */
  readonly identity: { readonly certificate: string; readonly key: string } | null;
}

/** In milliseconds. */
export interface UpstreamTimeouts {
  readonly connectMs: number;
  readonly responseMs: number;
  readonly idleMs: number;
}

export interface Balance {
  readonly policy: 'random' | 'round-robin' | 'least-connections' | 'sticky';
  /** Of each upstream, in their order. From 1. */
  readonly weights: readonly number[];
  /** For `sticky`: what a cookie calls each upstream, in their order. Says nothing about the upstream. */
  readonly tokens: readonly string[];
}

/** Fetched and sent with the original status when an upstream answers with `status` (502 also when it does not answer). */
export interface ErrorPage {
  readonly status: number;
  readonly upstream: Upstream;
  /** Path and query; null = those of the request. */
  readonly path: string | null;
}

export type HeaderRule =
  | { readonly action: 'add' | 'replace' | 'default'; readonly name: string; readonly value: string }
  | { readonly action: 'delete'; readonly name: string };
