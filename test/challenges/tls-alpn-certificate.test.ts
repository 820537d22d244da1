import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { validationCertificate } from '../../src/acme/solvers/tls-alpn-01.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { has } from '../peers.ts';
import { openssl } from '../responder.ts';

describe.skipIf(!has('openssl'))('the certificate of tls-alpn-01, read by openssl', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rigil-alpn-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.each([
    ['a.example.org', 'DNS:a.example.org'],
    ['192.0.2.1', 'IP Address:192.0.2.1'],
    ['2001:db8::1', 'IP Address:2001:DB8:0:0:0:0:0:1'],
  ])('is for %s alone and has the critical acmeIdentifier', async (name, shown) => {
    const serial = Buffer.alloc(16, 0xff);
    const { chain } = await validationCertificate(name, 'token.thumb', systemClock.now(), serial);
    await writeFile(join(folder, 'cert.pem'), chain);
    const text = await openssl(['x509', '-in', 'cert.pem', '-noout', '-text'], folder);
    expect(text).toMatch(new RegExp(`Subject Alternative Name: *\\n *${shown.replaceAll('.', '\\.')}\\n`));
    expect(text).toContain('1.3.6.1.5.5.7.1.31: critical');
    const digest = createHash('sha256').update('token.thumb').digest('hex').toUpperCase();
    const dump = await openssl(['asn1parse', '-in', 'cert.pem'], folder);
    expect(dump).toContain(`[HEX DUMP]:0420${digest}`);
  });
});
