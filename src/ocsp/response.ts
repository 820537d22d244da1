import {
  id_pkix_ocsp_basic,
  id_pkix_ocsp_nonce,
  OCSPResponse,
  OCSPResponseStatus,
  ResponseData,
  type SingleResponse,
} from '@peculiar/asn1-ocsp';
import { AsnParser, OctetString } from '@peculiar/asn1-schema';
import { AlgorithmIdentifier, type Extension } from '@peculiar/asn1-x509';
import type { Instant } from '../platform/clock.ts';
import { readElement, readElements } from '../x509/der.ts';
import { type CertId, type CertIdHash, HASH_OIDS } from './cert-id.ts';
import type { ProblemCode } from './problem.ts';
import type { Algorithm } from './signature.ts';

/** What the bytes of an OCSP response say (RFC 6960 4.2.1), before anything in it is believed. */
export type ParsedResponse =
  | { readonly kind: 'unreadable'; readonly why: string }
  /** An error of the responder; it is not signed. */
  | { readonly kind: 'refused'; readonly code: ProblemCode }
  | BasicResponse;

/** The body of a successful response. */
export interface BasicResponse {
  readonly kind: 'basic';
  /** The bytes that are signed. */
  readonly signed: Uint8Array;
  readonly signatureAlgorithm: Algorithm;
  readonly signature: Uint8Array;
  readonly responder: ResponderId;
  readonly producedAt: Instant;
  readonly nonce: Uint8Array | null;
  /** OIDs of extensions that whoever does not know them must not pass over. */
  readonly criticalExtensions: readonly string[];
  readonly answers: readonly SingleAnswer[];
  /** DER of the certificates that came along, at most {@link MOST_CERTIFICATES}. */
  readonly certificates: readonly Uint8Array[];
}

export type ResponderId =
  /** DER of the signer's subject. */
  | { readonly by: 'name'; readonly name: Uint8Array }
  /** SHA-1 of the signer's key bits. */
  | { readonly by: 'key'; readonly hash: Uint8Array };

/** What is said of one certificate. */
export interface SingleAnswer {
  /** Null when it is named by a hash that nobody asks with. */
  readonly certId: CertId | null;
  readonly status: CertificateStatus;
  readonly revocation: Revocation | null;
  readonly thisUpdate: Instant;
  readonly nextUpdate: Instant | null;
}

export type CertificateStatus = 'good' | 'revoked' | 'unknown';

export interface Revocation {
  readonly at: Instant;
  /** As in RFC 5280 5.3.1, such as `keyCompromise`; null when none is given. */
  readonly reason: string | null;
}

/** A responder sends one, or a short chain. More would only cost us time, and every handshake bytes. */
const MOST_CERTIFICATES = 8;

/** Parses the DER of an OCSP response. Never throws. */
export function parseResponse(der: Uint8Array): ParsedResponse {
  try {
    readElement(der); // nothing may follow: clients would refuse such a staple
    const response = AsnParser.parse(der, OCSPResponse);
    if (response.responseStatus !== OCSPResponseStatus.successful) {
      const code = REFUSALS[response.responseStatus];
      return code === undefined ? unreadable('a status that OCSP does not have') : { kind: 'refused', code };
    }
    const { responseBytes } = response;
    if (responseBytes?.responseType !== id_pkix_ocsp_basic) return unreadable('not a basic response');
    return parseBasic(new Uint8Array(responseBytes.response.buffer));
  } catch {
    return unreadable('not an OCSP response in DER');
  }
}

const REFUSALS: Readonly<Partial<Record<OCSPResponseStatus, ProblemCode>>> = {
  [OCSPResponseStatus.malformedRequest]: 'malformed-request',
  [OCSPResponseStatus.internalError]: 'internal-error',
  [OCSPResponseStatus.tryLater]: 'try-later',
  [OCSPResponseStatus.sigRequired]: 'signature-required',
  [OCSPResponseStatus.unauthorized]: 'unauthorized',
};

/**
 * `SEQUENCE { tbsResponseData, signatureAlgorithm, signature BIT STRING, [0] { SEQUENCE OF Certificate }? }`.
 * The data is parsed from the very bytes that are verified, so that nobody can show us two different things.
 */
