import { systemClock } from '../src/platform/clock.ts';
import { generatePrivateKey } from '../src/x509/private-key.ts';
import { loadX509, signingKeys } from '../src/x509/web-crypto.ts';

/** A self-signed certificate for 127.0.0.1, which is its own root. */
export async function loopbackCertificate(): Promise<{ readonly chain: string; readonly key: string }> {
  const x509 = await loadX509();
  const key = await generatePrivateKey('p256');
  const { algorithm, ...keys } = signingKeys(key);
  const now = systemClock.now();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: 'CN=loopback',
    notBefore: new Date(now - 3_600_000),
    notAfter: new Date(now + 3_600_000),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 1, true),
      new x509.SubjectAlternativeNameExtension([
        { type: 'ip', value: '127.0.0.1' },
        { type: 'dns', value: 'localhost' },
      ]),
    ],
  });
  return { chain: `${certificate.toString('pem')}\n`, key };
}
