import { type Element, readElement, readElements, readOid, TAG } from './der.ts';
import { canonicalIp, ipFromBytes } from './ip-address.ts';

/** What rigil wants to know of a certificate and Node's own class does not tell, or only as text to be taken apart. */
export interface Extensions {
  /** DNS names in lower case and addresses of the subject alternative name (RFC 5280 4.2.1.6), in their order. */
  readonly names: readonly string[];
  /** First OCSP responder of the authority information access (RFC 5280 4.2.2.1), or null. */
  readonly responderUrl: string | null;
  /** `status_request` is in the TLS feature extension (RFC 7633): must-staple. */
  readonly mustStaple: boolean;
  /** Key identifier of the authority (RFC 5280 4.2.1.1), or null. */
  readonly authorityKeyId: Uint8Array | null;
  /** Contents of the serial number as they stand in the DER, with the leading zero that marks it as positive. */
  readonly serial: Uint8Array;
}

const OID = {
  subjectAltName: '2.5.29.17',
  authorityKeyIdentifier: '2.5.29.35',
  authorityInfoAccess: '1.3.6.1.5.5.7.1.1',
  tlsFeature: '1.3.6.1.5.5.7.1.24',
  ocsp: '1.3.6.1.5.5.7.48.1',
} as const;

/** Extension number of `status_request` in TLS (RFC 6066 8). */
const STATUS_REQUEST = 5;

/**
 * Reads the DER of a certificate.
 *
 * @throws RigilError `certificate-unusable`
 */
export function readExtensions(certificate: Uint8Array): Extensions {
  const [toBeSigned] = readElements(readElement(certificate).contents);
  const fields = readElements(toBeSigned?.contents ?? new Uint8Array());
  const extensions = extensionValues(fields);
  return {
    names: names(extensions.get(OID.subjectAltName)),
    responderUrl: responderUrl(extensions.get(OID.authorityInfoAccess)),
    mustStaple: mustStaple(extensions.get(OID.tlsFeature)),
    authorityKeyId: authorityKeyId(extensions.get(OID.authorityKeyIdentifier)),
    serial: fields.find(({ tag }) => tag === TAG.integer)?.contents ?? new Uint8Array(),
  };
}

/** Elements inside the value of each extension, by OID: `[3] { SEQUENCE { SEQUENCE { OID, BOOLEAN?, OCTET STRING } } }`. */
function extensionValues(fields: readonly Element[]): Map<string, Element[]> {
  const tagged = fields.find(({ tag }) => tag === 0xa3);
  if (tagged === undefined) return new Map();
  return new Map(
    readElements(readElement(tagged.contents).contents).map((extension) => {
      const parts = readElements(extension.contents);
      const oid = readOid(parts[0]?.contents ?? new Uint8Array());
      const value = parts.find(({ tag }) => tag === TAG.octetString)?.contents ?? new Uint8Array();
      return [oid, WANTED.has(oid) ? readElements(readElement(value).contents) : []];
    }),
  );
}

/** Only these are opened: what else a CA puts in is not ours to judge. */
const WANTED: ReadonlySet<string> = new Set([
  OID.subjectAltName,
  OID.authorityKeyIdentifier,
  OID.authorityInfoAccess,
  OID.tlsFeature,
]);

function names(generalNames: readonly Element[] = []): string[] {
  return generalNames.flatMap(({ tag, contents }) => {
    if (tag === 0x82) return [text(contents).toLowerCase()];
    const address = tag === 0x87 ? ipFromBytes(contents) : null;
    return address === null ? [] : [canonicalIp(address)];
  });
}

function responderUrl(descriptions: readonly Element[] = []): string | null {
  for (const description of descriptions) {
    const [method, location] = readElements(description.contents);
    if (method === undefined || readOid(method.contents) !== OID.ocsp) continue;
    if (location?.tag === 0x86) return text(location.contents);
  }
  return null;
}

function mustStaple(features: readonly Element[] = []): boolean {
  return features.some(({ contents }) => contents.length === 1 && contents[0] === STATUS_REQUEST);
}

function authorityKeyId(parts: readonly Element[] = []): Uint8Array | null {
  return parts.find(({ tag }) => tag === 0x80)?.contents ?? null;
}

function text(contents: Uint8Array): string {
  return Buffer.from(contents).toString('latin1');
}
