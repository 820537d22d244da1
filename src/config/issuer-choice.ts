import type { IssuerConfig, RouteConfig } from './config.ts';
import { isPublicName } from './values/public-name.ts';

/**
 * The issuers that are asked for a certificate for `names`, the preferred one first; never empty.
 *
 * A route's `provider` alone, if it has one. Else, for names that a public CA can certify, all of scope `all`; when one
 * of the names is private, the local CAs and private ACME servers.
 */
export function issuersFor(
  issuers: readonly IssuerConfig[],
  provider: RouteConfig['provider'],
  names: readonly string[],
): readonly IssuerConfig[] {
  if (provider !== null) return issuers.filter((issuer) => issuer.name === provider);
  if (!names.every(isPublicName)) {
    return issuers.filter((issuer) => issuer.scope !== 'named' && isPrivateAuthority(issuer));
  }
  const all = issuers.filter((issuer) => issuer.scope === 'all');
  return all.length > 0 ? all : issuers.filter((issuer) => issuer.scope === 'private');
}

/** Whether an issuer may certify names that no public CA does: a local CA, or an ACME server inside of a network. */
export function isPrivateAuthority(issuer: IssuerConfig): boolean {
  if (issuer.type === 'internal' || issuer.directory === null || issuer.caRoot !== null) return true;
  return !isPublicName(new URL(issuer.directory).hostname.replace(/^\[|\]$/g, ''));
}

/**
 * The names of a route's certificate, without duplicates, the first one its subject: its subjects, else its names; a name
 * directly below one of `wildcardDomains` becomes the wildcard.
 */
export function certificateNames(
  route: Pick<RouteConfig, 'names' | 'subjects'>,
  wildcardDomains: readonly string[],
): readonly string[] {
  const names = route.subjects.length > 0 ? route.subjects : route.names;
  return [...new Set(names.map((name) => wildcardOf(name, wildcardDomains) ?? name))];
}

/** `*.DOMAIN` when `name` is directly below one of `domains`, else null. */
function wildcardOf(name: string, domains: readonly string[]): string | null {
  const parent = name.slice(name.indexOf('.') + 1);
  return name.includes('.') && domains.includes(parent) ? `*.${parent}` : null;
}
