import { describe, expect, it } from 'vitest';
import { AcmeProblem, readProblem } from '../../src/acme/problem.ts';
import { challengeFailed, ProofsFailed } from '../../src/acme/proof-failure.ts';
import { ERRORS, RigilError } from '../../src/errors.ts';

const thrown = (document: unknown, status = 400) => new AcmeProblem(readProblem(document), status, null);
const typed = (type: string, more: object = {}) => ({
  type: `urn:ietf:params:acme:error:${type}`,
  detail: 'because',
  ...more,
});

describe('a problem', () => {
  it.each([
    ['accountDoesNotExist', 'account-unknown', 'later'],
    ['badCSR', 'request-refused', 'never'],
    ['badPublicKey', 'request-refused', 'never'],
    ['badRevocationReason', 'revocation-refused', 'never'],
    ['caa', 'caa-forbids', 'never'],
    ['connection', 'challenge-failed', 'later'],
    ['dns', 'challenge-failed', 'later'],
    ['externalAccountRequired', 'account-binding-required', 'never'],
    ['incorrectResponse', 'challenge-failed', 'later'],
    ['invalidContact', 'account-contact-refused', 'never'],
    ['invalidProfile', 'profile-unknown', 'never'],
    ['malformed', 'issuer-refused', 'later'],
    ['rateLimited', 'rate-limited', 'later'],
    ['rejectedIdentifier', 'identifier-refused', 'never'],
    ['serverInternal', 'issuer-unavailable', 'later'],
    ['tls', 'challenge-failed', 'later'],
    ['unauthorized', 'issuer-refused', 'later'],
    ['unsupportedContact', 'account-contact-refused', 'never'],
    ['unsupportedIdentifier', 'identifier-refused', 'never'],
    ['userActionRequired', 'account-action-required', 'later'],
    ['somethingNew', 'issuer-refused', 'later'],
  ] as const)('of type %s is %s', (type, code, retry) => {
    const error = thrown(typed(type));
    expect(error).toMatchObject({ code, problem: { type } });
    expect(error.message).toContain('because');
    expect(ERRORS[error.code].retry).toBe(retry);
  });

  it('names every identifier of its parts, three at most', () => {
    const part = (value: string) => typed('caa', { identifier: { type: 'dns', value } });
    const subproblems = ['a.test', 'b.test', 'c.test', 'd.test'].map(part);
    const error = thrown(typed('compound', { subproblems }));
    expect(error.code).toBe('caa-forbids');
    expect(error.message).toBe(
      'the CA refused: a.test: because (caa); b.test: because (caa); c.test: because (caa); and 1 more',
    );
  });

  it.each([
    [429, 'rate-limited'],
    [500, 'issuer-unavailable'],
    [503, 'issuer-unavailable'],
    [403, 'issuer-refused'],
  ])('without a document goes by status %i', (status, code) => {
    for (const document of ['<html>', '', null, 7, [], {}]) {
      expect(thrown(document, status)).toMatchObject({
        code,
        message: `the CA answered with HTTP status ${status}`,
      });
    }
  });
});

describe('a failed challenge', () => {
  const failed = (type: string, problem: string) =>
    challengeFailed('www.example.org', type, readProblem(typed(problem)));

  it.each([
    ['http-01', 'connection', 'port 80 of www.example.org'],
    ['http-01', 'unauthorized', 'http://www.example.org/.well-known/acme-challenge/'],
    ['http-01', 'dns', 'A and AAAA records of www.example.org'],
    ['tls-alpn-01', 'tls', 'port 443 of www.example.org'],
    ['dns-01', 'unauthorized', '_acme-challenge.www.example.org'],
  ])('by %s (%s) says what to look at', (type, problem, hint) => {
    expect(failed(type, problem)).toMatchObject({
      code: 'challenge-failed',
      hint: expect.stringContaining(hint),
    });
  });

  it('by a CAA record or a limit is what it always is', () => {
    expect(failed('http-01', 'caa').code).toBe('caa-forbids');
    expect(failed('http-01', 'rateLimited').code).toBe('rate-limited');
  });

  it('stands for others with what only a new configuration can mend', () => {
    const failure = (name: string, error: RigilError) => ({ name, type: 'http-01', error, alternatives: [] });
    const error = new ProofsFailed([
      failure('a', failed('http-01', 'connection')),
      failure('b', new RigilError('identifier-refused', 'b: no')),
    ]);
    expect(error).toMatchObject({ code: 'identifier-refused', message: 'b: no (and 1 more)' });
  });
});
