import { messageOf, RigilError } from '../errors.ts';
import type { Clock, Instant } from '../platform/clock.ts';
import type { Fetch } from '../platform/fetch.ts';
import { retryAfter } from '../platform/retry-after.ts';
import { printable } from './printable.ts';

/** What asking over HTTP takes. */
export interface HttpPorts {
  readonly fetch: Fetch;
  readonly clock: Clock;
}

/** Why a server did not give what was wanted; a value, because the next URL or method is tried. */
export interface HttpFailure {
  readonly kind: 'failed';
  /** `unreachable`: no connection, no end, or a broken one. `status`: an HTTP error. `unfit`: not what was asked for. */
  readonly reason: 'unreachable' | 'status' | 'unfit';
  /** A clause for people. */
  readonly message: string;
  /** When the server wants to be asked again (Retry-After), or null. */
  readonly retryAt: Instant | null;
}

export interface HttpBody {
  readonly kind: 'body';
  readonly body: Uint8Array;
  /** Until when a cache in between may give the same answer again, or null (RFC 9111 4.2.1). */
  readonly cachedUntil: Instant | null;
}

/** Longest time for one request, in milliseconds. */
const TIMEOUT_MS = 15_000;
/** Largest body, in bytes. An OCSP response has about 500 to 3 000. */
export const LARGEST_BODY = 64 * 1024;
const MOST_REDIRECTS = 3;
const OCSP_TYPE = 'application/ocsp-response';
/** Longest URL to ask by GET (RFC 5019 5); caches and servers may cut longer ones. */
const LONGEST_GET = 255;

/**
 * The URL that asks `request` of `responder` by GET (RFC 6960 A.1), or null when it would not fit: the base64 is
 * escaped, since a bare `/` would be a path and a bare `+` a space.
 */
export function getUrl(responder: string, request: Uint8Array): string | null {
  const encoded = encodeURIComponent(Buffer.from(request).toString('base64'));
  const url = `${responder.replace(/\/$/, '')}/${encoded}`;
  return url.length > LONGEST_GET || /[?#]/.test(responder) ? null : url;
}

/** Asks by GET; the answer may come from a cache. */
export function getResponse(url: string, ports: HttpPorts, signal: AbortSignal) {
  return exchange(url, { method: 'GET', headers: { accept: OCSP_TYPE } }, OCSP_TYPE, ports, signal);
}

/** Asks by POST, which no cache answers. */
export function postRequest(responder: string, request: Uint8Array, ports: HttpPorts, signal: AbortSignal) {
  const headers = { accept: OCSP_TYPE, 'content-type': 'application/ocsp-request' };
  const body = new Uint8Array(request);
  return exchange(responder, { method: 'POST', headers, body }, OCSP_TYPE, ports, signal);
}

/** Gets a file of any type, such as the certificate of an issuer. */
export function getFile(url: string, ports: HttpPorts, signal: AbortSignal) {
  return exchange(url, { method: 'GET' }, null, ports, signal);
}

/** @throws the reason of `signal` when it aborts; everything else that goes wrong is a value */
async function exchange(
  url: string,
  request: RequestInit,
  type: string | null,
  ports: HttpPorts,
  signal: AbortSignal,
): Promise<HttpBody | HttpFailure> {
  signal.throwIfAborted();
  const done = new AbortController();
  const late = new AbortController();
  void ports.clock.sleep(TIMEOUT_MS, done.signal).then(() => {
    if (!done.signal.aborted) late.abort();
  });
  const either = AbortSignal.any([signal, late.signal]);
  try {
    return await follow(url, { ...request, signal: either }, type, ports);
  } catch (error) {
    signal.throwIfAborted();
    const message = late.signal.aborted
      ? `${printable(url)} did not answer within ${TIMEOUT_MS / 1000} s`
      : `${printable(url)} cannot be reached: ${reasonOf(error)}`;
    return { kind: 'failed', reason: 'unreachable', message, retryAt: null };
  } finally {
    done.abort();
  }
}

async function follow(
  first: string,
  request: RequestInit,
  type: string | null,
  ports: HttpPorts,
): Promise<HttpBody | HttpFailure> {
  let url = first;
  for (let hop = 0; hop <= MOST_REDIRECTS; hop += 1) {
    const response = await ports.fetch(url, { ...request, redirect: 'manual', credentials: 'omit' });
    const location = response.headers.get('location');
    if (response.status < 300 || response.status > 399 || location === null) {
      return receive(url, response, type, ports.clock.now());
    }
    await response.body?.cancel();
    const next = URL.canParse(location, url) ? new URL(location, url) : null;
    if (next === null || !/^https?:$/.test(next.protocol)) {
      return failed('unfit', `${printable(url)} redirects to where OCSP is not: ${printable(location)}`);
    }
    url = next.href;
  }
  return failed('unfit', `${printable(first)} redirects more than ${MOST_REDIRECTS} times`);
}

async function receive(
  url: string,
  response: Response,
  type: string | null,
  now: Instant,
): Promise<HttpBody | HttpFailure> {
  const { headers, status } = response;
  const problem = misfit(response, type);
  const body = problem === null ? await readLimited(response) : null;
  if (body !== null) return { kind: 'body', body, cachedUntil: cachedUntil(headers, now) };
  await response.body?.cancel().catch(() => {});
  return {
    ...failed(status === 200 ? 'unfit' : 'status', `${printable(url)} ${problem ?? tooLarge()}`),
    retryAt: retryAfter(headers.get('retry-after'), now),
  };
}

function misfit({ status, headers }: Response, type: string | null): string | null {
  if (status !== 200) return `answers with HTTP status ${status}`;
  const given = headers.get('content-type')?.split(';')[0]?.trim().toLowerCase() ?? '';
  if (type !== null && given !== type)
    return `answers with ${printable(given) || 'no type'} instead of ${type}`;
  return Number(headers.get('content-length') ?? 0) > LARGEST_BODY ? tooLarge() : null;
}

function tooLarge(): string {
  return `sends more than ${LARGEST_BODY / 1024} KiB`;
}

/** The body, or null when it is too large; what is over the limit is not read. */
async function readLimited(response: Response): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > LARGEST_BODY) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function cachedUntil(headers: Headers, now: Instant): Instant | null {
  const control = headers.get('cache-control')?.toLowerCase() ?? '';
  if (/\bno-(store|cache)\b/.test(control)) return null;
  const maxAge = /\bmax-age="?(\d{1,10})\b/.exec(control)?.[1];
  if (maxAge !== undefined) {
    const age = Number(headers.get('age') ?? 0);
    return now + (Number(maxAge) - (age > 0 ? age : 0)) * 1000;
  }
  const expires = Date.parse(headers.get('expires') ?? '');
  return Number.isNaN(expires) ? null : expires;
}

function failed(reason: HttpFailure['reason'], message: string): HttpFailure {
  return { kind: 'failed', reason, message, retryAt: null };
}

/** `fetch` wraps what happened in "fetch failed". */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && !(error instanceof RigilError) ? (error.cause ?? error) : error;
  const first = cause instanceof AggregateError ? (cause.errors[0] ?? cause) : cause;
  return printable(messageOf(first));
}
