import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RigilError } from '../../src/errors.ts';
import { readExtensions } from '../../src/x509/extensions.ts';
import { readLeaf, renewalInfoId } from '../../src/x509/leaf.ts';
import { generatePrivateKey } from '../../src/x509/private-key.ts';
import { loadX509, signingKeys } from '../../src/x509/web-crypto.ts';
import { runs } from '../fuzz-runs.ts';

/** A self-signed certificate with everything in it that rigil reads. */
async function certificate(serialNumber = '0087654321'): Promise<string> {
  const x509 = await loadX509();
  const { algorithm, ...keys } = signingKeys(await generatePrivateKey('p256'));
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber,
    name: 'CN=example.com',
    notBefore: new Date('2026-01-01T00:00:00Z'),
    notAfter: new Date('2026-04-01T00:00:00Z'),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.SubjectAlternativeNameExtension([
        { type: 'dns', value: 'Example.com' },
        { type: 'dns', value: '*.example.com' },
        { type: 'ip', value: '192.0.2.1' },
        { type: 'ip', value: '2001:DB8::0:1' },
        { type: 'email', value: 'somebody@example.com' },
      ]),
      new x509.AuthorityKeyIdentifierExtension('69885b6b87464041e1b37b847bd0ae2cde01c8d4'),
      new x509.AuthorityInfoAccessExtension({
        caIssuers: 'http://ca.example/issuer.der',
        ocsp: ['http://ocsp.example/', 'http://second.example/'],
      }),
      new x509.Extension('1.3.6.1.5.5.7.1.24', false, Buffer.from('3003020105', 'hex')),
    ],
  });
  return made.toString('pem');
}

describe('readLeaf', () => {
  it('reads what rigil needs', async () => {
    const { certificate: _, fingerprint, ...leaf } = readLeaf(await certificate());
    expect(leaf).toEqual({
      names: ['example.com', '*.example.com', '192.0.2.1', '2001:db8::1'],
      notBefore: Date.parse('2026-01-01T00:00:00Z'),
      notAfter: Date.parse('2026-04-01T00:00:00Z'),
      serial: '87654321',
      keyType: 'p256',
      responderUrl: 'http://ocsp.example/',
      mustStaple: true,
      // The example of RFC 9773 4.1: the leading zero of the serial number is part of it.
      ariId: 'aYhba4dGQEHhs3uEe9CuLN4ByNQ.AIdlQyE',
    });
    expect(fingerprint).toMatch(/^[0-9a-f]{64}$/);
  });

  it('reads the first certificate of a chain', async () => {
    const [first, second] = [await certificate('01'), await certificate('02')];
    expect(readLeaf(`some words\n${first}\n${second}`).serial).toBe('01');
  });

  it.each([
    ['no PEM at all', 'hello'],
    ['a key only', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n'],
    ['a block of rubbish', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'],
  ])('refuses %s', (_, text) => {
    expect(() => readLeaf(text)).toThrowError(expect.objectContaining({ code: 'certificate-unusable' }));
  });
});

describe('renewalInfoId', () => {
  it('is the example of RFC 9773 4.1', () => {
    const keyId = Buffer.from('69885b6b87464041e1b37b847bd0ae2cde01c8d4', 'hex');
    expect(renewalInfoId(keyId, Buffer.from('0087654321', 'hex'))).toBe(
      'aYhba4dGQEHhs3uEe9CuLN4ByNQ.AIdlQyE',
    );
  });
});

describe('readExtensions', () => {
  it('answers or refuses, whatever bytes it gets', async () => {
    const der = readLeaf(await certificate()).certificate.raw;
    const damaged = fc
      .tuple(fc.nat(der.length - 1), fc.integer({ min: 0, max: 255 }), fc.nat(der.length))
      .map(([at, byte, length]) => {
        const copy = Buffer.from(der.subarray(0, length));
        if (at < copy.length) copy[at] = byte;
        return copy;
      });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), damaged), (bytes) => {
        try {
          readExtensions(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(RigilError);
        }
      }),
      { numRuns: runs(500) },
    );
  });
});