function parseBasic(der: Uint8Array): ParsedResponse {
  const [signed, algorithm, signature, certificates] = readElements(readElement(der).contents);
  if (signed === undefined || algorithm === undefined || signature === undefined) {
    return unreadable('not a basic response');
  }
  const data = AsnParser.parse(signed.bytes, ResponseData);
  const signatureAlgorithm = AsnParser.parse(algorithm.bytes, AlgorithmIdentifier);
  const extensions = data.responseExtensions ?? [];
  const nonce = extensions.find(({ extnID }) => extnID === id_pkix_ocsp_nonce);
  const parsed: BasicResponse = {
    kind: 'basic',
    signed: signed.bytes,
    signatureAlgorithm: {
      oid: signatureAlgorithm.algorithm,
      parameters: signatureAlgorithm.parameters ? new Uint8Array(signatureAlgorithm.parameters) : null,
    },
    signature: signature.contents.subarray(1),
    responder: responderId(signed.contents),
    producedAt: data.producedAt.getTime(),
    nonce: nonce === undefined ? null : nonceOf(nonce),
    criticalExtensions: [
      ...critical(extensions.filter((extension) => extension !== nonce)),
      ...data.responses.flatMap(({ singleExtensions }) => critical(singleExtensions ?? [])),
    ],
    answers: data.responses.map(singleAnswer),
    certificates: certificatesIn(certificates?.contents),
  };
  return timesOf(parsed).some(Number.isNaN) ? unreadable('a time that is none') : parsed;
}

/** `ResponseData ::= SEQUENCE { version [0]?, responderID CHOICE { [1] Name, [2] OCTET STRING }, … }`. */
function responderId(data: Uint8Array): ResponderId {
  const id = readElements(data).find(({ tag }) => tag === 0xa1 || tag === 0xa2);
  const value = readElement(id?.contents ?? new Uint8Array());
  return id?.tag === 0xa1 ? { by: 'name', name: value.bytes } : { by: 'key', hash: value.contents };
}

function certificatesIn(tagged: Uint8Array | undefined): Uint8Array[] {
  if (tagged === undefined) return [];
  return readElements(readElement(tagged).contents)
    .slice(0, MOST_CERTIFICATES)
    .map(({ bytes }) => bytes);
}

/** The nonce is an OCTET STRING in the extension's OCTET STRING; some responders leave the inner one out. */
function nonceOf({ extnValue }: Extension): Uint8Array {
  const value = new Uint8Array(extnValue.buffer);
  try {
    return new Uint8Array(AsnParser.parse(value, OctetString).buffer);
  } catch {
    return value;
  }
}

function critical(extensions: readonly Extension[]): string[] {
  return extensions.filter((extension) => extension.critical).map(({ extnID }) => extnID);
}

function singleAnswer({ certID, certStatus, thisUpdate, nextUpdate }: SingleResponse): SingleAnswer {
  const oid = certID.hashAlgorithm.algorithm;
  const hash = HASHES.find((name) => HASH_OIDS[name] === oid);
  const { good, revoked } = certStatus;
  return {
    certId:
      hash === undefined
        ? null
        : {
            hash,
            issuerNameHash: new Uint8Array(certID.issuerNameHash.buffer),
            issuerKeyHash: new Uint8Array(certID.issuerKeyHash.buffer),
            serial: new Uint8Array(certID.serialNumber),
          },
    status: revoked !== undefined ? 'revoked' : good === null ? 'good' : 'unknown',
    revocation:
      revoked === undefined
        ? null
        : {
            at: revoked.revocationTime.getTime(),
            reason: REASONS[Number(revoked.revocationReason?.reason)] ?? null,
          },
    thisUpdate: thisUpdate.getTime(),
    nextUpdate: nextUpdate?.getTime() ?? null,
  };
}

const HASHES: readonly CertIdHash[] = ['sha1', 'sha256'];

/** CRLReason by number; 7 is not used. */
const REASONS: readonly (string | null)[] = [
  'unspecified',
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  null,
  'removeFromCRL',
  'privilegeWithdrawn',
  'aACompromise',
];

function timesOf({ producedAt, answers }: BasicResponse): number[] {
  return [
    producedAt,
    ...answers.flatMap(({ thisUpdate, nextUpdate, revocation }) => [
      thisUpdate,
      nextUpdate ?? 0,
      revocation?.at ?? 0,
    ]),
  ];
}

function unreadable(why: string): ParsedResponse {
  return { kind: 'unreadable', why };
}
