import { type Authority, parseAuthority, sameAuthority } from './authority.ts';
import { FIELD } from './codec/field-kind.ts';
import type { FieldTable } from './codec/field-table.ts';
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
  if (head.table !== undefined && head.table.lineFrom >= 0) return originForm(head, head.table);
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

/** What nearly all requests are. The parser has seen that there is one Host, and nothing forbidden in the target. */
function originForm(head: RequestHead, table: FieldTable): RequestTarget | null {
  const line = table.find(FIELD.host);
  if (line < 0) return null;
  const authority = head.memo?.authorityOf(table, line) ?? parseAuthority(table.value(line));
  return authority === null ? null : new OriginTarget(head, authority);
}

/** Where the path is the target, which becomes a string only when somebody asks. */
class OriginTarget implements RequestTarget {
  readonly authority: Authority;
  readonly #head: RequestHead;

  constructor(head: RequestHead, authority: Authority) {
    this.authority = authority;
    this.#head = head;
  }

  get path(): string {
    return this.#head.target;
  }
}

function pathOf(method: string, rest: string): string {
  if (rest === '' && method === 'OPTIONS') return '*';
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/** A fragment, white space and control characters. */
const FORBIDDEN = /[^!-~\x80-\xff]|#/;

/** absolute-form: what follows the authority is the path and query. */
const ABSOLUTE = /^https?:\/\/([^/?]*)(.*)$/i;
