import type { Extension } from '@peculiar/x509';
import type { Issued } from '../certs/ports.ts';
import type { Instant } from '../platform/clock.ts';
import type { Random } from '../platform/random.ts';
import { generatePrivateKey, type KeyType } from '../x509/private-key.ts';
import { loadX509, signingKeys, toGeneralName } from '../x509/web-crypto.ts';
import { type Authority, randomSerial } from './authority.ts';
import { ROOT_PATH } from './responder.ts';

/** Lifetime of a leaf, in milliseconds: seven days. Short, since few clients ask whether it is revoked. */
export const LEAF_LIFE_MS = 7 * 86_400_000;

/** By how much a leaf is backdated, in milliseconds: clients' clocks are not ours. */
const BACKDATED_MS = 3_600_000;

/** Longest common name (RFC 5280, upper bound of X520CommonName). */
const LONGEST_COMMON_NAME = 64;

export interface LeafRequest {
  /** DNS names, also wildcards, and addresses; the first one is the common name where it fits. */
  readonly names: readonly string[];
  readonly keyType: KeyType;
  /** Where the CA answers OCSP, with a slash at its end. Default null: nowhere. */
  readonly responderUrl?: string | null;
  readonly now: Instant;
  readonly random: Random;
}

/** A server certificate of seven days with a new key, signed by the root. Never outlives the root. */
export async function makeLeaf(authority: Authority, request: LeafRequest): Promise<Issued> {
  const { names, keyType, responderUrl = null, now, random } = request;
  const x509 = await loadX509();
  const key = await generatePrivateKey(keyType);
  const { publicKey } = signingKeys(key);
  const [first = ''] = names;
  const commonName = first.length <= LONGEST_COMMON_NAME ? first : null;
  const { digitalSignature, keyEncipherment } = x509.KeyUsageFlags;
  const usage = keyType.startsWith('rsa') ? digitalSignature | keyEncipherment : digitalSignature;
  const extensions: Extension[] = [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(usage, true),
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
    // Critical where it is the only name (RFC 5280 4.2.1.6).
    new x509.SubjectAlternativeNameExtension(names.map(toGeneralName), commonName === null),
    await x509.SubjectKeyIdentifierExtension.create(publicKey),
    await x509.AuthorityKeyIdentifierExtension.create(authority.keys.publicKey),
  ];
  if (responderUrl !== null) {
    // Who asks about a leaf needs its issuer, and may have the leaf alone.
    const caIssuers = new URL(ROOT_PATH, responderUrl).href;
    extensions.push(new x509.AuthorityInfoAccessExtension({ ocsp: responderUrl, caIssuers }));
  }
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: randomSerial(random),
    subject: commonName === null ? [] : [{ CN: [commonName] }],
    issuer: authority.certificate.subjectName,
    notBefore: new Date(now - BACKDATED_MS),
    notAfter: new Date(Math.min(now + LEAF_LIFE_MS, authority.notAfter)),
    publicKey,
    signingKey: authority.keys.privateKey,
    signingAlgorithm: authority.keys.algorithm,
    extensions,
  });
  return { chain: `${certificate.toString('pem')}\n`, key };
}
