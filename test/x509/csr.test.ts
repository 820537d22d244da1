import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { createCsr } from '../../src/x509/csr.ts';
import { toPem } from '../../src/x509/pem.ts';
import { generatePrivateKey, keyTypeOf, readPrivateKey } from '../../src/x509/private-key.ts';
import { has, peer } from '../peers.ts';

const names = ['*.example.com', '192.0.2.1', '2001:db8::1'];

describe.skipIf(!has('openssl'))('a signing request, as openssl reads it', () => {
  const read = (der: Buffer): string =>
    execFileSync(peer('openssl'), ['req', '-noout', '-text', '-verify'], {
      input: toPem('CERTIFICATE REQUEST', der),
      encoding: 'utf8',
      stdio: ['pipe', 'pipe', 'ignore'],
    });

  it.each([
    ['p256', 'ecdsa-with-SHA256'],
    ['p384', 'ecdsa-with-SHA384'],
    ['rsa2048', 'sha256WithRSAEncryption'],
  ] as const)('with a %s key', async (type, signature) => {
    const key = await generatePrivateKey(type);
    const text = read(await createCsr({ names, key, mustStaple: false }));
    expect(text).toContain(`Signature Algorithm: ${signature}`);
    expect(text).toContain('DNS:*.example.com, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1');
    expect(text).toMatch(/Subject: *$/m);
    expect(text).not.toContain('TLS Feature');
  });

  it('asks for must-staple when told to', async () => {
    const key = await generatePrivateKey('p256');
    expect(read(await createCsr({ names, key, mustStaple: true }))).toMatch(/TLS Feature:\s+status_request/);
  });
});

describe('private keys', () => {
  it('are PKCS#8 of the type that was asked for', async () => {
    for (const type of ['p256', 'p384', 'rsa2048'] as const) {
      const pem = await generatePrivateKey(type);
      expect(pem).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
      expect(keyTypeOf(readPrivateKey(pem))).toBe(type);
    }
  });

  it('are not shown when they are damaged', () => {
    const damaged = '-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n';
    expect(() => readPrivateKey(damaged)).toThrowError(
      expect.objectContaining({ code: 'certificate-unusable', message: expect.not.stringContaining('c2Vj') }),
    );
  });
});
