import { RoutingTable } from '../routing/table.ts';

/**
 * Everything that serving needs, as one immutable value.
 *
 * Invariant: nothing reachable from a snapshot is ever changed. A handshake or request reads the current snapshot
 * once and keeps to it; whatever changes later is in the next one.
 */
export interface Snapshot {
  /** Grows by one with every change. */
  readonly generation: number;
  readonly table: RoutingTable;
  readonly settings: ServingSettings;
  /** By certificate id. */
  readonly certificates: ReadonlyMap<string, ServedCertificate>;
  /** Answers to ACME challenges, by key: `http-01:<token>` or `tls-alpn-01:<name>`. */
  readonly challenges: ReadonlyMap<string, ChallengeAnswer>;
  /** The tailnet that is served; null = none. */
  readonly tailnet: TailnetSettings | null;
  /** Upstreams that a health check has found down, as `downKey` names them. */
  readonly down: ReadonlySet<string>;
  /** 48 bytes that seal session tickets, the same in all workers. */
  readonly ticketKeys: Uint8Array;
}

/** What of the `global` section matters to a request. */
export interface ServingSettings {
  /** CIDR blocks whose `X-Forwarded-*` are believed. */
  readonly trustedProxies: readonly string[];
  /** Port of the first TLS listener, for redirects from plain HTTP; null when it has none (unix, fd). */
  readonly httpsPort: number | null;
  /** Where and how requests are logged; null = not at all. */
  readonly accessLog: AccessLogSettings | null;
  /** How many connections of clients a worker has at most; absent = as many as come. */
  readonly connections?: ConnectionCaps;
}

/** For each worker. */
export interface ConnectionCaps {
  readonly most: number;
  /** Of one IPv4 address, or one IPv6 network of 64 bits, that is no trusted proxy. */
  readonly mostPerAddress: number;
}

/** What a worker must know of the tailnet that this machine is in. */
export interface TailnetSettings {
  /** Path of the Tailscale daemon's API socket. */
  readonly socket: string;
  /** Addresses of this machine in it: a connection to one of them came over the tailnet. */
  readonly addresses: readonly string[];
  /** What plain HTTP from there gets. */
  readonly http: 'redirect' | 'serve';
}

export interface AccessLogSettings {
  readonly format: 'json' | 'common';
  /** A regular file that each worker appends to; null = lines go to the control process, which writes them. */
  readonly file: string | null;
}

/** A certificate as a worker shows it. */
export interface ServedCertificate {
  readonly id: string;
  /** SHA-256 of the leaf, lower case hex. Two certificates are the same if and only if this is. */
  readonly fingerprint: string;
  /** PEM, leaf first. */
  readonly chain: string;
  /** PEM. */
  readonly key: string;
  /** DER of a good OCSP response for the leaf, or null. */
  readonly staple: Uint8Array | null;
}

export type ChallengeAnswer =
  /** The body for `/.well-known/acme-challenge/<token>` (RFC 8555 8.3). */
  | { readonly type: 'http-01'; readonly body: string }
  /** The certificate with the acmeIdentifier extension (RFC 8737 3), PEM. */
  | { readonly type: 'tls-alpn-01'; readonly chain: string; readonly key: string };

/** What serves before anything is known: no route, no certificate. */
export const emptySnapshot: Snapshot = {
  generation: 0,
  table: new RoutingTable([]),
  settings: { trustedProxies: [], httpsPort: null, accessLog: null },
  certificates: new Map(),
  challenges: new Map(),
  tailnet: null,
  down: new Set(),
  ticketKeys: new Uint8Array(0),
};
