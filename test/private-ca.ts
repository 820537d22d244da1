import { systemClock } from '../src/platform/clock.ts';
import { generatePrivateKey } from '../src/x509/private-key.ts';
import { loadX509, signingKeys } from '../src/x509/web-crypto.ts';

/** A certificate and its key, PEM. */
export interface Issued {
  readonly cert: string;
  readonly key: string;
}

/** A CA that nobody trusts unless told to. */
export interface PrivateCa {
  /** PEM. */
  readonly root: string;
  /** A certificate for DNS names, valid for an hour, or since long no more. */
  issue(names: readonly string[], options?: { readonly expired?: boolean }): Promise<Issued>;
}

export async function privateCa(name: string): Promise<PrivateCa> {
  const x509 = await loadX509();
  const rootKey = await generatePrivateKey('p256');
  const { algorithm, ...keys } = signingKeys(rootKey);
  const now = systemClock.now();
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: `CN=${name}`,
    notBefore: new Date(now - 86_400_000),
    notAfter: new Date(now + 86_400_000),
    keys,
    signingAlgorithm: algorithm,
    extensions: [new x509.BasicConstraintsExtension(true, 1, true)],
  });
  let serial = 1;
  return {
    root: `${root.toString('pem')}\n`,
    async issue(names, { expired = false } = {}) {
      const key = await generatePrivateKey('p256');
      serial += 1;
      const certificate = await x509.X509CertificateGenerator.create({
        serialNumber: serial.toString(16).padStart(2, '0'),
        subject: `CN=${names[0]}`,
        issuer: root.subject,
        notBefore: new Date(now - 7_200_000),
        notAfter: new Date(expired ? now - 3_600_000 : now + 3_600_000),
        publicKey: signingKeys(key).publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: algorithm,
        extensions: [
          new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: 'dns', value }) as const)),
        ],
      });
      return { cert: `${certificate.toString('pem')}\n`, key };
    },
  };
}
