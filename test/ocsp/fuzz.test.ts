import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RigilError } from '../../src/errors.ts';
import { certIdOf } from '../../src/ocsp/cert-id.ts';
import { type OcspCertificate, readCertificate } from '../../src/ocsp/certificate.ts';
import { buildRequest } from '../../src/ocsp/request.ts';
import { parseResponse } from '../../src/ocsp/response.ts';
import { type Question, verifyResponse } from '../../src/ocsp/verify.ts';
import { splitPem } from '../../src/x509/pem.ts';
import { runs } from '../fuzz-runs.ts';
import { has } from '../peers.ts';
import { OCSP_SIGNING, TestAuthority } from '../responder.ts';

/** One change to some bytes. */
type Mutation =
  | { readonly kind: 'set'; readonly at: number; readonly byte: number }
  | { readonly kind: 'remove' | 'double'; readonly at: number; readonly length: number }
  | { readonly kind: 'insert'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'cut'; readonly at: number };

const at = fc.nat({ max: 4000 });
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('set' as const), at, byte: fc.nat({ max: 255 }) }) },
  fc.record({ kind: fc.constantFrom('remove' as const, 'double' as const), at, length: fc.nat({ max: 64 }) }),
  fc.record({ kind: fc.constant('insert' as const), at, bytes: fc.uint8Array({ maxLength: 16 }) }),
  fc.record({ kind: fc.constant('cut' as const), at }),
);

describe.skipIf(!has('openssl'))('mutated answers and certificates', () => {
  let authority: TestAuthority;
  let question: Question;
  let answers: Buffer[];
  let delegate: OcspCertificate;
  const now = Date.now();

  beforeAll(async () => {
    authority = await TestAuthority.create();
    const leaf = await authority.issue();
    const signer = await authority.issue({ extensions: OCSP_SIGNING });
    const revoked = await authority.issue();
    await authority.revoke(revoked);
    delegate = read(signer.pem);
    question = { certificate: read(leaf.pem), issuer: read(authority.ca.pem), nonce: null };
    const about = (pem: string) => buildRequest(certIdOf(read(pem), question.issuer, 'sha1'), null);
    answers = [
      await authority.answer(about(leaf.pem)),
      await authority.answer(about(leaf.pem), { signer, flags: ['-ndays', '7', '-resp_key_id'] }),
      await authority.answer(about(revoked.pem), { signer }),
    ];
  });
  afterAll(() => authority?.remove());

  it('are never taken for what was not signed, and break nothing', () => {
    const signed = answers.map(signedOf);
    expect(answers.slice(0, 2).map((der) => verifyResponse(der, question, now))).toMatchObject([
      { verified: true, status: 'good' },
      { verified: true, status: 'good' },
    ]);
    fc.assert(
      fc.property(
        fc.nat({ max: 2 }),
        fc.array(mutation, { minLength: 1, maxLength: 4 }),
        (index, mutations) => {
          const original = answers[index] ?? Buffer.alloc(0);
          const mutated = mutations.reduce<Uint8Array>(mutate, original);
          const verdict = verifyResponse(mutated, question, now);
          if (!verdict.verified) return verdict.problems.some(({ severity }) => severity === 'error');
          return index < 2 && verdict.status === 'good' && signedOf(mutated) === signed[index];
        },
      ),
      { numRuns: runs(3000) },
    );
  });

  it('are never taken when parts of two answers are put together', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 2 }),
        fc.nat({ max: 2 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (left, right, cut) => {
          const [head, tail] = [answers[left] ?? Buffer.alloc(0), answers[right] ?? Buffer.alloc(0)];
          const end = Math.floor(head.length * cut);
          const mixed = Buffer.concat([head.subarray(0, end), tail.subarray(Math.floor(tail.length * cut))]);
          const verdict = verifyResponse(mixed, question, now);
          return (
            !verdict.verified || answers.slice(0, 2).some((answer) => signedOf(answer) === signedOf(mixed))
          );
        },
      ),
      { numRuns: runs(500) },
    );
  });

  it('are read or refused with a code', () => {
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), (mutations) => {
        try {
          readCertificate(mutations.reduce<Uint8Array>(mutate, delegate.der));
        } catch (error) {
          expect(error).toBeInstanceOf(RigilError);
        }
      }),
      { numRuns: runs(1000) },
    );
  });
});

function mutate(bytes: Uint8Array, change: Mutation): Uint8Array {
  const place = bytes.length === 0 ? 0 : change.at % bytes.length;
  const [before, after] = [bytes.subarray(0, place), bytes.subarray(place)];
  switch (change.kind) {
    case 'set':
      return Buffer.concat([before, Uint8Array.of(change.byte), after.subarray(1)]);
    case 'remove':
      return Buffer.concat([before, after.subarray(change.length)]);
    case 'double':
      return Buffer.concat([before, after.subarray(0, change.length), after]);
    case 'insert':
      return Buffer.concat([before, change.bytes, after]);
    case 'cut':
      return before;
    default:
      return change satisfies never;
  }
}

function signedOf(der: Uint8Array): string | null {
  const response = parseResponse(der);
  return response.kind === 'basic' ? Buffer.from(response.signed).toString('hex') : null;
}

function read(pem: string): OcspCertificate {
  return readCertificate(splitPem(pem)[0]?.der ?? Buffer.alloc(0));
}
