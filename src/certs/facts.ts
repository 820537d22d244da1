import { RigilError } from '../errors.ts';
import type { Instant } from '../platform/clock.ts';
import { type Leaf, readLeaf } from '../x509/leaf.ts';
import { covers } from '../x509/names.ts';
import { belongsTo, readPrivateKey } from '../x509/private-key.ts';
import type { Certificate, CertificateFacts, CertificateId } from './certificate.ts';

/** Where a certificate came from: what its chain does not say. */
export interface Origin {
  readonly id: CertificateId;
  readonly issuer: string;
  readonly obtainedAt: Instant;
  /** What obtained it: `rigil`, or the program it was imported from. */
  readonly source: string;
}

/**
 * A certificate from a PEM chain and its private key.
 *
 * @throws RigilError `certificate-unusable` when one of them cannot be read, or the key belongs to another certificate
 */
export function toCertificate(chain: string, key: string, origin: Origin): Certificate {
  const leaf = readLeaf(chain);
  if (!belongsTo(readPrivateKey(key), leaf.certificate)) {
    throw new RigilError('certificate-unusable', `the private key is not that of the certificate`);
  }
  return { facts: factsOf(leaf, origin), chain, key };
}

/**
 * Refuses a certificate that cannot serve what was ordered.
 *
 * @throws RigilError `certificate-unusable` when a name is missing or it is not in force at `now`, `responder-missing`
 *   when it asks for staples that nobody can make
 */
export function mustServe({ facts }: Certificate, names: readonly string[], now: Instant): void {
  const missing = names.filter((name) => !covers(facts.names, name));
  if (missing.length > 0) {
    throw new RigilError('certificate-unusable', `the certificate lacks ${missing.join(', ')}`);
  }
  if (facts.notAfter <= now) {
    throw new RigilError('certificate-unusable', 'the certificate has expired already', {
      hint: "compare this machine's clock with the CA's",
    });
  }
  if (facts.mustStaple && facts.responderUrl === null) {
    throw new RigilError('responder-missing', 'the certificate is must-staple, but names no OCSP responder', {
      hint: 'take `must-staple` out of the issuer section: this CA answers no OCSP, so clients would refuse it',
    });
  }
}

function factsOf(leaf: Leaf, { id, issuer, obtainedAt, source }: Origin): CertificateFacts {
  const { names, notBefore, notAfter, serial, fingerprint, keyType, responderUrl, mustStaple, ariId } = leaf;
  return {
    id,
    issuer,
    names,
    notBefore,
    notAfter,
    serial,
    fingerprint,
    keyType,
    responderUrl,
    mustStaple,
    ariId,
    obtainedAt,
    source,
  };
}
