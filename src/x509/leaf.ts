import type { X509Certificate } from 'node:crypto';
import { RigilError } from '../errors.ts';
import { readExtensions } from './extensions.ts';
import { parseCertificate } from './parse-certificate.ts';
import { certificatesOf } from './pem.ts';
import { type KeyType, keyTypeOf } from './private-key.ts';

/** What the first certificate of a chain says. Times are milliseconds since 1970. */
export interface Leaf {
  /** DNS names and addresses in the order of the certificate. */
  readonly names: readonly string[];
  readonly notBefore: number;
  readonly notAfter: number;
  /** Upper case hex, as OpenSSL prints it. */
  readonly serial: string;
  /** SHA-256 of the DER, lower case hex. */
  readonly fingerprint: string;
  readonly keyType: KeyType | 'other';
  readonly responderUrl: string | null;
  readonly mustStaple: boolean;
  /** Identifier for renewal information (RFC 9773 4.1), or null without an authority key identifier. */
  readonly ariId: string | null;
  readonly certificate: X509Certificate;
}

/**
 * Reads the leaf of a PEM chain. Costs about a tenth of a millisecond.
 *
 * @throws RigilError `certificate-unusable` when the text has no certificate or an unreadable one
 */
export function readLeaf(chain: string): Leaf {
  const [first] = certificatesOf(chain);
  if (first === undefined) throw new RigilError('certificate-unusable', 'there is no PEM certificate in it');
  const certificate = parseCertificate(first.der);
  const { names, responderUrl, mustStaple, authorityKeyId, serial } = readExtensions(first.der);
  return {
    names,
    notBefore: certificate.validFromDate.getTime(),
    notAfter: certificate.validToDate.getTime(),
    serial: certificate.serialNumber,
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    keyType: keyTypeOf(certificate.publicKey),
    responderUrl,
    mustStaple,
    ariId: authorityKeyId === null ? null : renewalInfoId(authorityKeyId, serial),
    certificate,
  };
}

/** RFC 9773 4.1: key identifier and serial number, base64url without padding, joined by a dot. */
export function renewalInfoId(authorityKeyId: Uint8Array, serial: Uint8Array): string {
  return [authorityKeyId, serial].map((bytes) => Buffer.from(bytes).toString('base64url')).join('.');
}
