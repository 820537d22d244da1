import 'reflect-metadata';
import { createHash, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import {
  BasicConstraintsExtension,
  cryptoProvider,
  PemConverter,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { ServedCertificate } from '../../../src/snapshot/snapshot.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const VALIDITY = { notBefore: new Date('2020-01-01'), notAfter: new Date('2120-01-01') };

/** A certificate authority that lives as long as the test. */
export interface Authority {
  /** PEM. */
  readonly root: string;
  /** PEM, PKCS#8. */
  readonly key: string;
  /** A certificate as workers get it. */
  issue(names: readonly string[], more?: Partial<ServedCertificate>): Promise<ServedCertificate>;
}

let made: Promise<Authority> | null = null;

/** Made once. */
export function testAuthority(): Promise<Authority> {
  made ??= make();
  return made;
}

async function make(): Promise<Authority> {
  cryptoProvider.set(webcrypto);
  const rootKeys = await generateKeys();
  const root = await X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: 'CN=test root',
    ...VALIDITY,
    signingAlgorithm: ALGORITHM,
    keys: rootKeys,
    extensions: [new BasicConstraintsExtension(true, undefined, true)],
  });
  let serial = 0x1000;
  return {
    root: root.toString('pem'),
    key: await pkcs8(rootKeys.privateKey),
    async issue(names, more = {}) {
      const keys = await generateKeys();
      serial += 1;
      const leaf: X509Certificate = await X509CertificateGenerator.create({
        serialNumber: serial.toString(16),
        subject: `CN=${names[0] ?? 'nobody'}`,
        issuer: root.subject,
        ...VALIDITY,
        signingAlgorithm: ALGORITHM,
        publicKey: keys.publicKey,
        signingKey: rootKeys.privateKey,
        extensions: [
          new SubjectAlternativeNameExtension(
            names.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value }) as const),
          ),
        ],
      });
      return {
        id: names[0] ?? 'nobody',
        fingerprint: createHash('sha256').update(new Uint8Array(leaf.rawData)).digest('hex'),
        chain: leaf.toString('pem'),
        key: await pkcs8(keys.privateKey),
        staple: null,
        ...more,
      };
    },
  };
}

async function generateKeys() {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

async function pkcs8(key: Parameters<typeof webcrypto.subtle.exportKey>[1]): Promise<string> {
  return PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');
}
