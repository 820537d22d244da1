import { createPublicKey, type X509Certificate } from 'node:crypto';
import { parseCertificate } from '../../x509/parse-certificate.ts';
import { certificatesOf, splitPem } from '../../x509/pem.ts';
import { readPrivateKey } from '../../x509/private-key.ts';
import type { Found, FoundCertificate, Origin, Unusable } from './found.ts';

/** A text file of a source. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/**
 * Finds which key belongs to which certificate among PEM files, whatever they are called. Of several files with one
 * certificate, such as `cert.pem` and `fullchain.pem`, the one with the longest chain counts. CA certificates
 * without a key are no finds of their own.
 */
export function pairPem(files: readonly SourceFile[], origin: Origin): Found {
  const keys = new Map<string, string>();
  const unusable: Unusable[] = [];
  for (const { path, text } of files) {
    for (const { label, text: pem } of splitPem(text).filter(({ label }) => label.endsWith('PRIVATE KEY'))) {
      const id = label === 'ENCRYPTED PRIVATE KEY' ? null : keyId(pem);
      if (id !== null) keys.set(id, pem);
      else unusable.push({ place: path, problem: 'its private key is encrypted, or cannot be read' });
    }
  }
  const found = new Map<string, FoundCertificate>();
  for (const { path, text } of files) {
    const chain = certificatesOf(text);
    const certificates = chain.flatMap(({ der }) => readCertificate(der) ?? []);
    if (chain.length > certificates.length) {
      unusable.push({ place: path, problem: 'a certificate in it cannot be read' });
    }
    for (const certificate of certificates) {
      const key = keys.get(publicId(certificate));
      const known = found.get(certificate.fingerprint256);
      if (key === undefined || (known !== undefined && certificatesOf(known.chain).length >= chain.length))
        continue;
      found.set(certificate.fingerprint256, { place: path, chain: text, key, origin });
    }
    const [first] = certificates;
    if (first !== undefined && !first.ca && !keys.has(publicId(first))) {
      unusable.push({ place: path, problem: 'its private key is not there' });
    }
  }
  return { certificates: [...found.values()], accounts: [], unusable };
}

function keyId(pem: string): string | null {
  try {
    return createPublicKey(readPrivateKey(pem)).export({ type: 'spki', format: 'der' }).toString('base64');
  } catch {
    return null;
  }
}

function publicId(certificate: X509Certificate): string {
  return certificate.publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
}

function readCertificate(der: Buffer): X509Certificate | null {
  try {
    return parseCertificate(der);
  } catch {
    return null;
  }
}
