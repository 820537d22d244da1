import { describe, expect, it } from 'vitest';
import type { Entry } from '../../src/certs/state.ts';
import { viewOf } from '../../src/certs/view.ts';
import {
  DAY,
  MINUTE,
  makeEntry,
  makeFacts,
  makeFailure,
  makeHeld,
  makeState,
  makeWanted,
  START,
} from './make.ts';

function statusOf(entry: Entry, now: number): string | undefined {
  return viewOf(makeState([entry]), [], now)[0]?.status;
}

describe('viewOf', () => {
  it('shows a certificate in full', () => {
    const facts = makeFacts();
    const window = {
      start: START + DAY,
      end: START + 3 * DAY,
      selected: START + 2 * DAY,
      explanationUrl: null,
    };
    const ari = { ariId: facts.ariId ?? '', window, nextFetchAt: START, failures: 0 };
    const entry = makeEntry({ held: makeHeld(), journal: { failure: makeFailure(), ari } });
    expect(viewOf(makeState([entry]), [], START)).toEqual([
      {
        id: 'example.com',
        names: ['example.com'],
        issuer: 'ca',
        status: 'valid',
        notBefore: '2026-06-01T00:00:00.000Z',
        notAfter: '2026-08-30T00:00:00.000Z',
        serial: '01',
        keyType: 'p256',
        renewAt: '2026-06-03T00:00:00.000Z',
        renewReason: 'its CA suggests it; attempt 2 after issuer-unavailable',
        ari: {
          start: '2026-06-02T00:00:00.000Z',
          end: '2026-06-04T00:00:00.000Z',
          selected: '2026-06-03T00:00:00.000Z',
          explanationUrl: null,
        },
        ocsp: null,
        lastError: {
          code: 'issuer-unavailable',
          message: 'nobody answers',
          at: '2026-06-01T00:00:00.000Z',
          attempts: 1,
          retryAt: '2026-06-01T00:01:00.000Z',
        },
      },
    ]);
  });

  it('shows what is missing with whom it will ask, and nothing undefined', () => {
    const entry = makeEntry({ wanted: makeWanted({ issuers: ['first', 'second'] }) });
    const [view] = viewOf(makeState([entry]), [], START);
    expect(view).toMatchObject({
      status: 'missing',
      issuer: 'first',
      notAfter: null,
      renewAt: expect.any(String),
    });
    expect(Object.values(view ?? {})).not.toContain(undefined);
  });

  it('names the stage of a life', () => {
    const entry = makeEntry({ held: makeHeld() });
    expect(statusOf(entry, START)).toBe('valid');
    expect(statusOf(entry, START + 59 * DAY)).toBe('valid');
    expect(statusOf(entry, START + 60 * DAY)).toBe('expiring');
    expect(statusOf(entry, START + 90 * DAY)).toBe('expired');
  });

  it('warns of the end also when the CA suggests to renew later', () => {
    const facts = makeFacts();
    const selected = START + 85 * DAY;
    const window = { start: selected, end: selected + DAY, selected, explanationUrl: null };
    const ari = { ariId: facts.ariId ?? '', window, nextFetchAt: START, failures: 0 };
    const entry = makeEntry({ held: makeHeld(), journal: { failure: null, ari } });
    expect(statusOf(entry, START + 80 * DAY)).toBe('valid');
    expect(statusOf(entry, START + 81 * DAY)).toBe('expiring');
  });

  it('calls blocked what is not there and was refused for good', () => {
    const failure = makeFailure({ code: 'identifier-refused', retryAt: null });
    const journal = { failure, ari: null };
    expect(statusOf(makeEntry({ journal }), START)).toBe('blocked');
    const [held] = viewOf(makeState([makeEntry({ held: makeHeld(), journal })]), [], START + 70 * DAY);
    expect(held).toMatchObject({ status: 'expiring', renewAt: null, lastError: { retryAt: null } });
    const retried = { failure: { ...failure, retryAt: START + MINUTE }, ari: null };
    expect(statusOf(makeEntry({ journal: retried }), START)).toBe('missing');
  });

  it('shows what the store holds besides, but no second certificate for an id', () => {
    const others = [makeFacts({ issuer: 'other' }), makeFacts({ id: 'old.example.com' })];
    const views = viewOf(makeState([makeEntry({ held: makeHeld() })]), others, START);
    expect(views.map(({ id, renewReason }) => [id, renewReason])).toEqual([
      ['example.com', 'a third of its lifetime is left'],
      ['old.example.com', 'no route wants it'],
    ]);
  });
});
