import { RigilError, systemCodeOf } from '../errors.ts';
import { throwIfAborted } from '../platform/abort.ts';
import { bounded } from '../platform/bounded.ts';
import type { Clock } from '../platform/clock.ts';
import type { HttpExchange, HttpRequest, HttpResponse } from '../platform/http.ts';
import { retryAfter } from '../platform/retry-after.ts';
import type { Environment } from './options.ts';

/** Longest wait for one answer of an API, in milliseconds. */
const REQUEST_LIMIT_MS = 30_000;
/** Pauses before the second and the third attempt, in milliseconds. */
const PAUSES_MS = [1000, 4000];
/** A server that wants a longer pause than this is not waited for, in milliseconds. */
const LONGEST_PAUSE_MS = 15_000;

export interface ApiPorts {
  readonly http: HttpExchange;
  readonly clock: Clock;
  /** Of this process: proxies for HTTP, option fallbacks, and what programs are started with. */
  readonly env: Environment;
}

export interface ApiCall extends HttpRequest {
  /** Who is called, for messages: `cloudflare`. */
  readonly who: string;
  /** May be sent again when it is not known whether it was carried out. Default true. */
  readonly repeatable?: boolean;
  /** What the body of an error says, for people; null = nothing that can be read. */
  readonly explain?: (response: HttpResponse) => string | null;
  /** The way out when the server refuses (401, 403). */
  readonly refusedHint: string;
  /** Statuses that the caller handles itself, besides 2xx. */
  readonly expected?: readonly number[];
}

/**
 * Calls an API and hands back an answer with a status of 2xx, or one that is expected. Tries three times when the
 * server is unreachable, overloaded or broken.
 *
 * @throws RigilError `dns-provider-refused` (400 to 499), `dns-provider-failed`, `aborted`
 */
export async function callApi(ports: ApiPorts, call: ApiCall, signal: AbortSignal): Promise<HttpResponse> {
  const attempts = call.repeatable === false ? 1 : PAUSES_MS.length + 1;
  for (let attempt = 1; ; attempt++) {
    const outcome = await once(ports, call, signal);
    if ('response' in outcome) return outcome.response;
    const pauseMs = Math.max(outcome.retryAfterMs, PAUSES_MS[attempt - 1] ?? 0);
    if (attempt >= attempts || !outcome.temporary || pauseMs > LONGEST_PAUSE_MS) throw outcome.error;
    await ports.clock.sleep(pauseMs, signal);
    throwIfAborted(signal);
  }
}

type Outcome =
  | { readonly response: HttpResponse }
  | { readonly error: RigilError; readonly temporary: boolean; readonly retryAfterMs: number };

async function once({ http, clock, env }: ApiPorts, call: ApiCall, signal: AbortSignal): Promise<Outcome> {
  const target = `${call.method} ${shown(call.url)}`;
  const { who, repeatable: _, explain, refusedHint, expected, ...request } = call;
  let response: HttpResponse;
  try {
    const late = (): RigilError =>
      new RigilError(
        'dns-provider-failed',
        `${who}: no answer to ${target} within ${REQUEST_LIMIT_MS / 1000} s`,
      );
    response = await bounded({ clock, timeoutMs: REQUEST_LIMIT_MS, signal, onTimeout: late }, (stop) =>
      http({ ...request, proxyEnv: env }, stop),
    );
  } catch (error) {
    throwIfAborted(signal);
    if (error instanceof RigilError) return { error, temporary: true, retryAfterMs: 0 };
    const failed = new RigilError(
      'dns-provider-failed',
      `${who}: ${target} failed: ${systemCodeOf(error) ?? 'no connection'}`,
      {
        hint: `see whether ${new URL(call.url).host} can be reached from here`,
      },
    );
    return { error: failed, temporary: true, retryAfterMs: 0 };
  }
  const { status } = response;
  if ((status >= 200 && status <= 299) || expected?.includes(status) === true) return { response };
  const why = explain?.(response) ?? excerpt(response.body);
  const said = `${who}: ${target} was answered ${status}${why === '' ? '' : `: ${why}`}`;
  const temporary = status === 429 || status >= 500;
  const refused = status >= 400 && status <= 499 && status !== 429 && status !== 408;
  const error = refused
    ? new RigilError('dns-provider-refused', said, {
        hint: status === 401 || status === 403 ? refusedHint : undefined,
      })
    : new RigilError('dns-provider-failed', said, {
        hint:
          status >= 300 && status <= 399 ? 'redirects are not followed: give the final address' : undefined,
      });
  const now = clock.now();
  const retryAt = retryAfter(response.headers['retry-after'], now) ?? now;
  return { error, temporary, retryAfterMs: retryAt - now };
}

/** The address without its query, which may be long. */
function shown(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}

const LONGEST_EXCERPT = 300;

/** The beginning of a body of unknown kind, on one line, without control characters. */
export function excerpt(text: string): string {
  const line = text.replace(/[\p{C}\s]+/gu, ' ').trim();
  return line.length > LONGEST_EXCERPT ? `${line.slice(0, LONGEST_EXCERPT)}…` : line;
}

/** Parses an answer that has to be JSON. @throws RigilError `dns-provider-failed` */
export function jsonOf(who: string, response: HttpResponse): unknown {
  try {
    return JSON.parse(response.body);
  } catch {
    throw new RigilError('dns-provider-failed', `${who}: the answer is not JSON: ${excerpt(response.body)}`);
  }
}

/** A member of something parsed from JSON, or undefined when it is no object. */
export function member(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}

/** As {@link member}, when it is a string. */
export function textMember(value: unknown, key: string): string | null {
  const found = member(value, key);
  return typeof found === 'string' ? found : null;
}

/** As {@link member}, when it is a list; else empty. */
export function listMember(value: unknown, key: string): readonly unknown[] {
  const found = member(value, key);
  return Array.isArray(found) ? found : [];
}
