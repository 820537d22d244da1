import { beforeEach, describe, expect, it } from 'vitest';
import { ServedCertificates } from '../../src/app/served-certificates.ts';
import type { Certificate, CertificateFacts } from '../../src/certs/certificate.ts';
import type { Staple } from '../../src/ocsp/staple.ts';
import { makeFacts, START } from '../certs/make.ts';

const STAPLE = Uint8Array.of(1);

/** What the CA said, by fingerprint. */
let answers: Map<string, { readonly status: Staple['status']; readonly usable: boolean }>;
let served: ServedCertificates;
let now: number;

beforeEach(() => {
  answers = new Map();
  now = START;
  served = new ServedCertificates(
    {
      stapleOf: (fingerprint) => (answers.get(fingerprint)?.usable === true ? STAPLE : null),
      answerOf: (fingerprint) => {
        const status = answers.get(fingerprint)?.status;
        return status === undefined ? null : answer(status);
      },
      revokedAt: (fingerprint) => (answers.get(fingerprint)?.status === 'revoked' ? 0 : null),
    },
    () => now,
  );
});

describe('what workers show', () => {
  it('is the same object while neither certificate nor staple has changed', () => {
    const certificate = make('one');
    const [first, again] = [show(certificate), show(certificate)];
    expect(again).toBe(first);
    answers.set('one', { status: 'good', usable: true });
    const stapled = show(certificate);
    expect(stapled).toMatchObject({ fingerprint: 'one', staple: STAPLE });
    expect(show(certificate)).toBe(stapled);
  });

  it('is the same as a whole when nothing has changed', () => {
    const both = new Map(['one', 'two'].map((id) => [id, make(id)]));
    const first = served.of(both).certificates;
    expect(served.of(both).certificates).toBe(first);
    answers.set('two', { status: 'good', usable: true });
    const stapled = served.of(both).certificates;
    expect(stapled).not.toBe(first);
    expect(stapled.get('one')).toBe(first.get('one'));
    both.delete('one');
    expect([...served.of(both).certificates.keys()]).toEqual(['two']);
    expect([...first.keys()]).toEqual(['one', 'two']);
  });

  it('is a certificate without a staple, unless it is must-staple', () => {
    expect(show(make('one'))).toMatchObject({ fingerprint: 'one', staple: null });
    expect(show(make('two', { mustStaple: true }))).toMatchObject({ fingerprint: 'one' });
  });

  it('is a must-staple certificate from its first staple on, and the one before it until then', () => {
    const [old, next] = [make('old'), make('new', { mustStaple: true })];
    show(old);
    expect(show(next)).toMatchObject({ fingerprint: 'old' });
    now = old.facts.notAfter;
    expect(show(next)).toMatchObject({ fingerprint: 'new', staple: null });
    now = START;
    show(old);
    answers.set('new', { status: 'unknown', usable: false });
    expect(show(next)).toMatchObject({ fingerprint: 'old' });
    answers.set('new', { status: 'good', usable: true });
    expect(show(next)).toMatchObject({ fingerprint: 'new', staple: STAPLE });
  });

  it('is a must-staple certificate without a staple where there is no other', () => {
    expect(show(make('new', { mustStaple: true }))).toMatchObject({ fingerprint: 'new', staple: null });
    answers.set('new', { status: 'good', usable: true });
    expect(show(make('new', { mustStaple: true }))).toMatchObject({ fingerprint: 'new' });
  });

  it.each(['good', 'revoked'] as const)(
    'is not taken away when a must-staple certificate has no staple any more (%s)',
    (status) => {
      const certificate = make('one', { mustStaple: true });
      answers.set('one', { status: 'good', usable: true });
      show(certificate);
      answers.set('one', { status, usable: false });
      expect(show(certificate)).toMatchObject({ fingerprint: 'one', staple: null });
    },
  );

  it('keeps the staple of the one before up to date while the next one waits', () => {
    const old = make('old');
    answers.set('old', { status: 'good', usable: true });
    expect(show(old)).toMatchObject({ staple: STAPLE });
    answers.set('old', { status: 'good', usable: false });
    expect(show(make('new', { mustStaple: true }))).toMatchObject({ fingerprint: 'old', staple: null });
  });

  it('is the one before a must-staple certificate after a restart, too, where that is of use', () => {
    const [old, next] = [make('old'), make('new', { mustStaple: true })];
    expect(served.unready(new Map([['one', next]]))).toEqual([next]);
    served.recall(next, make('unstapled', { mustStaple: true }));
    served.recall(next, make('expired', { notAfter: START }));
    served.recall(next, make('other', { names: ['other.example'] }));
    answers.set('revoked', { status: 'revoked', usable: false });
    served.recall(next, make('revoked'));
    expect(show(next)).toMatchObject({ fingerprint: 'new' });
    served.recall(next, old);
    expect(show(next)).toMatchObject({ fingerprint: 'old' });
    answers.set('new', { status: 'good', usable: true });
    expect(show(next)).toMatchObject({ fingerprint: 'new', staple: STAPLE });
    expect(served.unready(new Map([['one', next]]))).toEqual([]);
  });

  it('says when a revoked certificate is not shown any more, and only then', () => {
    const told = (certificate: Certificate) => served.of(new Map([['one', certificate]])).revokedReplaced;
    expect(told(make('first'))).toBe(false);
    expect(told(make('second'))).toBe(false);
    answers.set('second', { status: 'revoked', usable: false });
    expect(told(make('second'))).toBe(false);
    expect(told(make('third'))).toBe(true);
    expect(told(make('third'))).toBe(false);
  });
});

function show(certificate: Certificate) {
  return served.of(new Map([['one', certificate]])).certificates.get('one');
}

function make(fingerprint: string, facts: Partial<CertificateFacts> = {}): Certificate {
  const responderUrl = 'http://ocsp.example/';
  return { facts: makeFacts({ id: 'one', fingerprint, responderUrl, ...facts }), chain: 'chain', key: 'key' };
}

function answer(status: Staple['status']): Staple {
  const times = { thisUpdate: 0, nextUpdate: null, producedAt: 0, usableUntil: null, cachedUntil: null };
  return { der: STAPLE, status, responder: '', ...times };
}
