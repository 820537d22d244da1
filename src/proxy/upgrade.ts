import type { RawHeaders } from './exchange.ts';
import { endToEnd } from './hop-by-hop.ts';
import { fieldValue, membersOf, tokensOf } from './raw-headers.ts';

/**
 * The protocols that a request asks to switch to (RFC 9110 7.8), or null when it asks for none that is passed on.
 *
 * `h2c` is never passed on: RFC 9113 has done away with it, and an HTTP/2 connection inside a tunnel would carry
 * requests past routing and header rules.
 */
export function upgradeOf(headers: RawHeaders): string | null {
  if (!tokensOf(headers, 'connection').includes('upgrade')) return null;
  const protocols = membersOf(headers, 'upgrade').filter((name) => !/^h2c/i.test(name));
  return protocols.length === 0 ? null : protocols.join(', ');
}

/** The fields of a 101 for the client: `Upgrade` is for both ends, the rest of the connection's own is not. */
export function switchedHeaders(headers: RawHeaders): RawHeaders {
  const protocol = fieldValue(headers, 'upgrade');
  return protocol === null ? endToEnd(headers) : ['Upgrade', protocol, ...endToEnd(headers)];
}
