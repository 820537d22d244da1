import { HASH_OIDS } from '../ocsp/cert-id.ts';
import { type Element, readElement, readElements, readOid, TAG } from '../x509/der.ts';

/** What somebody wants to know (RFC 6960 4.1.1). */
export interface OcspRequest {
  readonly certificates: readonly AskedCertificate[];
  /** Value of the nonce extension as it came, or null. */
  readonly nonce: Uint8Array | null;
}

/** A certificate that is asked about. */
export interface AskedCertificate {
  /** DER of the CertID, to be repeated in the answer. */
  readonly certId: Uint8Array;
  /** Null = a hash that nobody asks with. */
  readonly hash: keyof typeof HASH_OIDS | null;
  readonly issuerNameHash: Uint8Array;
  readonly issuerKeyHash: Uint8Array;
  /** Upper case hex. */
  readonly serial: string;
}

/** How many certificates one request may ask about. Clients ask about one. */
const MOST_CERTIFICATES = 20;
/** Longest nonce in bytes (RFC 9654 2.1). */
const LONGEST_NONCE = 128;
const OID_NONCE = '1.3.6.1.5.5.7.48.1.2';

/**
 * Reads the DER of a request. Who signed it does not matter: everybody may ask. Null = it is malformed: no request, one
 * about nobody or too many, a nonce of an impossible length, or with a critical extension that is not known.
 */
export function readOcspRequest(der: Uint8Array): OcspRequest | null {
  try {
    // OCSPRequest { tbsRequest { [0] version?, [1] requestorName?, requestList, [2] extensions? }, [0] signature? }
    const [tbs] = readElements(readElement(der).contents);
    const fields = readElements(tbs?.contents ?? new Uint8Array());
    const list = fields.find(({ tag }) => tag === TAG.sequence);
    const certificates = readElements(list?.contents ?? new Uint8Array()).map(askedCertificate);
    if (certificates.length === 0 || certificates.length > MOST_CERTIFICATES) return null;
    return { certificates, nonce: nonceIn(fields.find(({ tag }) => tag === 0xa2)) };
  } catch {
    return null;
  }
}

/** `Request { CertID { AlgorithmIdentifier { OID, parameters? }, nameHash, keyHash, serial }, [0] extensions? }`. */
function askedCertificate(request: Element): AskedCertificate {
  const [certId] = readElements(request.contents);
  const [algorithm, nameHash, keyHash, serial] = readElements(contentsOf(certId));
  const [oid] = readElements(contentsOf(algorithm));
  const dotted = readOid(contentsOf(oid));
  if (certId === undefined || serial?.tag !== TAG.integer || serial.contents.length > 21) {
    throw new RangeError('not a CertID');
  }
  const hash = (['sha1', 'sha256'] as const).find((name) => HASH_OIDS[name] === dotted) ?? null;
  return {
    certId: certId.bytes,
    hash,
    issuerNameHash: contentsOf(nameHash),
    issuerKeyHash: contentsOf(keyHash),
    serial: serialText(serial.contents),
  };
}

function nonceIn(tagged: Element | undefined): Uint8Array | null {
  if (tagged === undefined) return null;
  let nonce: Uint8Array | null = null;
  for (const extension of readElements(readElement(tagged.contents).contents)) {
    const [oid, ...rest] = readElements(extension.contents);
    const value = contentsOf(rest.find(({ tag }) => tag === TAG.octetString));
    const isNonce = readOid(contentsOf(oid)) === OID_NONCE;
    if (!isNonce && rest.some(({ tag, contents }) => tag === TAG.boolean && contents[0] !== 0)) {
      throw new RangeError('a critical extension');
    }
    if (isNonce) nonce = value;
  }
  if (nonce === null) return null;
  const { tag, contents } = readElement(nonce);
  if (tag === TAG.octetString && contents.length > 0 && contents.length <= LONGEST_NONCE) return nonce;
  throw new RangeError('not a nonce');
}

/** As OpenSSL and Node print it: without the zero that marks it as positive. */
function serialText(contents: Uint8Array): string {
  const bytes = contents[0] === 0 && contents.length > 1 ? contents.subarray(1) : contents;
  return Buffer.from(bytes).toString('hex').toUpperCase();
}

function contentsOf(element: Element | undefined): Uint8Array {
  if (element === undefined) throw new RangeError('something is missing');
  return element.contents;
}
