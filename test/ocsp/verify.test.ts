import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CertIdHash, certIdOf } from '../../src/ocsp/cert-id.ts';
import { type OcspCertificate, readCertificate } from '../../src/ocsp/certificate.ts';
import { buildRequest, NONCE_BYTES } from '../../src/ocsp/request.ts';
import { type Verdict, verifyResponse } from '../../src/ocsp/verify.ts';
import { splitPem } from '../../src/x509/pem.ts';
import { has } from '../peers.ts';
import { type AnswerOptions, OCSP_SIGNING, TestAuthority, type TestCertificate } from '../responder.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

describe.skipIf(!has('openssl'))('verifyResponse, on answers of openssl', () => {
  let authority: TestAuthority;
  let impostor: TestAuthority;
  let leaf: TestCertificate;
  let other: TestCertificate;
  let delegate: TestCertificate;
  let now: number;

  beforeAll(async () => {
    [authority, impostor] = await Promise.all([TestAuthority.create(), TestAuthority.create()]);
    leaf = await authority.issue();
    other = await authority.issue({ name: 'other.test' });
    delegate = await authority.issue({ name: 'responder', extensions: OCSP_SIGNING });
    now = Date.now();
  });
  afterAll(async () => {
    await Promise.all([authority?.remove(), impostor?.remove()]);
  });

  it.each<[string, AnswerOptions['flags'] & object]>([
    ['named by name', []],
    ['named by key', ['-resp_key_id']],
    ['without certificates', ['-resp_no_certs']],
    ['by key and without certificates', ['-resp_key_id', '-resp_no_certs']],
    ['with SHA-512', ['-rmd', 'sha512']],
  ])('takes an answer that the issuer signed itself, %s', async (_, flags) => {
    const verdict = await ask(leaf, { flags: ['-ndays', '7', ...flags] });
    expect(verdict).toMatchObject({ verified: true, status: 'good', problems: [] });
    expect(verdict.signer).toMatchObject({ kind: 'issuer', name: 'O=Tests, CN=Test CA' });
    expect(verdict.validUntil).toBe(verdict.nextUpdate);
    expect(verdict.producedAt).toBe(verdict.thisUpdate);
    expect((verdict.nextUpdate ?? 0) - (verdict.thisUpdate ?? 0)).toBe(7 * DAY);
  });

  it.each<[CertIdHash, string[]]>([
    ['sha1', []],
    ['sha256', []],
    ['sha256', ['-resp_key_id']],
  ])('takes an answer of a delegate, asked with %s %s', async (hash, flags) => {
    const verdict = await ask(leaf, { signer: delegate, flags: ['-ndays', '7', ...flags] }, { hash });
    expect(verdict).toMatchObject({ verified: true, status: 'good', problems: [] });
    expect(verdict.signer).toMatchObject({ kind: 'delegate', name: 'CN=responder' });
    expect(verdict.signer?.keyId).toMatch(/^[0-9a-f]{40}$/);
  });

  it('warns of a delegate whose revocation nobody can tell', async () => {
    const revocable = await authority.issue({ extensions: ['extendedKeyUsage=OCSPSigning'] });
    const verdict = await ask(leaf, { signer: revocable });
    expect(verdict).toMatchObject({ verified: true, status: 'good' });
    expect(codesOf(verdict)).toEqual(['signer-revocable']);
  });

  it('reads a revocation, its time and its reason', async () => {
    const revoked = await authority.issue();
    await authority.revoke(revoked, 'keyCompromise');
    expect(await ask(revoked)).toMatchObject({
      verified: true,
      status: 'revoked',
      revocation: { at: Date.UTC(2025, 10, 1), reason: 'keyCompromise' },
    });
  });

  it('reads that the CA does not know a certificate', async () => {
    const forgotten = await authority.issue();
    await authority.forget(forgotten);
    expect(await ask(forgotten)).toMatchObject({ verified: true, status: 'unknown', problems: [] });
  });

  it('counts the end of the delegate as the end of the answer', async () => {
    const brief = await authority.issue({ extensions: OCSP_SIGNING, days: 2 });
    const verdict = await ask(leaf, { signer: brief });
    expect(verdict.validUntil).toBe(certificate(brief).x509.validToDate.getTime());
    expect(verdict.validUntil).toBeLessThan(verdict.nextUpdate ?? 0);
  });

  it('echoes the nonce, and takes an answer without one', async () => {
    const nonce = randomBytes(NONCE_BYTES);
    expect(await ask(leaf, {}, { nonce })).toMatchObject({ verified: true });
    expect(await ask(leaf, {}, { sent: null, nonce })).toMatchObject({ verified: true });
    expect(await ask(leaf, {}, { sent: nonce, nonce: null })).toMatchObject({ verified: true });
  });

  it.each<[string, string, () => Promise<Verdict>]>([
    [
      'a replayed nonce',
      'nonce-mismatch',
      () => ask(leaf, {}, { nonce: randomBytes(32), sent: randomBytes(32) }),
    ],
    ['an answer about another certificate', 'other-certificate', () => ask(other, {}, { about: leaf })],
    ['a corrupted signature', 'signature-invalid', () => ask(leaf, { flags: ['-ndays', '7', '-badsig'] })],
    ['a signature with SHA-1', 'signature-weak', () => ask(leaf, { flags: ['-ndays', '7', '-rmd', 'sha1'] })],
    ['an end that has passed', 'expired', () => ask(leaf, {}, { at: 7 * DAY + 6 * MINUTE })],
    ['a begin that is to come', 'not-yet-valid', () => ask(leaf, {}, { at: -6 * MINUTE })],
    ['an old answer without an end', 'too-old', () => ask(leaf, { flags: [] }, { at: DAY + 6 * MINUTE })],
    ['another certificate of the CA', 'signer-not-authorized', () => ask(leaf, { signer: other })],
    [
      'a delegate that has expired',
      'signer-expired',
      async () => {
        const brief = await authority.issue({ extensions: OCSP_SIGNING, days: 1 });
        return ask(leaf, { signer: brief }, { at: 2 * DAY });
      },
    ],
    [
      'a delegate that is not valid yet',
      'signer-not-yet-valid',
      () => ask(leaf, { signer: delegate }, { at: -7 * MINUTE }),
    ],
    [
      'a delegate of another CA of the same name',
      'signer-foreign',
      async () => {
        const foreign = await impostor.issue({ name: 'responder', extensions: OCSP_SIGNING });
        return ask(leaf, { signer: foreign });
      },
    ],
    ['another CA of the same name', 'signature-invalid', () => ask(leaf, { signer: impostor.ca })],
    [
      'another CA of the same name, by key',
      'signer-foreign',
      () => ask(leaf, { signer: impostor.ca, flags: ['-ndays', '7', '-resp_key_id'] }),
    ],
    [
      'a delegate whose certificate is not there',
      'signer-unknown',
      () => ask(leaf, { signer: delegate, flags: ['-ndays', '7', '-resp_no_certs'] }),
    ],
  ])('refuses %s', async (_, code, verdictOf) => {
    const verdict = await verdictOf();
    expect(verdict).toMatchObject({ verified: false, validUntil: null });
    expect(codesOf(verdict)).toContain(code);
    for (const { message, hint } of verdict.problems) expect([message, hint]).not.toContain('');
  });

  it('gives clocks five minutes', async () => {
    for (const at of [-4 * MINUTE, 7 * DAY + 4 * MINUTE]) {
      expect(await ask(leaf, {}, { at })).toMatchObject({ verified: true });
    }
  });

  it('takes an answer without an end for a day', async () => {
    const verdict = await ask(leaf, { flags: [] }, { at: DAY - MINUTE });
    expect(verdict).toMatchObject({ verified: true, nextUpdate: null });
    expect(verdict.validUntil).toBe((verdict.thisUpdate ?? 0) + DAY);
  });

  it('names every problem at once', async () => {
    const verdict = await ask(leaf, { signer: other, flags: ['-ndays', '7', '-badsig'] }, { at: 8 * DAY });
    expect(codesOf(verdict).sort()).toEqual([
      'expired',
      'signature-invalid',
      'signer-not-authorized',
      'signer-revocable',
    ]);
  });

  it('does not take an answer for a certificate of another CA with the same name and serial', async () => {
    const twin = await impostor.issue({ serial: leaf.serial });
    const der = await authority.answer(request(leaf, authority));
    const verdict = verifyResponse(
      der,
      { certificate: certificate(twin), issuer: certificate(impostor.ca), nonce: null },
      now,
    );
    expect(codesOf(verdict)).toContain('other-certificate');
    expect(codesOf(verdict)).toContain('signature-invalid');
  });

  /** What `verifyResponse` says of openssl's answer, `at` milliseconds from now. */
  async function ask(
    subject: TestCertificate,
    options: AnswerOptions = {},
    question: {
      hash?: CertIdHash;
      nonce?: Buffer | null;
      sent?: Buffer | null;
      at?: number;
      about?: TestCertificate;
    } = {},
  ): Promise<Verdict> {
    const { hash = 'sha1', nonce = null, sent = nonce, at = 0, about = subject } = question;
    const der = await authority.answer(request(about, authority, hash, nonce), options);
    return verifyResponse(
      der,
      { certificate: certificate(subject), issuer: certificate(authority.ca), nonce: sent },
      now + at,
    );
  }
});

