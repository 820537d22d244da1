import { loadX509, signingKeys, toGeneralName } from './web-crypto.ts';

/** What a certificate signing request asks for. */
export interface CsrRequest {
  /** DNS names and addresses for the subject alternative name. */
  readonly names: readonly string[];
  /** PEM of the private key that the certificate is for. */
  readonly key: string;
  /** Ask for the TLS feature `status_request` (RFC 7633). */
  readonly mustStaple: boolean;
}

/**
 * A signing request (RFC 2986) as DER. The subject is empty: CAs take the names from the alternative names, and the
 * newer profiles refuse a common name.
 */
export async function createCsr({ names, key, mustStaple }: CsrRequest): Promise<Buffer> {
  const x509 = await loadX509();
  const { algorithm, ...keys } = signingKeys(key);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.SubjectAlternativeNameExtension(names.map(toGeneralName)),
      ...(mustStaple ? [new x509.Extension(TLS_FEATURE, false, STATUS_REQUEST)] : []),
    ],
  });
  return Buffer.from(request.rawData);
}

const TLS_FEATURE = '1.3.6.1.5.5.7.1.24';
/** SEQUENCE { INTEGER 5 }. */
const STATUS_REQUEST = Buffer.from('3003020105', 'hex');
