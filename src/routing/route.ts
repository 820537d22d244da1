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
  readonly errorPages: readonly ErrorPage[];
  /** Applied in order to proxied responses, error pages and upgrades; never to redirects. */
  readonly headerRules: readonly HeaderRule[];
  readonly redirectToPrimary: boolean;
}

/** `h2c`: HTTP/2 without TLS (RFC 9113 3.3). With `https` it depends on what the upstream chooses (RFC 7301). */
export type Upstream =
  | { readonly scheme: 'http' | 'h2c'; readonly host: string; readonly port: number }
  | { readonly scheme: 'https'; readonly host: string; readonly port: number }
  | { readonly scheme: 'unix'; readonly path: string };

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
