import type { RawHeaders } from './exchange.ts';
import { filterFields, tokensOf } from './raw-headers.ts';

/**
 * Fields that belong to one connection and go no further (RFC 9110 7.6.1), with those that older software
 * treats so. `trailer` is not among them: trailers are passed on, and so is their announcement.
 */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/** Fields without which a message has another meaning: naming them in `Connection` does not remove them. */
const ESSENTIAL: ReadonlySet<string> = new Set([
  'content-length',
  'host',
  'content-type',
  'content-encoding',
]);

/** What `Connection` mostly says, and what naming changes nothing about. */
const KNOWN: ReadonlySet<string> = new Set([...HOP_BY_HOP, ...ESSENTIAL, 'close']);

/** Names (lower case) of the fields of this message that must not be passed on. */
export function connectionFields(headers: RawHeaders): ReadonlySet<string> {
  const named = tokensOf(headers, 'connection').filter((name) => !KNOWN.has(name));
  return named.length === 0 ? HOP_BY_HOP : new Set([...HOP_BY_HOP, ...named]);
}

/** The fields that are meant for the other end. */
export function endToEnd(headers: RawHeaders): string[] {
  const dropped = connectionFields(headers);
  return filterFields(headers, (key) => !dropped.has(key));
}

/** Fields that have no place after the body (RFC 9110 6.5.1): who merges them into the head would be misled. */
const NOT_IN_TRAILERS: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  ...ESSENTIAL,
  'authorization',
  'content-range',
  'cookie',
  'date',
  'expect',
  'forwarded',
  'location',
  'set-cookie',
  'trailer',
  'true-client-ip',
  'x-real-ip',
]);

/** Who asks is said by rigil alone; also names that a CGI-style upstream could not tell from these. */
const IDENTITY = /^(x[-_.]forwarded|tailscale[-_.]user)[-_.]/;

/** The trailer fields that may be passed on. */
export function passableTrailers(trailers: RawHeaders): string[] {
  return filterFields(trailers, (key) => !NOT_IN_TRAILERS.has(key) && !IDENTITY.test(key));
}
