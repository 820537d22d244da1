import type { Upstream } from '../../routing/route.ts';
import type { FieldTable } from '../codec/field-table.ts';
import type { Body, RawHeaders, Responder } from '../exchange.ts';
import type { Failure } from '../failure.ts';

/** The side of the proxy that asks upstreams. */
export interface Upstreams {
  /** Sends a request; the receiver hears the rest. */
  send(request: UpstreamRequest, receiver: Receiver): Call;
  /** Closes the idle connections. */
  close(): void;
}

export interface UpstreamRequest {
  readonly upstream: Upstream;
  readonly method: string;
  /** Path and query byte for byte. */
  readonly path: string;
  /** With `Host`, without framing: that follows from `body` and `upgrade`. */
  readonly headers: RawHeaders;
  /**
   * Lines of the client that stand between the first field of `headers`, which is `Host`, and the others, without those
   * that are never passed on. They hold until the call is over. Absent where `headers` has everything.
   */
  readonly passed?: FieldTable | undefined;
  /** All of `headers` but the first field as lines, which come after those that are passed. Absent where nobody made them. */
  readonly told?: Buffer | undefined;
  readonly body: Body;
  /** Protocols to ask for in `Upgrade`; null = none. */
  readonly upgrade: string | null;
}

/** Who waits for a response. */
export interface Receiver extends Responder {
  /** There is no response, or (after `respond`) no complete one: then its body fails, too. */
  fail(failure: Failure): void;
}

/** A request under way. */
export interface Call {
  /** Nobody wants the response: its connection is closed. A body that still flows fails. */
  abort(): void;
}

/** An upstream as logs and messages call it. */
export function describeUpstream(upstream: Upstream): string {
  return upstream.scheme === 'unix'
    ? `unix:${upstream.path}`
    : `${upstream.scheme}://${hostPort(upstream.host, upstream.port)}`;
}

/** What to ask for where there is no client's `Host`: the upstream's own name, with a port that is not the usual one. */
export function hostOf(upstream: Upstream): string {
  if (upstream.scheme === 'unix') return 'localhost';
  const usual = upstream.scheme === 'https' ? 443 : 80;
  return hostPort(upstream.host, upstream.port === usual ? null : upstream.port);
}

function hostPort(host: string, port: number | null): string {
  const text = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  return port === null ? text : `${text}:${port}`;
}
