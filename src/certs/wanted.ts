import { createHash } from 'node:crypto';
import { isPublicName, wildcardOf } from '../x509/names.ts';
import type { CertificateId, Wanted } from './certificate.ts';

/** What of a configuration decides which certificates are wanted. */
export interface WantedInput {
  /** In file order. Names in lower case, as A-labels. */
  readonly routes: readonly {
    readonly names: readonly string[];
    /** Names of the certificate where they differ from the route's. */
    readonly subjects: readonly string[];
    /** The issuer that must be used, or null. */
    readonly provider: string | null;
  }[];
  /** Names directly below these are served by a wildcard certificate. */
  readonly wildcardDomains: readonly string[];
  /** In order of preference. */
  readonly issuers: readonly { readonly name: string; readonly type: 'acme' | 'internal' }[];
  /** The file has no `issuer` section: the internal CA is for what a public CA cannot certify, and for nothing else. */
  readonly implicitIssuers: boolean;
}

export interface WantedCertificates {
  readonly wanted: readonly Wanted[];
  /** The certificate of each route, in their order. */
  readonly idOfRoute: readonly CertificateId[];
}

/**
 * The certificates that a configuration asks for. A route's certificate has its subjects, else its names, with names
 * below a wildcard domain replaced by the wildcard; routes with the same names and issuers share one. Its id is its
 * first name; when that is taken, a hash of all its names follows: `example.com~4f1d02a9`.
 */
export function wantedCertificates(input: WantedInput): WantedCertificates {
  const byContent = new Map<string, Wanted>();
  const taken = new Set<CertificateId>();
  const idOfRoute = input.routes.map((route) => {
    const names = certificateNames(route.subjects.length > 0 ? route.subjects : route.names, input);
    const issuers = route.provider === null ? issuersFor(names, input) : [route.provider];
    const content = JSON.stringify([[...names].sort(), issuers]);
    const known = byContent.get(content);
    if (known !== undefined) return known.id;
    const id = freeId(names, content, taken);
    taken.add(id);
    byContent.set(content, { id, names, issuers });
    return id;
  });
  return { wanted: [...byContent.values()], idOfRoute };
}

function certificateNames(names: readonly string[], { wildcardDomains }: WantedInput): string[] {
  const domains = new Set(wildcardDomains.map((domain) => domain.replace(/^\./, '')));
  const resolved = names.map((name) => {
    const dot = name.indexOf('.');
    return dot > 0 && domains.has(name.slice(dot + 1)) ? wildcardOf(name) : name;
  });
  return [...new Set(resolved)];
}

function issuersFor(names: readonly string[], { issuers, implicitIssuers }: WantedInput): string[] {
  const type = names.every(isPublicName) ? 'acme' : 'internal';
  return issuers.filter((issuer) => !implicitIssuers || issuer.type === type).map(({ name }) => name);
}

function freeId(names: readonly string[], content: string, taken: ReadonlySet<string>): CertificateId {
  const first = names[0] ?? '';
  if (!taken.has(first)) return first;
  return `${first}~${createHash('sha256').update(content).digest('hex').slice(0, 8)}`;
}
