import type { X509Certificate } from 'node:crypto';
import { RigilError } from '../../errors.ts';
import { parseCertificate } from '../../x509/parse-certificate.ts';
import { certificatesOf } from '../../x509/pem.ts';
import { belongsTo, readPrivateKey } from '../../x509/private-key.ts';

/** A chain and a key as the store keeps them. */
export interface Ordered {
  /** PEM, leaf first, each followed by its issuer, without the root. */
  readonly chain: string;
  /** PEM, PKCS#8. */
  readonly key: string;
  readonly leaf: X509Certificate;
  readonly selfSigned: boolean;
}

/**
 * Puts PEM certificates into the order that TLS wants. The leaf is the one that the key belongs to; what is not part
 * of its chain is left out.
 *
 * @throws RigilError `certificate-unusable`
 */
export function orderChain(chain: string, key: string): Ordered {
  const privateKey = readPrivateKey(key);
  const certificates = certificatesOf(chain).map(({ der, text }) => ({
    text,
    certificate: parseCertificate(der, 'a certificate in it'),
  }));
  if (certificates.length === 0) {
    throw new RigilError('certificate-unusable', 'there is no PEM certificate in it');
  }
  const leaf = certificates.find(({ certificate }) => belongsTo(privateKey, certificate));
  if (leaf === undefined) {
    throw new RigilError('certificate-unusable', 'the private key is not that of the certificate');
  }
  const ordered = [leaf];
  for (let last = leaf; !isRoot(last.certificate); ) {
    const issuer = certificates.find(
      (each) => !ordered.includes(each) && issued(each.certificate, last.certificate),
    );
    if (issuer === undefined) break;
    ordered.push(issuer);
    last = issuer;
  }
  const kept = ordered.filter((each) => each === leaf || !isRoot(each.certificate));
  return {
    chain: kept.map(({ text }) => text).join(''),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    leaf: leaf.certificate,
    selfSigned: isRoot(leaf.certificate),
  };
}

function isRoot(certificate: X509Certificate): boolean {
  return issued(certificate, certificate);
}

function issued(issuer: X509Certificate, certificate: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}
