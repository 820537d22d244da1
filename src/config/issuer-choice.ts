import { isPublicName, wildcardOf } from '../x509/names.ts';
import type { IssuerConfig, RouteConfig } from './config.ts';

/** Which issuers are asked for which certificate. */
export class IssuerChoice {
  readonly #byName: ReadonlyMap<string, readonly IssuerConfig[]>;
  readonly #forPublic: readonly IssuerConfig[];
  readonly #forPrivate: readonly IssuerConfig[];
  readonly #forTailnet: readonly IssuerConfig[];

  constructor(issuers: readonly IssuerConfig[]) {
    this.#byName = new Map(issuers.map((issuer) => [issuer.name, [issuer]]));
    const preferred = issuers.filter(({ scope }) => scope === 'all');
    const unnamed = issuers.filter(({ scope }) => scope === 'all' || scope === 'private');
    this.#forPublic = preferred.length > 0 ? preferred : unnamed;
    this.#forPrivate = unnamed.filter(isPrivateAuthority);
    this.#forTailnet = issuers.filter(({ scope }) => scope === 'tailnet');
  }

  /**
   * The issuers for a certificate with `names`, the preferred one first. A route's `provider` alone, if it has one;
   * for names in a tailnet those of scope `tailnet`, if there are any; for other names that a public CA can certify, all of scope `all`; when one of the names is private, the local CAs and
   * the ACME servers inside of networks. Never empty for a valid configuration.
   */
  for(provider: RouteConfig['provider'], names: readonly string[]): readonly IssuerConfig[] {
    if (provider !== null) return this.#byName.get(provider) ?? [];
    if (this.#forTailnet.length > 0 && names.every(isTailnetName)) return this.#forTailnet;
    return names.every(isPublicName) ? this.#forPublic : this.#forPrivate;
  }
}

/** Whether `name` is one that Tailscale gives to a machine. */
export function isTailnetName(name: string): boolean {
  return name.endsWith('.ts.net');
}

/** Whether an issuer may certify names that no public CA does: a local CA, or an ACME server inside of a network. */
function isPrivateAuthority({ type, directory, caRoot }: IssuerConfig): boolean {
  if (type === 'internal' || directory === null || caRoot !== null) return true;
  return !isPublicName(new URL(directory).hostname.replace(/^\[|\]$/g, ''));
}

/**
 * The names of a route's certificate, without duplicates, the first one its subject: its subjects, else its names; a name
 * directly below one of `wildcardDomains` becomes the wildcard.
 */
export function certificateNames(
  route: Pick<RouteConfig, 'names' | 'subjects'>,
  wildcardDomains: ReadonlySet<string>,
): readonly string[] {
  const names = route.subjects.length > 0 ? route.subjects : route.names;
  const isBelow = (name: string) =>
    name.includes('.') && wildcardDomains.has(name.slice(name.indexOf('.') + 1));
  return [...new Set(names.map((name) => (isBelow(name) ? wildcardOf(name) : name)))];
}
