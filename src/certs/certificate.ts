import type { Instant } from '../platform/clock.ts';
import type { KeyType } from '../x509/private-key.ts';

/**
 * The name of a wanted certificate on the command line, in logs and in the store: its first name, in lower case
 * (`example.com`, `*.example.com`, `192.0.2.1`). Where two wanted certificates begin with the same name, the later one
 * has a suffix made from its other names.
 */
export type CertificateId = string;

/** A certificate that the configuration asks for. */
export interface Wanted {
  readonly id: CertificateId;
  /** DNS names as lower case A-labels (also `*.` ones) or IP addresses; first = subject; no duplicates. */
  readonly names: readonly string[];
  /** Names of issuers, in order of preference. Never empty. */
  readonly issuers: readonly string[];
}

/** What is known of a certificate without opening it: the store keeps it in `meta.json`. */
export interface CertificateFacts {
  readonly id: CertificateId;
  readonly issuer: string;
  /** The names that it was ordered for; a CA may have put in more. */
  readonly names: readonly string[];
  readonly notBefore: Instant;
  readonly notAfter: Instant;
  /** Upper case hex, as OpenSSL prints it. */
  readonly serial: string;
  /** SHA-256 of the leaf's DER, lower case hex. */
  readonly fingerprint: string;
  readonly keyType: KeyType | 'other';
  /** The OCSP responder that the leaf names, or null. */
  readonly responderUrl: string | null;
  /** The leaf carries the TLS feature `status_request` (RFC 7633). */
  readonly mustStaple: boolean;
  /** Identifier for renewal information (RFC 9773 4.1), or null when the leaf has no authority key identifier. */
  readonly ariId: string | null;
  readonly obtainedAt: Instant;
  /** What obtained it: `rigil`, or the program it was imported from. */
  readonly source: string;
}

/** A certificate with its chain and private key. */
export interface Certificate {
  readonly facts: CertificateFacts;
  /** PEM, leaf first, without the root. */
  readonly chain: string;
  /** PEM, PKCS#8. */
  readonly key: string;
}
