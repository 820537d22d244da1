import { describe, expect, it } from 'vitest';
import type { Action } from '../../src/certs/action.ts';
import { emptyJournal } from '../../src/certs/journal.ts';
import { plan } from '../../src/certs/plan.ts';
import type { Entry, Held, State } from '../../src/certs/state.ts';
import {
  DAY,
  HOUR,
  MINUTE,
  makeEntry,
  makeFacts,
  makeFailure,
  makeHeld,
  makeState,
  makeWanted,
  START,
} from './make.ts';

const quiet = { ariId: null };

function kinds(state: State, now: number): string[] {
  return plan(state, now).actions.map(({ kind, id }) => `${kind} ${id}`);
}

function only(entry: Entry, now: number, parts: Partial<State> = {}): Action | null {
  return plan(makeState([entry], parts), now).actions[0] ?? null;
}

describe('plan', () => {
  it('has nothing to do for nothing', () => {
    expect(plan(makeState([]), START)).toEqual({ actions: [], paced: [], wakeAt: Number.POSITIVE_INFINITY });
  });

  it('obtains what is missing', () => {
    expect(only(makeEntry(), START)).toEqual({
      kind: 'obtain',
      id: 'example.com',
      issuer: 'ca',
      dueAt: START,
      reason: 'there is no certificate yet',
    });
  });

  it('renews what is due and wakes for what will be', () => {
    const entry = makeEntry({ held: makeHeld(quiet) });
    expect(plan(makeState([entry]), START)).toEqual({ actions: [], paced: [], wakeAt: START + 60 * DAY });
    expect(only(entry, START + 60 * DAY)).toMatchObject({
      kind: 'renew',
      dueAt: START + 60 * DAY,
      reason: 'a third of its lifetime is left',
    });
  });

  it('waits for the end of a pause, then says which attempt it is', () => {
    const entry = makeEntry({ journal: { failure: makeFailure(), ari: null } });
    expect(plan(makeState([entry]), START)).toMatchObject({ actions: [], wakeAt: START + MINUTE });
    expect(only(entry, START + MINUTE)?.reason).toBe(
      'there is no certificate yet; attempt 2 after issuer-unavailable',
    );
  });

  it('asks the issuer whose turn it is, and the first one when that is gone', () => {
    const wanted = makeWanted({ issuers: ['first', 'second'] });
    const issuerFor = (nextIssuer: string) => {
      const failure = makeFailure({ nextIssuer, retryAt: START });
      const action = only(makeEntry({ wanted, journal: { failure, ari: null } }), START);
      return action?.kind === 'obtain' ? action.issuer : null;
    };
    expect(issuerFor('second')).toBe('second');
    expect(issuerFor('gone')).toBe('first');
  });

  it('does nothing for what was refused, until the configuration changes', () => {
    const failure = makeFailure({ code: 'identifier-refused', retryAt: null });
    const blocked = makeEntry({ journal: { failure, ari: null } });
    expect(blocked.phase).toBe('blocked');
    expect(plan(makeState([blocked]), START + 1000 * DAY)).toEqual({
      actions: [],
      paced: [],
      wakeAt: Number.POSITIVE_INFINITY,
    });
  });

  it('takes over what another process stored instead of ordering it', () => {
    const offer = { facts: makeFacts(), trouble: null };
    const failure = makeFailure({ code: 'identifier-refused', retryAt: null });
    for (const journal of [emptyJournal, { failure, ari: null }]) {
      expect(only(makeEntry({ offer, journal }), START)?.kind).toBe('adopt');
    }
  });

  it('does not take what cannot be read now for absent', () => {
    const offer = { facts: makeFacts(), trouble: { attempts: 3, retryAt: START + MINUTE } };
    expect(plan(makeState([makeEntry({ offer })]), START)).toMatchObject({
      actions: [],
      wakeAt: START + MINUTE,
    });
  });

  it('orders what is wanted although something like it can be taken over', () => {
    const offer = {
      facts: makeFacts({ names: ['*.example.com'] }),
      trouble: { attempts: 1, retryAt: START + DAY },
    };
    expect(only(makeEntry({ offer }), START)?.kind).toBe('obtain');
  });

  it('stores what is in memory only, unless it is replaced anyway', () => {
    const held = { ...makeHeld(quiet), unsaved: { attempts: 1, retryAt: START + MINUTE } };
    const entry = makeEntry({ held });
    expect(plan(makeState([entry]), START).wakeAt).toBe(START + MINUTE);
    expect(only(entry, START + MINUTE)?.kind).toBe('save');
    expect(only(entry, START + 61 * DAY)?.kind).toBe('renew');
  });

  it('asks for advice when it has none, when it gets old, and not after the end', () => {
    const facts = makeFacts();
    const entry = makeEntry({ held: makeHeld() });
    expect(only(entry, START)).toMatchObject({ kind: 'update-ari', reason: 'its CA was not asked yet' });

    const ari = { ariId: facts.ariId ?? '', window: null, nextFetchAt: START + 6 * HOUR, failures: 0 };
    const asked = makeEntry({ held: makeHeld(), journal: { failure: null, ari } });
    expect(plan(makeState([asked]), START)).toMatchObject({ actions: [], wakeAt: START + 6 * HOUR });
    expect(only(asked, START + 6 * HOUR)?.kind).toBe('update-ari');

    const waiting = { failure: makeFailure({ retryAt: START + 200 * DAY }), ari };
    expect(only(makeEntry({ held: makeHeld(), journal: waiting }), START + 90 * DAY)).toBeNull();
  });

  it('does not ask an issuer that gives no advice, or is not there', () => {
    const entry = makeEntry({ held: makeHeld() });
    for (const issuers of [
      new Map([['ca', { advises: false, account: 'ca', paces: [], starts: [] }]]),
      new Map(),
    ]) {
      expect(only(entry, START, { issuers })).toBeNull();
    }
  });

  it('refreshes a staple when it is due', () => {
    const entry = makeEntry({ held: { ...makeHeld(quiet), stapleAt: START + DAY } });
    expect(plan(makeState([entry]), START).wakeAt).toBe(START + DAY);
    expect(only(entry, START + DAY)?.kind).toBe('refresh-staple');
  });

  it('leaves alone what somebody works on', () => {
    const state = makeState([makeEntry()], { inFlight: new Set(['example.com']) });
    expect(plan(state, START)).toEqual({ actions: [], paced: [], wakeAt: Number.POSITIVE_INFINITY });
  });

  it('puts missing before due before upkeep, and what clients wait for first', () => {
    const entry = (id: string, parts: Parameters<typeof makeEntry>[0] = {}) =>
      makeEntry({ wanted: makeWanted({ id }), ...parts });
    const state = makeState(
      [
        entry('advice', { held: makeHeld({ id: 'advice', notBefore: START + 30 * DAY }) }),
        entry('due', { held: makeHeld({ id: 'due' }) }),
        entry('older', { held: makeHeld({ id: 'older', notBefore: START - 5 * DAY }) }),
        entry('missing'),
        entry('waited-for'),
        entry('stored', { offer: { facts: makeFacts({ id: 'stored' }), trouble: null } }),
      ],
      { prioritised: new Set(['waited-for']) },
    );
    expect(kinds(state, START + 60 * DAY)).toEqual([
      'adopt stored',
      'obtain waited-for',
      'obtain missing',
      'renew older',
      'renew due',
      'update-ari advice',
    ]);
  });

  it('renews first what is of least use: revoked or short of a name, then what expires first', () => {
    const entry = (id: string, held: Parameters<typeof makeHeld>[0], parts: Partial<Held> = {}) =>
      makeEntry({ wanted: makeWanted({ id }), held: { ...makeHeld({ id, ...quiet, ...held }), ...parts } });
    const now = START + 60 * DAY;
    const state = makeState([
      // Its time came long ago, since it lives for long.
      entry('long', { notBefore: now - 300 * DAY, notAfter: now + 65 * DAY }),
      entry('short', { notBefore: now - 4 * DAY, notAfter: now + 2 * DAY }),
      entry('other-issuer', { notBefore: now - DAY, notAfter: now + 80 * DAY, issuer: 'former' }),
      entry('lacks-name', { names: ['other.test'], obtainedAt: now - DAY, notAfter: now + 89 * DAY }),
      entry('expired', { notBefore: now - 91 * DAY, notAfter: now - HOUR }),
      entry('revoked', { notAfter: now + 40 * DAY }, { revokedAt: now - 2 * HOUR }),
    ]);
    expect(kinds(state, now)).toEqual(
      ['lacks-name', 'revoked', 'expired', 'short', 'long', 'other-issuer'].map((id) => `renew ${id}`),
    );
  });
});

