import { hostname } from 'node:os';
import type { X509Certificate } from '@peculiar/x509';
import { RigilError } from '../errors.ts';
import type { Instant } from '../platform/clock.ts';
import type { Random } from '../platform/random.ts';
import { readLeaf } from '../x509/leaf.ts';
import { belongsTo, generatePrivateKey, readPrivateKey } from '../x509/private-key.ts';
import { loadX509, type SigningKeys, signingKeys } from '../x509/web-crypto.ts';

/** Lifetime of a root, in milliseconds: ten years. */
export const ROOT_LIFE_MS = 3_652 * 86_400_000;

/** A root that can sign. */
export interface Authority {
  readonly certificate: X509Certificate;
  readonly keys: SigningKeys;
  readonly notAfter: Instant;
}

/** A new root as PEM: certificate and PKCS#8 key. */
export interface RootFiles {
  readonly certificate: string;
  readonly key: string;
}

/**
 * Makes a root: P-256, ten years, for leafs only (RFC 5280 4.2.1.9, path length 0).
 *
 * There is no intermediate: its key would lie beside the root's, so it would protect nothing, and every handshake
 * would carry one certificate more. The name tells host, day and key, so that a person with several of them in a trust
 * store knows which is which.
 */
export async function makeRoot(now: Instant, random: Random): Promise<RootFiles> {
  const x509 = await loadX509();
  const key = await generatePrivateKey('p256');
  const { algorithm, ...keys } = signingKeys(key);
  const { digitalSignature, keyCertSign, cRLSign } = x509.KeyUsageFlags;
  const day = new Date(now).toISOString().slice(0, 10);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: randomSerial(random),
    name: [{ CN: [`rigil local CA ${hostname().slice(0, 30)} ${day} ${random.bytes(2).toString('hex')}`] }],
    notBefore: new Date(now - 3_600_000),
    notAfter: new Date(now + ROOT_LIFE_MS),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      // It signs OCSP answers too.
      new x509.KeyUsagesExtension(digitalSignature | keyCertSign | cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: `${certificate.toString('pem')}\n`, key };
}

/**
 * Reads a root.
 *
 * @throws RigilError `authority-damaged` when a part cannot be read or they do not belong together
 */
export async function readRoot({ certificate, key }: RootFiles): Promise<Authority> {
  try {
    const leaf = readLeaf(certificate);
    if (!belongsTo(readPrivateKey(key), leaf.certificate)) {
      throw new RigilError('certificate-unusable', 'the key belongs to another certificate');
    }
    const x509 = await loadX509();
    return {
      certificate: new x509.X509Certificate(leaf.certificate.raw),
      keys: signingKeys(key),
      notAfter: leaf.notAfter,
    };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new RigilError('authority-damaged', `the root of the local CA is damaged: ${why}`, { cause });
  }
}

/** 127 random bits in 16 bytes, as hex: positive, and never zero (RFC 5280 4.1.2.2). */
export function randomSerial(random: Random): string {
  const bytes = random.bytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString('hex');
}
