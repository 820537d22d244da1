import { createHash, X509Certificate } from 'node:crypto';
import { RigilError } from '../errors.ts';
import { type Element, readElement, readElements, readOid, TAG } from '../x509/der.ts';
import { certificatesOf } from '../x509/pem.ts';
import { printable } from './printable.ts';
import type { Algorithm } from './signature.ts';

/** A certificate as OCSP sees it: what Node tells, and the exact bytes that are hashed and compared. */
export interface OcspCertificate {
  readonly x509: X509Certificate;
  readonly der: Uint8Array;
  /** Contents of the serial number, with the leading zero that marks it as positive. */
  readonly serial: Uint8Array;
  /** DER of the name of the issuer and of the subject. */
  readonly issuerName: Uint8Array;
  readonly subjectName: Uint8Array;
  /** The bits of the subject public key, without the leading count of unused bits: what a key hash is made from. */
  readonly keyBits: Uint8Array;
  /** What signed the certificate. */
  readonly signatureAlgorithm: Algorithm;
  /** OCSP responders, http or https (authority information access, RFC 5280 4.2.2.1). */
  readonly responderUrls: readonly string[];
  /** Where the certificate of the issuer is, http or https. */
  readonly issuerUrls: readonly string[];
  /** Where revocation lists are (CRL distribution points, RFC 5280 4.2.1.13). */
  readonly crlUrls: readonly string[];
  /** TLS feature `status_request` (RFC 7633). */
  readonly mustStaple: boolean;
  /** May sign OCSP answers for its issuer (extended key usage id-kp-OCSPSigning, RFC 6960 4.2.2.2). */
  readonly signsOcsp: boolean;
  /** Its own revocation is not to be checked (id-pkix-ocsp-nocheck, RFC 6960 4.2.2.2.1). */
  readonly noCheck: boolean;
}

/** @throws RigilError `certificate-unusable` */
export function readCertificate(der: Uint8Array): OcspCertificate {
  const x509 = parse(der);
  const [tbs, algorithm] = readElements(readElement(x509.raw).contents);
  const fields = readElements(contentsOf(tbs)).filter(({ tag }) => tag !== VERSION);
  const [serial, , issuer, , subject, key, ...rest] = fields;
  const extensions = extensionValues(rest.find(({ tag }) => tag === EXTENSIONS));
  const access = accessUrls(extensions.get(OID.authorityInfoAccess));
  const [oid, parameters] = readElements(contentsOf(algorithm));
  return {
    x509,
    der: x509.raw,
    serial: contentsOf(serial),
    issuerName: bytesOf(issuer),
    subjectName: bytesOf(subject),
    keyBits: contentsOf(readElements(contentsOf(key))[1]).subarray(1),
    signatureAlgorithm: {
      oid: readOid(contentsOf(oid)),
      parameters: parameters === undefined ? null : parameters.bytes,
    },
    responderUrls: access.filter(({ method }) => method === OID.ocsp).map(({ url }) => url),
    issuerUrls: access.filter(({ method }) => method === OID.caIssuers).map(({ url }) => url),
    crlUrls: distributionPointUrls(extensions.get(OID.crlDistributionPoints)),
    mustStaple: itemsOf(extensions.get(OID.tlsFeature)).some(
      ({ contents }) => contents.length === 1 && contents[0] === STATUS_REQUEST,
    ),
    signsOcsp: itemsOf(extensions.get(OID.extendedKeyUsage)).some(
      ({ contents }) => readOid(contents) === OID.ocspSigning,
    ),
    noCheck: extensions.has(OID.noCheck),
  };
}

/**
 * The certificates of a PEM text in order, or the one that DER bytes hold.
 *
 * @throws RigilError `certificate-unusable` when there is none, or one that cannot be read
 */
export function readCertificates(file: Uint8Array): OcspCertificate[] {
  const blocks = certificatesOf(Buffer.from(file).toString('latin1'));
  return blocks.length === 0 ? [readCertificate(file)] : blocks.map(({ der }) => readCertificate(der));
}