describe('the pace of an issuer', () => {
  const paced = (starts: readonly number[]) =>
    new Map([['ca', { advises: false, account: 'ca', paces: [{ issuances: 2, perMs: HOUR }], starts }]]);
  const entries = ['a.test', 'b.test', 'c.test'].map((id) => makeEntry({ wanted: makeWanted({ id }) }));

  it('holds back what is too much, and wakes for it', () => {
    const state = makeState(entries, { issuers: paced([]) });
    const { actions, paced: held, wakeAt } = plan(state, START);
    expect([actions.length, held.length, wakeAt]).toEqual([2, 1, START + HOUR]);
  });

  it('counts what was started before', () => {
    const state = makeState(entries, { issuers: paced([START - 50 * MINUTE, START - 10 * MINUTE]) });
    expect(plan(state, START)).toMatchObject({ actions: [], wakeAt: START + 10 * MINUTE });
    expect(kinds(state, START + 10 * MINUTE)).toEqual(['obtain a.test']);
  });

  it('holds back nobody else', () => {
    const other = makeEntry({ wanted: makeWanted({ id: 'd.test', issuers: ['other'] }) });
    const state = makeState([...entries, other], { issuers: paced([START, START]) });
    expect(kinds(state, START)).toEqual(['obtain d.test']);
  });
});
