import { createHash, createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { promisify } from 'node:util';
import { keyHash, type OcspCertificate, readCertificates } from '../ocsp/certificate.ts';
import type { Instant } from '../platform/clock.ts';
import { TAG } from '../x509/der.ts';
import { encode, encodeOid, encodeTime, sequence } from '../x509/encode-der.ts';
import { keyTypeOf } from '../x509/private-key.ts';
import type { RootFiles } from './authority.ts';
import type { AskedCertificate, OcspRequest } from './ocsp-request.ts';

/** How long an answer holds, in milliseconds: a day. Whoever staples asks again after half of it. */
export const ANSWER_LIFE_MS = 86_400_000;

/** What is known of a certificate. */
export type IssuedStatus =
  | { readonly kind: 'good' | 'unknown' }
  /** `reason`: CRLReason of RFC 5280 5.3.1. */
  | { readonly kind: 'revoked'; readonly at: Instant; readonly reason: number };

/** Why a responder gives no answer (RFC 6960 4.2.1, OCSPResponseStatus). */
const REFUSALS = { malformedRequest: 1, internalError: 2, tryLater: 3, unauthorized: 6 } as const;

/** DER of a response that says only why there is no answer. It is not signed. */
export function refuse(why: keyof typeof REFUSALS): Buffer {
  return sequence(encode(ENUMERATED, Uint8Array.of(REFUSALS[why])));
}

/**
 * Signs answers with the key of the root itself (RFC 6960 4.2.2.2): it is in this process anyway, and a delegate's
 * certificate would make every handshake with a staple longer.
 */
export class OcspSigner {
  readonly #issuer: OcspCertificate;
  readonly #key: KeyObject;

  constructor({ certificate, key }: RootFiles) {
    const [issuer] = readCertificates(Buffer.from(certificate));
    if (issuer === undefined) throw new RangeError('a root without a certificate');
    this.#issuer = issuer;
    this.#key = createPrivateKey(key);
  }

  /** DER of the root. */
  get root(): Uint8Array {
    return this.#issuer.der;
  }

  /** Whether the root, by the name and the key that the question gives, is the issuer of the certificate. */
  isIssuerOf({ hash, issuerNameHash, issuerKeyHash }: AskedCertificate): boolean {
    if (hash === null) return false;
    const { subjectName, keyBits } = this.#issuer;
    const digest = (bytes: Uint8Array) => createHash(hash).update(bytes).digest();
    return digest(subjectName).equals(issuerNameHash) && digest(keyBits).equals(issuerKeyHash);
  }

  /**
   * DER of a signed response (RFC 6960 4.2.1).
   *
   * @param statuses what is known of each certificate of the request, in its order
   */
  async respond(
    { certificates, nonce }: OcspRequest,
    statuses: readonly IssuedStatus[],
    now: Instant,
  ): Promise<Buffer> {
    const end = encode(0xa0, encodeTime(now + ANSWER_LIFE_MS));
    const answers = certificates.map(({ certId }, index) =>
      sequence(certId, statusElement(statuses[index]), encodeTime(now), end),
    );
    const data = sequence(
      encode(0xa2, encode(TAG.octetString, keyHash(this.#issuer))),
      encodeTime(now),
      sequence(...answers),
      ...(nonce === null ? [] : [encode(0xa1, sequence(nonceExtension(nonce)))]),
    );
    const { digest, algorithm } = schemeOf(this.#key);
    // With a callback the signature is made in the thread pool.
    const signature = await promisify(sign)(digest, data, this.#key);
    const basic = sequence(data, algorithm, encode(BIT_STRING, Uint8Array.of(0), signature));
    const bytes = sequence(encodeOid(OID_BASIC), encode(TAG.octetString, basic));
    return sequence(encode(ENUMERATED, Uint8Array.of(SUCCESSFUL)), encode(0xa0, bytes));
  }
}

const ENUMERATED = 0x0a;
const BIT_STRING = 0x03;
const SUCCESSFUL = 0;
const OID_BASIC = '1.3.6.1.5.5.7.48.1.1';
const OID_NONCE = '1.3.6.1.5.5.7.48.1.2';

/** `CertStatus ::= CHOICE { good [0] NULL, revoked [1] { time, [0] reason }, unknown [2] NULL }`. */
function statusElement(status: IssuedStatus = { kind: 'unknown' }): Buffer {
  switch (status.kind) {
    case 'good':
      return encode(0x80);
    case 'revoked':
      return encode(
        0xa1,
        encodeTime(status.at),
        encode(0xa0, encode(ENUMERATED, Uint8Array.of(status.reason))),
      );
    case 'unknown':
      return encode(0x82);
    default:
      return status satisfies never;
  }
}

function nonceExtension(value: Uint8Array): Buffer {
  return sequence(encodeOid(OID_NONCE), encode(TAG.octetString, value));
}

/** The hashes are those that the CA signs its certificates with. */
function schemeOf(key: KeyObject): { digest: string; algorithm: Buffer } {
  switch (keyTypeOf(key)) {
    case 'p256':
      return { digest: 'sha256', algorithm: sequence(encodeOid('1.2.840.10045.4.3.2')) };
    case 'p384':
      return { digest: 'sha384', algorithm: sequence(encodeOid('1.2.840.10045.4.3.3')) };
    default:
      return {
        digest: 'sha256',
        algorithm: sequence(encodeOid('1.2.840.113549.1.1.11'), Uint8Array.of(0x05, 0x00)),
      };
  }
}
