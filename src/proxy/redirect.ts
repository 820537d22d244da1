import type { Route } from '../routing/route.ts';
import { DEFAULT_PORTS } from './authority.ts';
import type { RequestTarget } from './request-target.ts';

/** Redirects keep method and body (RFC 9110 15.4.9), and path and query byte for byte. */
export const REDIRECT_STATUS = 308;

/**
 * Where a request on a plain listener belongs. A client that named a port stands before a forwarded or unusual one,
 * so it gets `httpsPort`, the port of the first TLS listener; all others get none.
 */
export function httpsLocation({ authority, path }: RequestTarget, httpsPort: number | null): string {
  const port = authority.port === null || httpsPort === null ? null : String(httpsPort);
  return `https://${authority.host}${suffix(port)}${path}`;
}

/** Where a request belongs whose route redirects to its primary name, or null when it is right already. */
export function primaryLocation(
  target: RequestTarget,
  route: Route,
  scheme: 'http' | 'https',
): string | null {
  if (!route.redirectToPrimary) return null;
  const primary = route.primary.toLowerCase();
  if (primary.startsWith('*.')) return null;
  const { authority } = target;
  if (authority.name === primary) return null;
  return `${scheme}://${primary.includes(':') ? `[${primary}]` : primary}${suffix(authority.port, scheme)}${target.path}`;
}

function suffix(port: string | null, scheme: 'http' | 'https' = 'https'): string {
  return port === null || port === DEFAULT_PORTS[scheme] ? '' : `:${port}`;
}
