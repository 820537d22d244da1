import { FIELD } from '../codec/field-kind.ts';
import type { RequestHead } from '../exchange.ts';
import { valuesOf } from '../raw-headers.ts';

/** By this cookie a client stays with an upstream. Its value says nothing about which one that is. */
export const STICKY_COOKIE = 'rigil_sticky';

/** What the client's cookie says, or null (RFC 6265 4.2.1). */
export function stickyToken({ table, headers }: RequestHead): string | null {
  if (table !== undefined && table.find(FIELD.cookie) < 0) return null;
  for (const value of valuesOf(headers, 'cookie')) {
    for (const pair of value.split(';')) {
      const [name = '', ...rest] = pair.split('=');
      if (name.trim() === STICKY_COOKIE) return rest.join('=').trim();
    }
  }
  return null;
}

/** A `Set-Cookie` for a token. It lasts until the browser ends, and no script sees it. */
export function stickySetCookie(token: string, scheme: RequestHead['scheme']): string {
  const secure = scheme === 'https' ? '; Secure' : '';
  return `${STICKY_COOKIE}=${token}; Path=/; HttpOnly; SameSite=Lax${secure}`;
}
