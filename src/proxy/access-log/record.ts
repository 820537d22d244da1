import type { Instant } from '../../platform/clock.ts';
import type { Upstream } from '../../routing/route.ts';
import type { ServingSettings } from '../../snapshot/snapshot.ts';
import { watched } from '../body.ts';
import { NO_ROUTE } from '../counters.ts';
import type { Body, RequestHead } from '../exchange.ts';
import { fieldValue } from '../raw-headers.ts';
import { plainAddress } from '../trusted-peers.ts';
import { describeUpstream } from '../upstream/upstreams.ts';
import { clientAddress } from './client-address.ts';
import type { AccessEntry } from './entry.ts';

/** What is kept of texts that clients choose, in bytes: a line has a bound. */
const LONGEST = { method: 32, host: 260, target: 4_096, userAgent: 512, referer: 1_024 } as const;

/** Gathers what the access log will say of one request, while it runs. */
export class AccessRecord {
  /** Read at once: a request's fields do not outlive it. */
  readonly #request: Pick<
    AccessEntry,
    | 'time'
    | 'remoteAddress'
    | 'peerAddress'
    | 'method'
    | 'scheme'
    | 'host'
    | 'target'
    | 'protocol'
    | 'userAgent'
    | 'referer'
  >;
  readonly #startedMs = performance.now();
  #bytesSent = 0;
  #bytesReceived = 0;
  #upstream: Upstream | null = null;
  #askedMs = 0;
  #upstreamMs: number | null = null;

  /** @param time when the request came */
  constructor(request: RequestHead, settings: ServingSettings, time: Instant) {
    const { method, scheme, protocol, target, headers, authority, remoteAddress } = request;
    const peerAddress = remoteAddress === null ? null : plainAddress(remoteAddress);
    this.#request = {
      time,
      remoteAddress: clientAddress(peerAddress, headers, settings),
      peerAddress,
      method: method.slice(0, LONGEST.method),
      scheme,
      host: withoutUser(authority ?? fieldValue(headers, 'host'), LONGEST.host),
      // An `@` in a path is no user's.
      target: target.startsWith('/') ? target.slice(0, LONGEST.target) : withoutUser(target, LONGEST.target),
      protocol,
      userAgent: fieldValue(headers, 'user-agent')?.slice(0, LONGEST.userAgent) ?? null,
      referer: withoutUser(fieldValue(headers, 'referer'), LONGEST.referer),
    };
  }

  /** The same bytes, counted on their way to the client. */
  sent(body: Body): Body {
    return watched(body, {
      onChunk: (chunk) => {
        this.#bytesSent += chunk.length;
      },
    });
  }

  /** The same bytes, counted on their way from the client. */
  received(body: Body): Body {
    return watched(body, {
      onChunk: (chunk) => {
        this.#bytesReceived += chunk.length;
      },
    });
  }

  asked(upstream: Upstream): void {
    this.#upstream = upstream;
    this.#askedMs = performance.now();
  }

  /** The head of the upstream's final response came. */
  answered(): void {
    this.#upstreamMs = performance.now() - this.#askedMs;
  }

  /** All there is to say, at the end. `route` is the route's label, {@link NO_ROUTE} without one. */
  entry(status: number, route: string, complete: boolean): AccessEntry {
    return {
      ...this.#request,
      status,
      complete,
      bytesSent: this.#bytesSent,
      bytesReceived: this.#bytesReceived,
      durationMs: performance.now() - this.#startedMs,
      route: route === NO_ROUTE ? null : route,
      upstream: this.#upstream === null ? null : describeUpstream(this.#upstream),
      upstreamMs: this.#upstreamMs,
    };
  }
}

const USER = /^((?:[a-z][a-z0-9+.-]*:)?\/\/)?[^/?#]*@/i;

/** A URL, or the authority of one, without user name and password (RFC 3986 3.2.1), cut to `length`. */
function withoutUser<Text extends string | null>(text: Text, length: number): Text | string {
  if (text === null) return text;
  return (text.includes('@') ? text.replace(USER, '$1') : text).slice(0, length);
}
