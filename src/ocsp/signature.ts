import { constants, verify, type X509Certificate } from 'node:crypto';
import { readElement, readElements, readOid } from '../x509/der.ts';

/** An AlgorithmIdentifier (RFC 5280 4.1.1.2). */
export interface Algorithm {
  readonly oid: string;
  /** DER, or null when absent. */
  readonly parameters: Uint8Array | null;
}

/** `weak`: made with SHA-1 or MD5, which can be forged. `unsupported`: unknown, or not for this kind of key. */
export type SignatureVerdict = 'valid' | 'invalid' | 'weak' | 'unsupported';

/** Checks `signature` over `data` with the key of `signer`. Never throws. */
export function checkSignature(
  algorithm: Algorithm,
  data: Uint8Array,
  signature: Uint8Array,
  signer: X509Certificate,
): SignatureVerdict {
  const scheme = schemeOf(algorithm);
  if (scheme === 'weak' || scheme === 'unsupported') return scheme;
  const padding = scheme.pss ? { padding: constants.RSA_PKCS1_PSS_PADDING } : {};
  try {
    const key = signer.publicKey;
    if (!scheme.keys.includes(key.asymmetricKeyType ?? '')) return 'unsupported';
    return verify(scheme.digest, data, { key, ...padding }, signature) ? 'valid' : 'invalid';
  } catch {
    return 'unsupported'; // a kind of key, curve or size that this OpenSSL does not know
  }
}

/** Whether signatures made with `algorithm` can be forged. */
export function isWeak(algorithm: Algorithm): boolean {
  return schemeOf(algorithm) === 'weak';
}

interface Scheme {
  /** Null: the key type says how to hash. */
  readonly digest: string | null;
  /** Types of keys that it is for, as Node names them. */
  readonly keys: readonly string[];
  readonly pss?: true;
}

const RSA = ['rsa'];
const EC = ['ec'];

/** RFC 8017, RFC 5758, RFC 8410, NIST (RSA and ECDSA with SHA-3 are not in use). */
const SCHEMES: Readonly<Record<string, Scheme | 'weak'>> = {
  '1.2.840.113549.1.1.11': { digest: 'sha256', keys: RSA },
  '1.2.840.113549.1.1.12': { digest: 'sha384', keys: RSA },
  '1.2.840.113549.1.1.13': { digest: 'sha512', keys: RSA },
  '1.2.840.10045.4.3.2': { digest: 'sha256', keys: EC },
  '1.2.840.10045.4.3.3': { digest: 'sha384', keys: EC },
  '1.2.840.10045.4.3.4': { digest: 'sha512', keys: EC },
  '1.3.101.112': { digest: null, keys: ['ed25519'] },
  '1.3.101.113': { digest: null, keys: ['ed448'] },
  '1.2.840.113549.1.1.4': 'weak', // md5WithRSAEncryption
  '1.2.840.113549.1.1.5': 'weak', // sha1WithRSAEncryption
  '1.2.840.10045.4.1': 'weak', // ecdsa-with-SHA1
};

const RSASSA_PSS = '1.2.840.113549.1.1.10';

const PSS_DIGESTS: Readonly<Record<string, string>> = {
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

function schemeOf({ oid, parameters }: Algorithm): Scheme | 'weak' | 'unsupported' {
  if (oid !== RSASSA_PSS) return SCHEMES[oid] ?? 'unsupported';
  const hash = pssHash(parameters);
  if (hash === null) return 'weak';
  const digest = PSS_DIGESTS[hash];
  return digest === undefined ? 'unsupported' : { digest, keys: ['rsa', 'rsa-pss'], pss: true };
}

/**
 * The hash of RSASSA-PSS parameters, `SEQUENCE { [0] { SEQUENCE { OID … } } … }` (RFC 4055 3.1), or null for the
 * default, which is SHA-1. The mask is taken to be made with the same hash, as RFC 4055 recommends; another one fails.
 */
function pssHash(parameters: Uint8Array | null): string | null {
  if (parameters === null) return null;
  try {
    const hash = readElements(readElement(parameters).contents).find(({ tag }) => tag === 0xa0);
    if (hash === undefined) return null;
    const [oid] = readElements(readElement(hash.contents).contents);
    return oid === undefined ? null : readOid(oid.contents);
  } catch {
    return '';
  }
}
