import { generatePrivateKey } from '../../../src/x509/private-key.ts';
import { loadX509, signingKeys, toGeneralName } from '../../../src/x509/web-crypto.ts';

/** Signs what it is asked to sign. */
export interface Authority {
  /** PEM: a leaf for the key and names of the signing request (DER), and the intermediate above it. */
  issue(request: Buffer, options?: IssueOptions): Promise<string>;
  /** PEM of the intermediate and of the root. */
  readonly intermediate: string;
  readonly root: string;
}

export interface IssueOptions {
  /** Default: from yesterday, 90 days. */
  readonly validity?: { readonly notBefore: number; readonly notAfter: number };
  /** Instead of those of the request. */
  readonly names?: readonly string[];
}

const DAY_MS = 86_400_000;

export async function createAuthority(now: number): Promise<Authority> {
  const x509 = await loadX509();
  const keys = async () => {
    const { algorithm, ...pair } = signingKeys(await generatePrivateKey('p256'));
    return { algorithm, pair };
  };
  const [rootKeys, keysBelow] = [await keys(), await keys()];
  const span = { notBefore: new Date(now - DAY_MS), notAfter: new Date(now + 90 * DAY_MS) };
  const isAuthority = new x509.BasicConstraintsExtension(true, undefined, true);
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    ...span,
    serialNumber: '01',
    name: 'CN=Fake Root',
    keys: rootKeys.pair,
    signingAlgorithm: rootKeys.algorithm,
    extensions: [isAuthority],
  });
  const intermediate = await x509.X509CertificateGenerator.create({
    ...span,
    serialNumber: '02',
    subject: 'CN=Fake Intermediate',
    issuer: root.subject,
    publicKey: keysBelow.pair.publicKey,
    signingKey: rootKeys.pair.privateKey,
    signingAlgorithm: rootKeys.algorithm,
    extensions: [isAuthority],
  });
  let serial = 0x1000;
  const pem = (certificate: { toString(format: 'pem'): string }) => `${certificate.toString('pem')}\n`;
  return {
    root: pem(root),
    intermediate: pem(intermediate),
    issue: async (request, { validity, names } = {}) => {
      const csr = new x509.Pkcs10CertificateRequest(request);
      const leaf = await x509.X509CertificateGenerator.create({
        notBefore: validity === undefined ? span.notBefore : new Date(validity.notBefore),
        notAfter: validity === undefined ? span.notAfter : new Date(validity.notAfter),
        serialNumber: (serial++).toString(16),
        subject: '',
        issuer: intermediate.subject,
        publicKey: csr.publicKey,
        signingKey: keysBelow.pair.privateKey,
        signingAlgorithm: keysBelow.algorithm,
        extensions: [
          ...(names === undefined
            ? csr.extensions
            : [new x509.SubjectAlternativeNameExtension(names.map(toGeneralName))]),
          await x509.AuthorityKeyIdentifierExtension.create(keysBelow.pair.publicKey),
        ],
      });
      return pem(leaf) + pem(intermediate);
    },
  };
}
