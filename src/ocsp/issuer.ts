import { type Element, readElement, readElements, readOid, TAG } from '../x509/der.ts';
import { isIssuedBy, type OcspCertificate, readCertificate, readCertificates } from './certificate.ts';
import { getFile, type HttpPorts } from './fetch.ts';

/** The one of `candidates` whose key signed `certificate`, or null. */
export function findIssuer(
  certificate: OcspCertificate,
  candidates: readonly OcspCertificate[],
): OcspCertificate | null {
  return candidates.find((candidate) => isIssuedBy(certificate, candidate)) ?? null;
}

/**
 * Fetches the issuer from where the certificate says that it is (caIssuers, RFC 5280 4.2.2.1): a certificate in DER or
 * PEM, or several in a PKCS #7 bundle. What comes over plain HTTP is believed only when its key signed the certificate.
 *
 * @returns null when none of the places has it
 * @throws the reason of `signal` when it aborts
 */
export async function fetchIssuer(
  certificate: OcspCertificate,
  ports: HttpPorts,
  signal: AbortSignal,
): Promise<OcspCertificate | null> {
  for (const url of certificate.issuerUrls.slice(0, MOST_PLACES)) {
    const file = await getFile(url, ports, signal);
    const issuer = file.kind === 'body' ? findIssuer(certificate, certificatesIn(file.body)) : null;
    if (issuer !== null) return issuer;
  }
  return null;
}

const MOST_PLACES = 3;
const SIGNED_DATA = '1.2.840.113549.1.7.2';

function certificatesIn(file: Uint8Array): OcspCertificate[] {
  for (const read of [readCertificates, readBundle]) {
    try {
      return read(file);
    } catch {} // then it is of the other kind, or nothing that can be used
  }
  return [];
}

/**
 * A PKCS #7 bundle without signatures (RFC 5652 5.1):
 * `SEQUENCE { OID, [0] { SEQUENCE { version, digestAlgorithms, contentInfo, [0] { Certificate… }, … } } }`.
 */
function readBundle(file: Uint8Array): OcspCertificate[] {
  const [type, tagged] = readElements(readElement(file).contents);
  if (type?.tag !== TAG.oid || readOid(type.contents) !== SIGNED_DATA) return [];
  const signedData = readElements(readElement(contentsOf(tagged)).contents);
  const certificates = signedData.find(({ tag }) => tag === 0xa0);
  return readElements(contentsOf(certificates)).map(({ bytes }) => readCertificate(bytes));
}

function contentsOf(element: Element | undefined): Uint8Array {
  return element?.contents ?? new Uint8Array();
}
