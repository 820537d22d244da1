import { createHash } from 'node:crypto';
import type { CertificateId, Wanted } from './certificate.ts';

export interface WantedCertificates {
  readonly wanted: readonly Wanted[];
  /** The certificate of each route, in their order. */
  readonly idOfRoute: readonly CertificateId[];
}

/**
 * Names the certificates that routes ask for; routes with the same names and issuers share one. An id is the first
 * name; when that is taken, a hash of all names and issuers follows: `example.com~4f1d02a9`.
 *
 * @param routes the names and issuers of each route's certificate, in file order
 */
export function wantedCertificates(routes: readonly Pick<Wanted, 'names' | 'issuers'>[]): WantedCertificates {
  const byContent = new Map<string, Wanted>();
  const taken = new Set<CertificateId>();
  const idOfRoute = routes.map(({ names, issuers }) => {
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

function freeId(names: readonly string[], content: string, taken: ReadonlySet<string>): CertificateId {
  const first = names[0] ?? '';
  if (!taken.has(first)) return first;
  return `${first}~${createHash('sha256').update(content).digest('hex').slice(0, 8)}`;
}
