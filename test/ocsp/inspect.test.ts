import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isBad } from '../../src/ocsp/report.ts';
import { type Clock, systemClock } from '../../src/platform/clock.ts';
import { type Fetch, systemFetch } from '../../src/platform/fetch.ts';
import { has } from '../peers.ts';
import {
  openssl,
  sendOcsp,
  serve,
  startResponder,
  TestAuthority,
  type TestCertificate,
  type TestServer,
} from '../responder.ts';
import { freePort, look, requestFor, storeOf } from './look.ts';

describe.skipIf(!has('openssl'))('inspect', () => {
  let authority: TestAuthority;
  let responder: TestServer;
  let leaf: TestCertificate;
  let revoked: TestCertificate;

  beforeAll(async () => {
    authority = await TestAuthority.create();
    responder = await startResponder(authority);
    const access = `authorityInfoAccess=OCSP;URI:${responder.url}`;
    leaf = await authority.issue({
      extensions: [access, 'tlsfeature=status_request', 'subjectAltName=DNS:leaf.test'],
    });
    revoked = await authority.issue({ extensions: [access] });
    await authority.revoke(revoked);
  });
  afterAll(async () => {
    await responder?.[Symbol.asyncDispose]();
    await authority?.remove();
  });

  describe('of a file', () => {
    it('shows the certificate, without asking anybody', async () => {
      responder.requests.length = 0;
      const report = await look(leaf.certFile);
      expect(report).toMatchObject({
        source: 'file',
        chain: { trusted: null },
        staple: { present: false, problems: [] },
      });
      expect(isBad(report)).toBe(false);
      expect(responder.requests).toEqual([]);
    });

    it('asks the responder with --query, by a hash of choice', async () => {
      const chain = join(authority.dir, 'full.pem');
      await writeFile(chain, leaf.key + leaf.pem + authority.ca.pem);
      for (const hash of ['sha1', 'sha256'] as const) {
        const report = await look(chain, { query: true, hash });
        expect(report.query).toMatchObject({
          present: true,
          status: 'good',
          verified: true,
          url: `${responder.url}/`,
        });
        expect(isBad(report)).toBe(false);
      }
    });

    it('judges an answer at a moment after it was made', async () => {
      let now = systemClock.now() - 2000;
      const clock: Clock = { ...systemClock, now: () => now };
      const slow: Fetch = async (url, options) => {
        const response = await systemFetch(url, options);
        now = systemClock.now();
        return response;
      };
      const report = await look(
        leaf.certFile,
        { query: true, ca: authority.ca.certFile },
        { clock, fetch: slow },
      );
      expect(Date.parse(report.checkedAt)).toBeGreaterThanOrEqual(Date.parse(report.query?.thisUpdate ?? ''));
    });

    it('tells a revocation, when and why', async () => {
      const report = await look(revoked.certFile, { query: true, ca: authority.ca.certFile });
      expect(report.query).toMatchObject({
        status: 'revoked',
        verified: true,
        revokedAt: '2025-11-01T00:00:00.000Z',
        revocationReason: 'keyCompromise',
        problems: [{ code: 'certificate-revoked', message: expect.stringContaining('keyCompromise') }],
      });
      expect(isBad(report)).toBe(true);
    });

    it('calls a responder bad that answers with something else, or an old answer', async () => {
      const old = await authority.answer(requestFor(authority, leaf, Buffer.alloc(32)));
      for (const [code, answer] of [
        ['nonce-mismatch', old],
        ['answer-unreadable', Buffer.from('<html>')],
      ] as const) {
        await using broken = await serve((_, response) => sendOcsp(response, answer));
        const { certFile } = await authority.issue({
          serial: leaf.serial,
          extensions: [`authorityInfoAccess=OCSP;URI:${broken.url}`],
        });
        const report = await look(certFile, { query: true, ca: authority.ca.certFile });
        expect(report.query?.problems).toMatchObject([{ code }]);
        expect(isBad(report)).toBe(true);
      }
    });

    it('calls an unreachable responder bad', async () => {
      const port = await freePort();
      const { certFile } = await authority.issue({
        extensions: [`authorityInfoAccess=OCSP;URI:http://127.0.0.1:${port}`],
      });
      const report = await look(certFile, { query: true, ca: authority.ca.certFile });
      expect(report.query).toMatchObject({ present: false, problems: [{ code: 'responder-unreachable' }] });
      expect(isBad(report)).toBe(true);
    });

    it('finds nothing wrong with a certificate that names no responder', async () => {
      const { certFile } = await authority.issue({
        extensions: ['crlDistributionPoints=URI:http://crl.test/1.crl,URI:ldap://x/y'],
      });
      const report = await look(certFile, { query: true });
      expect(report).toMatchObject({
        certificate: { responderUrl: null, responderUrls: [], crlUrls: ['http://crl.test/1.crl'] },
        query: null,
      });
      expect(isBad(report)).toBe(false);
    });

    it('reads DER', async () => {
      await openssl(['x509', '-in', leaf.certFile, '-outform', 'DER', '-out', 'leaf.der'], authority.dir);
      expect((await look(join(authority.dir, 'leaf.der'))).certificate.serial).toBe(leaf.serial);
    });

    it('escapes what a hostile certificate writes', async () => {
      await openssl(
        ['req', '-x509', '-newkey', 'ed25519', '-nodes', '-keyout', 'evil.key', '-out', 'evil.pem', '-utf8']
          .concat(['-subj', '/CN=a\u001b[31m\u202eb\u0007'])
          .concat(['-addext', 'subjectAltName=DNS:x\u001b[2Jy']),
        authority.dir,
      );
      const report = await look(join(authority.dir, 'evil.pem'));
      expect(JSON.stringify(report)).not.toMatch(/[\p{Cc}\p{Cf}]|\\u00/u);
      expect(report.certificate.subject).toContain('\\u{202e}');
    });

    it('says what is wrong with a file', async () => {
      const text = join(authority.dir, 'text.pem');
      await writeFile(text, 'no certificate');
      const large = join(authority.dir, 'large.pem');
      await writeFile(large, Buffer.alloc(2 * 1024 * 1024));
      for (const path of [text, large, leaf.keyFile, `${authority.dir}/`, join(authority.dir, 'nothing')]) {
        await expect(look(path)).rejects.toMatchObject({ code: 'target-unreadable' });
      }
      await expect(look(leaf.certFile, { ca: text })).rejects.toMatchObject({ code: 'target-unreadable' });
    });
  });

  describe('of a name in the store', () => {
    it('shows what is kept for it', async () => {
      const stored = {
        chain: leaf.pem + authority.ca.pem,
        staple: await authority.answer(requestFor(authority, leaf)),
      };
      const report = await look(
        'leaf.test',
        { stored: true },
        { loadCertificate: storeOf('leaf.test', stored) },
      );
      expect(report).toMatchObject({
        target: 'leaf.test',
        source: 'stored',
        staple: { present: true, verified: true },
      });
    });

    it('misses the staple of a must-staple certificate', async () => {
      const stored = { chain: leaf.pem + authority.ca.pem, staple: null };
      const report = await look(
        'leaf.test',
        { stored: true },
        { loadCertificate: storeOf('leaf.test', stored) },
      );
      expect(report.staple.problems).toMatchObject([{ code: 'staple-missing' }]);
    });

    it('is tried when a host does not exist', async () => {
      const stored = { chain: leaf.pem, staple: null };
      const loadCertificate = storeOf('nowhere.invalid', stored);
      expect(await look('nowhere.invalid', {}, { loadCertificate })).toMatchObject({ source: 'stored' });
    });

    it('must be there', async () => {
      await expect(look('*.leaf.test')).rejects.toMatchObject({ code: 'name-unknown' });
    });
  });
});