describe.skipIf(!has('openssl')).each([
  ['RSA', 'rsa', []],
  ['RSASSA-PSS', 'rsa', ['-rsigopt', 'rsa_padding_mode:pss']],
  ['RSASSA-PSS with SHA-512', 'rsa', ['-rmd', 'sha512', '-rsigopt', 'rsa_padding_mode:pss']],
] as const)('verifyResponse, on %s signatures', (_, key, flags) => {
  it('takes them with SHA-2 and refuses them with SHA-1', async () => {
    const authority = await TestAuthority.create({ key });
    try {
      const leaf = await authority.issue();
      const question = { certificate: certificate(leaf), issuer: certificate(authority.ca), nonce: null };
      const strong = await authority.answer(request(leaf, authority), { flags: ['-ndays', '7', ...flags] });
      expect(verifyResponse(strong, question, Date.now())).toMatchObject({ verified: true, problems: [] });

      const weak = await authority.answer(request(leaf, authority), {
        flags: ['-ndays', '7', ...flags, '-rmd', 'sha1'],
      });
      expect(codesOf(verifyResponse(weak, question, Date.now()))).toEqual(['signature-weak']);
    } finally {
      await authority.remove();
    }
  });
});

describe.skipIf(!has('openssl'))('verifyResponse, on Ed25519 signatures', () => {
  it('takes them', async () => {
    const authority = await TestAuthority.create({ key: 'ed25519' });
    try {
      const leaf = await authority.issue();
      const question = { certificate: certificate(leaf), issuer: certificate(authority.ca), nonce: null };
      const der = await authority.answer(request(leaf, authority));
      expect(verifyResponse(der, question, Date.now())).toMatchObject({ verified: true, problems: [] });
    } finally {
      await authority.remove();
    }
  });
});

