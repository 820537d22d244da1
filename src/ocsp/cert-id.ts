import { createHash } from 'node:crypto';
import type { OcspCertificate } from './certificate.ts';

/** Hashes that a CertID may be made with. SHA-1 here only names a certificate, it protects nothing (RFC 5019 2.1.1). */
export type CertIdHash = 'sha1' | 'sha256';

/** What OCSP calls a certificate by (RFC 6960 4.1.1). */
export interface CertId {
  readonly hash: CertIdHash;
  readonly issuerNameHash: Uint8Array;
  readonly issuerKeyHash: Uint8Array;
  /** Contents of the serial number. */
  readonly serial: Uint8Array;
}

export const HASH_OIDS: Readonly<Record<CertIdHash, string>> = {
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
};

/** The identifier of `certificate`, issued by `issuer`. */
export function certIdOf(certificate: OcspCertificate, issuer: OcspCertificate, hash: CertIdHash): CertId {
  return {
    hash,
    issuerNameHash: createHash(hash).update(certificate.issuerName).digest(),
    issuerKeyHash: createHash(hash).update(issuer.keyBits).digest(),
    serial: certificate.serial,
  };
}

export function sameCertId(left: CertId, right: CertId): boolean {
  return (
    left.hash === right.hash &&
    Buffer.compare(left.issuerNameHash, right.issuerNameHash) === 0 &&
    Buffer.compare(left.issuerKeyHash, right.issuerKeyHash) === 0 &&
    Buffer.compare(left.serial, right.serial) === 0
  );
}
