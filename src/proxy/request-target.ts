import { type Authority, parseAuthority, sameAuthority } from './authority.ts';
import type { RequestHead } from './exchange.ts';
import { valuesOf } from './raw-headers.ts';

/** What a request asks for, and whom. */
export interface RequestTarget {
  readonly authority: Authority;
  /** Path and query byte for byte, beginning with `/`; or `*` (RFC 9112 3.2.4). */
  readonly path: string;
}

/**
 * Finds out whom a request is for (RFC 9112 3.2 and 3.3, RFC 9113 8.3.1), or null where that is not beyond doubt: no
 * or several `Host` fields, one that is no host, one that disagrees with the target, a fragment, an unknown scheme.
 */
export function requestTargetOf(head: RequestHead): RequestTarget | null {
  if (FORBIDDEN.test(head.target)) return null;
  const absolute = ABSOLUTE.exec(head.target);
  const path = absolute === null ? head.target : pathOf(head.method, absolute[2] ?? '');
  if (!path.startsWith('/') && !(path === '*' && head.method === 'OPTIONS')) return null;

  const hosts = valuesOf(head.headers, 'host');
  const named = [...hosts, ...(head.authority === null ? [] : [head.authority])].map(parseAuthority);
  if (hosts.length > 1 || (hosts.length === 0 && head.protocol !== 'HTTP/2')) return null;
  if (absolute?.[1] !== undefined) named.push(parseAuthority(absolute[1]));
  const authority = named.at(-1) ?? null;
  if (authority === null) return null;
  const agree = named.every((other) => other !== null && sameAuthority(other, authority, head.scheme));
  return agree ? { authority, path } : null;
}

function pathOf(method: string, rest: string): string {
  if (rest === '' && method === 'OPTIONS') return '*';
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/** A fragment, white space and control characters. */
const FORBIDDEN = /[^!-~\x80-\xff]|#/;

/** absolute-form: what follows the authority is the path and query. */
const ABSOLUTE = /^https?:\/\/([^/?]*)(.*)$/i;
