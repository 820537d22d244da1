import { describe, expect, it } from 'vitest';
import type { Certificate } from '../../src/certs/certificate.ts';
import { fold } from '../../src/certs/fold.ts';
import { emptyJournal } from '../../src/certs/journal.ts';
import { DAY, MINUTE, makeEntry, makeFacts, makeFailure, makeHeld, START } from './make.ts';

const at = { id: 'example.com', at: START, chance: 0.5 };
const certificate: Certificate = { facts: makeFacts(), chain: '', key: '' };
const failed = {
  kind: 'failed',
  ...at,
  issuer: 'ca',
  code: 'challenge-failed',
  message: 'no',
  hint: null,
  retryAt: null,
  before: emptyJournal,
} as const;

describe('fold', () => {
  it('holds what was issued, and forgets the failures', () => {
    const entry = makeEntry({ journal: { failure: makeFailure(), ari: null } });
    const after = fold(entry, { kind: 'issued', ...at, certificate, unsaved: null, stapleAt: null });
    expect(after).toMatchObject({ phase: 'held', held: { facts: certificate.facts }, journal: emptyJournal });
  });

  it('keeps what is held after a failure, also when it is refused for good', () => {
    const entry = makeEntry({ held: makeHeld() });
    const later = fold(entry, failed);
    expect(later).toMatchObject({ phase: 'held', held: entry.held });
    expect(later.journal.failure).toMatchObject({ attempts: 1, retryAt: START + MINUTE });

    const never = fold(entry, { ...failed, code: 'identifier-refused' });
    expect(never).toMatchObject({ phase: 'blocked', held: entry.held });
  });

  it('counts on from what another process noted', () => {
    const before = { failure: makeFailure({ attempts: 3 }), ari: null };
    expect(fold(makeEntry(), { ...failed, before }).journal.failure?.attempts).toBe(4);
  });

  it('takes over the failure of another process', () => {
    const journal = { failure: makeFailure({ retryAt: START + DAY }), ari: null };
    expect(fold(makeEntry(), { kind: 'deferred', ...at, journal }).journal).toEqual(journal);
  });

  it('ends the failures with a certificate that another process stored', () => {
    const offer = { facts: makeFacts(), trouble: null };
    const entry = makeEntry({ offer, journal: { failure: makeFailure(), ari: null } });
    const after = fold(entry, { kind: 'adopted', ...at, certificate, unsaved: null, stapleAt: null });
    expect(after).toMatchObject({ phase: 'held', offer: null, journal: { failure: null } });
  });

  it('keeps the failures when what it takes over is not what is wanted', () => {
    const failure = makeFailure();
    const partly = { ...certificate, facts: makeFacts({ names: ['*.example.com'] }) };
    const entry = makeEntry({ journal: { failure, ari: null } });
    const after = fold(entry, { kind: 'adopted', ...at, certificate: partly, unsaved: null, stapleAt: null });
    expect(after).toMatchObject({ phase: 'held', journal: { failure } });
  });

  it('tries again to read what it was offered, unless that is gone', () => {
    const facts = makeFacts();
    const entry = makeEntry({ offer: { facts, trouble: null } });
    const later = fold(entry, { kind: 'not-adopted', ...at, facts, gone: false });
    expect(later.offer?.trouble).toEqual({ attempts: 1, retryAt: START + 10_000 });
    expect(fold(entry, { kind: 'not-adopted', ...at, facts, gone: true }).offer).toBeNull();
  });

  it('remembers whether the store has it', () => {
    const held = { ...makeHeld(), unsaved: { attempts: 1, retryAt: START } };
    const entry = makeEntry({ held });
    const { fingerprint } = held.facts;
    expect(fold(entry, { kind: 'saved', ...at, fingerprint }).held?.unsaved).toBeNull();
    expect(fold(entry, { kind: 'not-saved', ...at, fingerprint }).held?.unsaved?.attempts).toBe(2);
    expect(fold(entry, { kind: 'saved', ...at, fingerprint: 'another' })).toBe(entry);
  });

  it('drops advice for a certificate that is gone', () => {
    const ari = { ariId: 'another', window: null, nextFetchAt: START, failures: 0 };
    const entry = makeEntry({ held: makeHeld() });
    expect(fold(entry, { kind: 'advised', ...at, ari })).toBe(entry);
    const right = { ...ari, ariId: makeFacts().ariId ?? '' };
    expect(fold(entry, { kind: 'advised', ...at, ari: right }).journal.ari).toEqual(right);
  });

  it('changes nothing when the work was broken off', () => {
    const entry = makeEntry({ journal: { failure: makeFailure(), ari: null } });
    expect(fold(entry, { kind: 'dropped', ...at })).toBe(entry);
  });
});
