import { X509Certificate } from 'node:crypto';
import { expect, it } from 'vitest';
import { RigilError } from '../../src/errors.ts';
import { orderChain } from '../../src/store/import/chain.ts';
import { pairPem } from '../../src/store/import/pem-pairs.ts';
import { readLeaf } from '../../src/x509/leaf.ts';
import { splitPem, toPem } from '../../src/x509/pem.ts';
import { loopbackCertificate } from '../loopback-certificate.ts';

/** A certificate that OpenSSL takes, with a public key that is no point of its curve. */
async function withBrokenKey(): Promise<{ chain: string; key: string }> {
  const { chain, key } = await loopbackCertificate();
  const der = Buffer.from(splitPem(chain)[0]?.der ?? []);
  // An uncompressed point on P-256 is 65 bytes behind the header of its bit string.
  const at = der.indexOf(Buffer.from([0x03, 0x42, 0x00, 0x04])) + 4;
  der.fill(0xff, at, at + 8);
  return { chain: toPem('CERTIFICATE', der), key };
}

it('a certificate whose public key is none is refused with a code, wherever it comes from', async () => {
  const { chain, key } = await withBrokenKey();
  expect(() => new X509Certificate(chain)).not.toThrow();
  for (const read of [() => readLeaf(chain), () => orderChain(chain, key)]) {
    expect(read).toThrow(RigilError);
    expect(read).toThrow(expect.objectContaining({ code: 'certificate-unusable' }));
  }
  const { certificates, unusable } = pairPem([{ path: 'a.pem', text: chain + key }], { kind: 'unknown' });
  expect([certificates, unusable]).toEqual([
    [],
    [{ place: 'a.pem', problem: 'a certificate in it cannot be read' }],
  ]);
});
