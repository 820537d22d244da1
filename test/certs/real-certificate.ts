import type { Certificate } from '../../src/certs/certificate.ts';
import { toCertificate } from '../../src/certs/facts.ts';
import { generatePrivateKey } from '../../src/x509/private-key.ts';
import { loadX509, signingKeys, toGeneralName } from '../../src/x509/web-crypto.ts';
import { DAY, START } from './make.ts';

/** Chain and key of a new certificate that signs itself. */
export async function selfSigned(
  names: readonly string[],
  notBefore: number = START,
  notAfter: number = notBefore + 90 * DAY,
): Promise<{ chain: string; key: string }> {
  const x509 = await loadX509();
  const key = await generatePrivateKey('p256');
  const { algorithm, ...keys } = signingKeys(key);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=test',
    notBefore: new Date(notBefore),
    notAfter: new Date(notAfter),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.SubjectAlternativeNameExtension(names.map(toGeneralName)),
      await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { chain: `${certificate.toString('pem')}\n`, key };
}

/** A certificate as an issuer made it at `notBefore`. */
export async function realCertificate(
  parts: {
    id?: string;
    names?: readonly string[];
    issuer?: string;
    notBefore?: number;
    notAfter?: number;
  } = {},
): Promise<Certificate> {
  const names = parts.names ?? [parts.id ?? 'example.com'];
  const { issuer = 'ca', notBefore = START } = parts;
  const { chain, key } = await selfSigned(names, notBefore, parts.notAfter);
  return toCertificate(chain, key, {
    id: parts.id ?? names[0] ?? '',
    issuer,
    obtainedAt: notBefore,
    source: 'rigil',
  });
}
