import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  type X509Certificate,
} from 'node:crypto';
import { promisify } from 'node:util';
import { RigilError } from '../errors.ts';

/** The keys that public CAs accept and rigil makes. */
export type KeyType = 'p256' | 'p384' | 'rsa2048' | 'rsa4096';

/** A new private key as PKCS#8 PEM. Works in the thread pool: an RSA key of 4096 bits takes seconds. */
export async function generatePrivateKey(type: KeyType): Promise<string> {
  const { privateKey } = await generate(type);
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** What kind of key this is; `other` for what rigil does not make itself. */
export function keyTypeOf(key: KeyObject): KeyType | 'other' {
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {};
  if (namedCurve === 'prime256v1') return 'p256';
  if (namedCurve === 'secp384r1') return 'p384';
  if (key.asymmetricKeyType === 'rsa' && modulusLength === 2048) return 'rsa2048';
  if (key.asymmetricKeyType === 'rsa' && modulusLength === 4096) return 'rsa4096';
  return 'other';
}

/**
 * Reads a private key in any form that OpenSSL writes unencrypted: PKCS#8, SEC 1, PKCS#1.
 *
 * @throws RigilError `certificate-unusable`; the message never holds a part of the key
 */
export function readPrivateKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw new RigilError('certificate-unusable', 'the private key cannot be read', { cause });
  }
}

/** Whether `key` is the private half of the key in `certificate`. Compares public halves, which costs no signature. */
export function belongsTo(key: KeyObject, certificate: X509Certificate): boolean {
  return createPublicKey(key).equals(certificate.publicKey);
}

function generate(type: KeyType): Promise<{ privateKey: KeyObject }> {
  const make = promisify(generateKeyPair);
  switch (type) {
    case 'p256':
      return make('ec', { namedCurve: 'P-256' });
    case 'p384':
      return make('ec', { namedCurve: 'P-384' });
    case 'rsa2048':
      return make('rsa', { modulusLength: 2048 });
    case 'rsa4096':
      return make('rsa', { modulusLength: 4096 });
    default: {
      const unknown: never = type;
      throw new RigilError('internal', `unknown key type ${String(unknown)}`);
    }
  }
}
