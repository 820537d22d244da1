import { describe, expect, it } from 'vitest';
import type { KnownRenewalInfo } from '../../src/certs/journal.ts';
import { renewalOf, urgentFrom, warnFrom } from '../../src/certs/renewal.ts';
import { DAY, HOUR, makeFacts, makeWanted, START } from './make.ts';

function advice(selected: number, explanationUrl: string | null = null): KnownRenewalInfo {
  const window = { start: selected - HOUR, end: selected + HOUR, selected, explanationUrl };
  return { ariId: makeFacts().ariId ?? '', window, nextFetchAt: 0, failures: 0 };
}

describe('renewalOf', () => {
  it.each([
    ['a lifetime of 90 days', 90, 60],
    ['a lifetime of 45 days', 45, 30],
    ['a lifetime of 10 days', 10, 10 - 10 / 3],
    ['a lifetime of 7 days', 7, 3.5],
    ['a lifetime of 160 hours', 160 / 24, 80 / 24],
  ])('%s', (_, days, expected) => {
    const facts = makeFacts({ notAfter: START + days * DAY });
    expect(renewalOf(facts, makeWanted(), null).at).toBeCloseTo(START + expected * DAY, 0);
  });

  it('follows the advice of the CA, earlier or later', () => {
    for (const days of [1, 10, 75]) {
      const { at, reason } = renewalOf(makeFacts(), makeWanted(), advice(START + days * DAY));
      expect(at).toBe(START + days * DAY);
      expect(reason).toContain('its CA suggests it');
    }
  });

  it('says where the CA explains itself', () => {
    const { reason } = renewalOf(makeFacts(), makeWanted(), advice(START, 'https://ca.example/why'));
    expect(reason).toContain('https://ca.example/why');
  });

  it('never waits beyond the last twentieth of the lifetime', () => {
    const { at } = renewalOf(makeFacts(), makeWanted(), advice(START + 89 * DAY));
    expect(at).toBe(START + 90 * DAY * 0.95);
  });

  it('renews in time though the CA suggests a window after the end of the certificate', () => {
    const { at, reason } = renewalOf(makeFacts(), makeWanted(), advice(START + 400 * DAY));
    expect(at).toBe(START + 90 * DAY * 0.95);
    expect(reason).toBe('a twentieth of its lifetime is left');
  });

  it('ignores advice for another certificate, and none', () => {
    const other = { ...advice(START), ariId: 'other' };
    const none = { ...advice(START), window: null };
    for (const ari of [other, none])
      expect(renewalOf(makeFacts(), makeWanted(), ari).at).toBe(START + 60 * DAY);
  });

  it('leaves a new certificate alone for a day, or for a third of what is left of it, whatever its CA says', () => {
    expect(renewalOf(makeFacts(), makeWanted(), advice(START - DAY)).at).toBe(START + DAY);
    const halfGone = makeFacts({ notBefore: START - 89 * DAY, obtainedAt: START });
    expect(renewalOf(halfGone, makeWanted(), null).at).toBe(START + DAY / 3);
  });

  it('is due from the start when the names are not those wanted', () => {
    const wanted = makeWanted({ id: 'example.com', names: ['example.com', 'b.example.com'] });
    const facts = makeFacts({ names: ['example.com', 'a.example.com'] });
    const { at, reason } = renewalOf(facts, wanted, advice(START + 80 * DAY));
    expect(at).toBe(START);
    expect(reason).toBe('its names have changed (+b.example.com -a.example.com)');
  });

  it('takes another order of the names for the same', () => {
    const wanted = makeWanted({ names: ['a.example.com', 'b.example.com'] });
    const facts = makeFacts({ names: ['b.example.com', 'a.example.com'] });
    expect(renewalOf(facts, wanted, null).at).toBeGreaterThan(START);
  });

  it('is due from the start when its issuer is not wanted any more', () => {
    const { at, reason } = renewalOf(makeFacts({ issuer: 'old' }), makeWanted(), null);
    expect(at).toBe(START);
    expect(reason).toContain('old');
  });
});

describe('the last stages of a life', () => {
  it('come in this order: renewal, urgency, warning, end', () => {
    for (const days of [2, 7, 9.9, 10, 47, 90, 398]) {
      const facts = makeFacts({ notAfter: START + days * DAY });
      const stages = [
        renewalOf(facts, makeWanted(), null).at,
        urgentFrom(facts),
        warnFrom(facts),
        facts.notAfter,
      ];
      expect(stages).toEqual([...stages].sort((left, right) => left - right));
      expect(new Set(stages).size).toBe(4);
    }
  });
});
