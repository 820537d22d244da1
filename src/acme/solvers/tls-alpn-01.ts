import { createHash } from 'node:crypto';
import { serverNameOf, tlsAlpnKey } from '../../challenges/answer-key.ts';
import type { Board } from '../../challenges/board.ts';
import type { Clock, Instant } from '../../platform/clock.ts';
import type { Random } from '../../platform/random.ts';
import { generatePrivateKey } from '../../x509/private-key.ts';
import { loadX509, signingKeys, toGeneralName } from '../../x509/web-crypto.ts';
import type { Solver } from './solver.ts';

/**
 * Answers with a certificate of its own when a CA asks on port 443 for the protocol `acme-tls/1` (RFC 8737, RFC 8738 6).
 * Not for wildcards.
 */
export function tlsAlpn01(board: Board, tools: { readonly clock: Clock; readonly random: Random }): Solver {
  return {
    type: 'tls-alpn-01',
    fits: (name) => !name.startsWith('*.'),
    present: async ({ name, keyAuthorization }, signal) => {
      const serial = tools.random.bytes(16);
      const certificate = await validationCertificate(name, keyAuthorization, tools.clock.now(), serial);
      return board.put(tlsAlpnKey(serverNameOf(name)), { type: 'tls-alpn-01', ...certificate }, signal);
    },
  };
}

/** A self-signed certificate with `name` and the hash of the key authorization in the acmeIdentifier extension (RFC 8737 3). */
export async function validationCertificate(
  name: string,
  keyAuthorization: string,
  now: Instant,
  serial: Buffer,
): Promise<{ readonly chain: string; readonly key: string }> {
  const x509 = await loadX509();
  const key = await generatePrivateKey('p256');
  const { algorithm, ...keys } = signingKeys(key);
  const digest = createHash('sha256').update(keyAuthorization).digest();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    // A positive number whatever the chance.
    serialNumber: `01${serial.toString('hex')}`,
    name: 'CN=ACME challenge',
    notBefore: new Date(now - DAY_MS),
    notAfter: new Date(now + DAY_MS),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.SubjectAlternativeNameExtension([toGeneralName(name)]),
      new x509.Extension(ACME_IDENTIFIER, true, Buffer.concat([OCTET_STRING_32, digest])),
    ],
  });
  return { chain: `${certificate.toString('pem')}\n`, key };
}

const DAY_MS = 86_400_000;
/** id-pe-acmeIdentifier. */
const ACME_IDENTIFIER = '1.3.6.1.5.5.7.1.31';
/** Tag and length of an OCTET STRING of 32 bytes. */
const OCTET_STRING_32 = Buffer.from([0x04, 0x20]);