describe('verifyResponse, on what is no answer', () => {
  it.each([
    [1, 'malformed-request'],
    [2, 'internal-error'],
    [3, 'try-later'],
    [5, 'signature-required'],
    [6, 'unauthorized'],
    [4, 'answer-unreadable'],
    [99, 'answer-unreadable'],
  ])('tells the refusal %d', (status, code) => {
    const verdict = verifyResponse(Uint8Array.of(0x30, 3, 0x0a, 1, status), nobody(), 0);
    expect(verdict).toMatchObject({ verified: false, status: null });
    expect(codesOf(verdict)).toEqual([code]);
  });

  it.each([
    ['nothing', ''],
    ['HTML', '<html>Please log in</html>'],
    ['a success without an answer', '\x30\x03\x0a\x01\x00'],
    ['a refusal with something after it', '\x30\x03\x0a\x01\x06\x00'],
    ['an endless length', '\x30\x80\x0a\x01\x06\x00\x00'],
    ['nesting without end', '\x30\x82\xff\xf0'.repeat(16_000)],
  ])('does not read %s', (_, bytes) => {
    expect(codesOf(verifyResponse(Buffer.from(bytes, 'latin1'), nobody(), 0))).toEqual(['answer-unreadable']);
  });
});

function nobody() {
  const issuer = readCertificate(splitPem(SELF_SIGNED)[0]?.der ?? Buffer.alloc(0));
  return { certificate: issuer, issuer, nonce: null };
}

function request(
  leaf: TestCertificate,
  authority: TestAuthority,
  hash: CertIdHash = 'sha1',
  nonce: Buffer | null = null,
): Uint8Array {
  return buildRequest(certIdOf(certificate(leaf), certificate(authority.ca), hash), nonce);
}

function certificate({ pem }: TestCertificate): OcspCertificate {
  return readCertificate(splitPem(pem)[0]?.der ?? Buffer.alloc(0));
}

function codesOf({ problems }: Verdict): string[] {
  return problems.map(({ code }) => code);
}

/** Any certificate will do where there is nothing to verify. */
const SELF_SIGNED = `-----BEGIN CERTIFICATE-----
MIIBLjCB4aADAgECAhQPgV7BPvkZU0ahfRJZbhyMkU0DJjAFBgMrZXAwDDEKMAgG
A1UEAwwBeDAgFw0yNjExMjQwOTMwMzNaGA8yMTI2MTAzMTA5MzAzM1owDDEKMAgG
A1UEAwwBeDAqMAUGAytlcAMhAP8nZXXs8udAJL8+E8TaCLdA/HXMRcBgA3iW+NAW
tcrto1MwUTAdBgNVHQ4EFgQUrqUedR66+5hONB1hGwqNsIF1bPowHwYDVR0jBBgw
FoAUrqUedR66+5hONB1hGwqNsIF1bPowDwYDVR0TAQH/BAUwAwEB/zAFBgMrZXAD
QQDRDQ45pkEgqtCoBYdern5MZ37W6Ln6PRK1eWRA7LunKUY8/vjwL5HEgxtxwp/Q
Ssta5/cabSPuFk+5WgNAG/cM
-----END CERTIFICATE-----
`;
