import { X509Certificate } from 'node:crypto';
import { RigilError } from '../errors.ts';

/**
 * Reads the DER of one certificate, with its public key: OpenSSL takes one whose key is none, and complains only to
 * whoever asks for the key.
 *
 * @param what to call it in the message
 * @throws RigilError `certificate-unusable`
 */
export function parseCertificate(der: Uint8Array, what = 'the certificate'): X509Certificate {
  try {
    const certificate = new X509Certificate(der);
    void certificate.publicKey;
    return certificate;
  } catch (cause) {
    throw new RigilError('certificate-unusable', `${what} cannot be read`, { cause });
  }
}
