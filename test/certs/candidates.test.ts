import { describe, expect, it } from 'vitest';
import { Candidates, isBetter } from '../../src/certs/candidates.ts';
import type { CertificateFacts } from '../../src/certs/certificate.ts';
import { DAY, makeFacts, makeHeld, makeWanted, START } from './make.ts';

const now = START + 10 * DAY;
const wanted = makeWanted({ names: ['a.example.com', 'b.example.com'], issuers: ['ca', 'other'] });
const right = makeFacts({ names: ['b.example.com', 'a.example.com'] });

function best(...facts: CertificateFacts[]): CertificateFacts | null {
  return new Candidates(facts).bestFor(wanted, now);
}

describe('the certificate that serves best', () => {
  it.each<[string, Partial<CertificateFacts>]>([
    ['one that has expired', { names: wanted.names, notBefore: START - 100 * DAY }],
    ['one with some of the names', { names: ['a.example.com'], notBefore: START + DAY }],
    ['one with more names', { names: [...wanted.names, 'c.example.com'], notBefore: START + DAY }],
    ['one of another issuer', { names: wanted.names, issuer: 'unwanted', notBefore: START + DAY }],
    ['an older one', { names: wanted.names, notBefore: START - DAY }],
    ['one for other names', { names: ['example.org'] }],
  ])('is the right one rather than %s', (_, parts) => {
    const other = makeFacts(parts);
    expect(best(other, right)).toBe(right);
    expect(best(right, other)).toBe(right);
  });

  it('is one in force with some of the names rather than the right one that has expired', () => {
    const expired = makeFacts({ names: wanted.names, notBefore: START - 100 * DAY });
    const partly = makeFacts({ names: ['b.example.com'] });
    expect(best(expired, partly)).toBe(partly);
  });

  it('may be a wildcard, an expired one, or none', () => {
    const wildcard = makeFacts({ names: ['*.example.com'] });
    expect(best(makeFacts({ names: ['a.example.com'] }), wildcard)).toBe(wildcard);
    const expired = makeFacts({ names: ['a.example.com'], notBefore: START - 100 * DAY });
    expect(best(expired)).toBe(expired);
    expect(best(makeFacts({ names: ['c.example.com'] }))).toBeNull();
  });

  it('is the one obtained last, of those that are just right', () => {
    const later = makeFacts({
      names: wanted.names,
      issuer: 'other',
      notBefore: START + DAY,
      notAfter: START + 20 * DAY,
    });
    expect(best(right, later)).toBe(later);
  });
});

describe('isBetter', () => {
  const held = makeHeld({ names: wanted.names });

  it('takes anything rather than nothing', () => {
    expect(isBetter(makeFacts({ names: ['a.example.com'] }), null, wanted, now)).toBe(true);
  });

  it('does not take the same one again', () => {
    expect(isBetter(held.facts, held, wanted, now)).toBe(false);
  });

  it('takes a later one, and not an earlier one from elsewhere', () => {
    const at = (notBefore: number) => makeFacts({ names: wanted.names, issuer: 'other', notBefore });
    expect(isBetter(at(START + DAY), held, wanted, now)).toBe(true);
    expect(isBetter(at(START - DAY), held, wanted, now)).toBe(false);
  });

  it('believes the store about a place of its own, also when somebody went back there', () => {
    const earlier = makeFacts({ names: wanted.names, notBefore: START - DAY });
    expect(isBetter(earlier, held, wanted, now)).toBe(true);
    const unsaved = { ...held, unsaved: { attempts: 1, retryAt: now } };
    expect(isBetter(earlier, unsaved, wanted, now)).toBe(false);
  });
});
