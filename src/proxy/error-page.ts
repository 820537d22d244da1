import type { ErrorPage, Route, Upstream } from '../routing/route.ts';
import { emptyBody, watched } from './body.ts';
import { Deadline } from './deadline.ts';
import type { Body, RawHeaders, ResponseHead } from './exchange.ts';
import type { Failure } from './failure.ts';
import { endToEnd } from './hop-by-hop.ts';
import { fieldValue } from './raw-headers.ts';
import { type Call, hostOf, type Upstreams } from './upstream/upstreams.ts';

/** Longest time for an error page, with its redirects and its body. */
const LIMIT_MS = 5_000;

/** How many redirects are followed. */
const REDIRECTS = 10;

/** The page that a route has for a status, or null. What stands for 502 also stands for an upstream that is too slow. */
export function errorPageFor({ errorPages }: Route, status: number): ErrorPage | null {
  if (errorPages.length === 0 || status < 400) return null;
  const page = (code: number) => errorPages.find((candidate) => candidate.status === code);
  return page(status) ?? (status === 504 ? page(502) : undefined) ?? null;
}

export interface ErrorPageRequest {
  readonly upstreams: Upstreams;
  readonly page: ErrorPage;
  readonly method: 'GET' | 'HEAD';
  readonly path: string;
  /** `X-Forwarded-*`: all that the page's upstream learns of the client. */
  readonly forwarded: RawHeaders;
  readonly onFailure: (upstream: Upstream, failure: Failure) => void;
  /** Called once, unless aborted: head and body of the page whatever its status, or null when there is none. */
  readonly done: (page: { head: ResponseHead; body: Body } | null) => void;
}

/** Fetches an error page, within 5 s in all. */
export function fetchErrorPage(request: ErrorPageRequest): Call {
  const fetching = new Fetching(request);
  fetching.ask({ upstream: request.page.upstream, path: request.path });
  return fetching;
}

interface Place {
  readonly upstream: Upstream;
  readonly path: string;
}

class Fetching implements Call {
  readonly #request: ErrorPageRequest;
  readonly #deadline: Deadline;
  #call: Call | null = null;
  #redirects = 0;
  #over = false;

  constructor(request: ErrorPageRequest) {
    this.#request = request;
    this.#deadline = new Deadline(LIMIT_MS, () => {
      this.#call?.abort();
      this.#fail(request.page.upstream, {
        kind: 'response-timeout',
        message: `no error page within ${LIMIT_MS} ms`,
      });
    });
    this.#deadline.start();
  }

  abort(): void {
    this.#over = true;
    this.#deadline.stop();
    this.#call?.abort();
  }

  ask(place: Place): void {
    const { upstreams, method, forwarded } = this.#request;
    const headers = ['Host', hostOf(place.upstream), ...forwarded];
    this.#call = upstreams.send(
      { upstream: place.upstream, method, path: place.path, headers, body: emptyBody, upgrade: null },
      {
        inform: () => {},
        respond: (head, body) => this.#onResponse(place, head, body),
        upgrade: () => emptyBody,
        fail: (failure) => this.#fail(place.upstream, failure),
      },
    );
  }

  #onResponse(place: Place, head: ResponseHead, body: Body): void {
    if (this.#over) return;
    const next = nextPlace(place, head);
    if (next !== null && this.#redirects < REDIRECTS) {
      this.#redirects++;
      body.cancel();
      this.ask(next);
      return;
    }
    this.#over = true;
    // The deadline holds until the body has ended: when it expires the call is aborted, and with it the body.
    const limited = watched(body, { onOver: () => this.#deadline.stop() });
    this.#request.done({ head: { ...head, headers: endToEnd(head.headers) }, body: limited });
  }

  #fail(upstream: Upstream, failure: Failure): void {
    if (this.#over) return;
    this.#over = true;
    this.#deadline.stop();
    this.#request.onFailure(upstream, failure);
    this.#request.done(null);
  }
}

const REDIRECT_STATUSES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Where a redirect leads, or null when the response is none that can be followed. */
function nextPlace({ upstream, path }: Place, head: ResponseHead): Place | null {
  const location = REDIRECT_STATUSES.has(head.status) ? fieldValue(head.headers, 'location') : null;
  if (location === null) return null;
  const origin = `${upstream.scheme === 'https' ? 'https' : 'http'}://${hostOf(upstream)}`;
  const base = URL.parse(origin + path);
  const url = base === null ? null : URL.parse(location, base);
  if (base === null || url === null) return null;
  if (url.origin === base.origin) return { upstream, path: url.pathname + url.search };
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return null;
  const scheme = url.protocol === 'https:' ? 'https' : 'http';
  const port = url.port === '' ? (scheme === 'https' ? 443 : 80) : Number(url.port);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return { upstream: { scheme, host, port }, path: url.pathname + url.search };
}