/** The subject on one line, for people. */
export function subjectOf({ x509 }: OcspCertificate): string {
  return oneLine(x509.subject);
}

/** The issuer's name on one line, for people. */
export function issuerOf({ x509 }: OcspCertificate): string {
  return oneLine(x509.issuer);
}

/** SHA-1 of the key bits, which OCSP names a key by (RFC 6960 4.2.1, KeyHash). */
export function keyHash({ keyBits }: OcspCertificate): Buffer {
  return createHash('sha1').update(keyBits).digest();
}

/** Whether the key of `issuer` signed `certificate`, and their names fit. */
export function isIssuedBy(certificate: OcspCertificate, issuer: OcspCertificate): boolean {
  try {
    return certificate.x509.checkIssued(issuer.x509) && certificate.x509.verify(issuer.x509.publicKey);
  } catch {
    return false; // a key that this OpenSSL does not know
  }
}

const OID = {
  ocspSigning: '1.3.6.1.5.5.7.3.9',
  noCheck: '1.3.6.1.5.5.7.48.1.5',
  ocsp: '1.3.6.1.5.5.7.48.1',
  caIssuers: '1.3.6.1.5.5.7.48.2',
  authorityInfoAccess: '1.3.6.1.5.5.7.1.1',
  tlsFeature: '1.3.6.1.5.5.7.1.24',
  crlDistributionPoints: '2.5.29.31',
  extendedKeyUsage: '2.5.29.37',
} as const;

const VERSION = 0xa0;
const EXTENSIONS = 0xa3;
/** uniformResourceIdentifier in a GeneralName. */
const URI = 0x86;
/** Extension number of `status_request` in TLS (RFC 6066 8). */
const STATUS_REQUEST = 5;

function parse(der: Uint8Array): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch (cause) {
    throw new RigilError('certificate-unusable', 'it is not a certificate in PEM or DER', { cause });
  }
}

/** The value of each extension by OID: `[3] { SEQUENCE { SEQUENCE { OID, BOOLEAN?, OCTET STRING } } }`. */
function extensionValues(tagged: Element | undefined): Map<string, Uint8Array> {
  if (tagged === undefined) return new Map();
  return new Map(
    itemsOf(tagged.contents).map(({ contents }) => {
      const parts = readElements(contents);
      return [
        readOid(contentsOf(parts[0])),
        contentsOf(parts.find(({ tag }) => tag === TAG.octetString)),
      ] as const;
    }),
  );
}

function accessUrls(value: Uint8Array | undefined): { method: string; url: string }[] {
  return itemsOf(value).flatMap(({ contents }) => {
    const [method, location] = readElements(contents);
    return location?.tag === URI
      ? webUrls(location).map((url) => ({ method: readOid(contentsOf(method)), url }))
      : [];
  });
}

/** `SEQUENCE { SEQUENCE { [0] { [0] { GeneralName… } } … } … }`. */
function distributionPointUrls(value: Uint8Array | undefined): string[] {
  return itemsOf(value).flatMap(({ contents }) => {
    const point = readElements(contents).find(({ tag }) => tag === 0xa0);
    const fullName =
      point === undefined ? undefined : readElements(point.contents).find(({ tag }) => tag === 0xa0);
    return readElements(contentsOf(fullName)).flatMap(webUrls);
  });
}

function webUrls({ tag, contents }: Element): string[] {
  const text = Buffer.from(contents).toString('latin1');
  return tag === URI && /^https?:/i.test(text) && URL.canParse(text) ? [new URL(text).href] : [];
}

/** The elements inside the one element that `value` holds. */
function itemsOf(value: Uint8Array | undefined): Element[] {
  return value === undefined ? [] : readElements(readElement(value).contents);
}

function contentsOf(element: Element | undefined): Uint8Array {
  return element?.contents ?? new Uint8Array();
}

function bytesOf(element: Element | undefined): Uint8Array {
  return element?.bytes ?? new Uint8Array();
}

function oneLine(name: string | undefined): string {
  return printable((name ?? '').split('\n').join(', '));
}
