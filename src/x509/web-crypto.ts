import { createPrivateKey, createPublicKey, type KeyObject, type webcrypto } from 'node:crypto';
import { isIpAddress } from './ip-address.ts';
import { keyTypeOf } from './private-key.ts';

/**
 * The X.509 library, loaded on first use: it costs a tenth of a second, and most commands need none of it. It builds
 * on decorators, so the polyfill has to be there first.
 */
export async function loadX509(): Promise<typeof import('@peculiar/x509')> {
  await import('reflect-metadata');
  return import('@peculiar/x509');
}

/** A key pair as the X.509 library wants it, with the algorithm that it signs with. */
export interface SigningKeys extends webcrypto.CryptoKeyPair {
  readonly algorithm: SigningAlgorithm;
}

export interface SigningAlgorithm {
  readonly name: string;
  readonly hash: string;
  readonly namedCurve?: string;
}

/** Both halves of a PEM private key for Web Crypto, whose signatures are made in the thread pool. */
export function signingKeys(pem: string): SigningKeys {
  const key = createPrivateKey(pem);
  const algorithm = algorithmOf(key);
  return {
    algorithm,
    privateKey: key.toCryptoKey(algorithm, false, ['sign']),
    publicKey: createPublicKey(key).toCryptoKey(algorithm, true, ['verify']),
  };
}

/** A name in the form that the X.509 library takes for a subject alternative name. */
export function toGeneralName(name: string): { type: 'dns' | 'ip'; value: string } {
  return { type: isIpAddress(name) ? 'ip' : 'dns', value: name };
}

/** SHA-256, and SHA-384 for P-384: what public CAs use (Baseline Requirements 7.1.3.2). */
function algorithmOf(key: KeyObject): SigningAlgorithm {
  switch (keyTypeOf(key)) {
    case 'p256':
      return { name: 'ECDSA', hash: 'SHA-256', namedCurve: 'P-256' };
    case 'p384':
      return { name: 'ECDSA', hash: 'SHA-384', namedCurve: 'P-384' };
    default:
      return { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  }
}
