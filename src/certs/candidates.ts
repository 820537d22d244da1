import type { Instant } from '../platform/clock.ts';
import { covers, sameNames, wildcardOf } from '../x509/names.ts';
import type { CertificateFacts, Wanted } from './certificate.ts';
import { satisfies } from './renewal.ts';
import type { Held } from './state.ts';

/**
 * Certificates by the names in them, to find what could be served for a wanted one. After a change of the
 * configuration that is often a certificate with another id or with fewer names: it serves until the right one is
 * there.
 */
export class Candidates {
  readonly #byName = new Map<string, CertificateFacts[]>();

  constructor(certificates: Iterable<CertificateFacts>) {
    for (const facts of certificates) {
      for (const name of facts.names) {
        const list = this.#byName.get(name);
        if (list === undefined) this.#byName.set(name, [facts]);
        else list.push(facts);
      }
    }
  }

  /** The certificate that serves `wanted` best at `now`, or null when all lack its names. */
  bestFor(wanted: Wanted, now: Instant): CertificateFacts | null {
    let best: CertificateFacts | null = null;
    for (const name of wanted.names) {
      for (const key of [name, wildcardOf(name)]) {
        for (const facts of this.#byName.get(key) ?? []) {
          if (best === null || compare(facts, best, wanted, now) > 0) best = facts;
        }
      }
    }
    return best;
  }
}

/** Whether the store's best certificate should replace what is held. */
export function isBetter(
  offered: CertificateFacts,
  held: Held | null,
  wanted: Wanted,
  now: Instant,
): boolean {
  if (held === null) return true;
  if (offered.fingerprint === held.facts.fingerprint) return false;
  // The store's word counts for a place that this process has not written since: somebody may have gone back there.
  const samePlace = offered.issuer === held.facts.issuer && offered.id === held.facts.id;
  if (samePlace && held.unsaved === null && satisfies(offered, wanted)) return true;
  return compare(offered, held.facts, wanted, now) > 0;
}

/**
 * Positive when `left` serves `wanted` better than `right`: in force before expired, the right names before some of
 * them, a wanted issuer before another, then the one obtained last.
 */
function compare(left: CertificateFacts, right: CertificateFacts, wanted: Wanted, now: Instant): number {
  return (
    difference(left, right, ({ notAfter }) => Number(notAfter > now)) ||
    difference(left, right, ({ names }) => Number(sameNames(names, wanted.names))) ||
    difference(left, right, ({ issuer }) => Number(wanted.issuers.includes(issuer))) ||
    difference(left, right, ({ names }) => wanted.names.filter((name) => covers(names, name)).length) ||
    difference(left, right, ({ obtainedAt }) => obtainedAt) ||
    difference(left, right, ({ notAfter }) => notAfter)
  );
}

function difference(
  left: CertificateFacts,
  right: CertificateFacts,
  measure: (facts: CertificateFacts) => number,
): number {
  return measure(left) - measure(right);
}
