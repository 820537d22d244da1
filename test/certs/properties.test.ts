import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fold, type Outcome } from '../../src/certs/fold.ts';
import { plan } from '../../src/certs/plan.ts';
import { type Entry, entryOf, type State } from '../../src/certs/state.ts';
import { type Code, ERRORS } from '../../src/errors.ts';
import { DAY, makeFacts, makeState, makeWanted, START } from './make.ts';

const instant = fc.integer({ min: -100, max: 200 }).map((days) => START + days * DAY);
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const issuer = fc.constantFrom('first', 'second', 'gone');
const code = fc.constantFrom(...(Object.keys(ERRORS) as Code[]));
const trouble = fc.option(fc.record({ attempts: fc.nat(9), retryAt: instant }));
const ids = ['a.example.com', 'b.example.com', 'c.example.com', 'd.example.com'];

function factsFor(id: string) {
  return fc
    .record({
      names: fc.constantFrom([id], [id, 'more.example.com'], ['*.example.com']),
      issuer,
      notBefore: instant,
      life: fc.integer({ min: 1, max: 400 }),
    })
    .map(({ life, ...parts }) => makeFacts({ id, ...parts, notAfter: parts.notBefore + life * DAY }));
}

const failure = fc.record({
  attempts: fc.integer({ min: 1, max: 20 }),
  code,
  message: fc.string(),
  hint: fc.constant(null),
  issuer,
  at: instant,
  retryAt: fc.option(instant),
  nextIssuer: issuer,
  resting: fc.dictionary(issuer, fc.option(instant)),
});

function ariFor(ariId: string) {
  const window = fc.record({
    start: instant,
    end: instant,
    selected: instant,
    explanationUrl: fc.constant(null),
  });
  return fc.record({
    ariId: fc.constantFrom(ariId, 'another'),
    window: fc.option(window),
    nextFetchAt: instant,
    failures: fc.nat(5),
  });
}

function entryFor(id: string): fc.Arbitrary<Entry> {
  const issuers = fc.constantFrom(['first'], ['first', 'second'], ['second']);
  const held = fc.record({
    facts: factsFor(id),
    unsaved: trouble,
    stapleAt: fc.option(instant),
    revokedAt: fc.option(instant),
  });
  return fc
    .record({
      issuers,
      held: fc.option(held),
      offer: fc.option(fc.record({ facts: factsFor(id), trouble })),
      failure: fc.option(failure),
      ari: fc.option(ariFor(`ari-${id}-${START}`)),
    })
    .map(({ issuers, held, offer, ...journal }) =>
      entryOf({ wanted: makeWanted({ id, issuers }), held, offer, journal }),
    );
}

const issuerState = fc.record({
  advises: fc.boolean(),
  paces: fc.array(
    fc.record({ issuances: fc.integer({ min: 1, max: 3 }), perMs: fc.integer({ min: 1, max: DAY }) }),
  ),
  starts: fc.array(instant, { maxLength: 5 }).map((list) => list.sort((left, right) => left - right)),
});

const state: fc.Arbitrary<State> = fc
  .record({
    entries: fc.tuple(...ids.map(entryFor)),
    first: issuerState,
    second: issuerState,
    inFlight: fc.subarray(ids),
    prioritised: fc.subarray(ids),
  })
  .map(({ entries, first, second, inFlight, prioritised }) =>
    makeState(entries, {
      issuers: new Map(Object.entries({ first, second })),
      inFlight: new Set(inFlight),
      prioritised: new Set(prioritised),
    }),
  );

const parts = { id: fc.constant(ids[0] ?? ''), at: instant, chance };
const facts = factsFor(ids[0] ?? '');
const certificate = facts.map((each) => ({ facts: each, chain: '', key: '' }));
const journal = fc.record({ failure: fc.option(failure), ari: fc.constant(null) });

/** Everything that can happen but a new certificate: nothing of it may cost what is held. */
const failing: fc.Arbitrary<Outcome> = fc.oneof(
  fc.record({
    kind: fc.constant('failed' as const),
    ...parts,
    issuer,
    code,
    message: fc.string(),
    hint: fc.constant(null),
    retryAt: fc.option(instant),
    before: journal,
  }),
  fc.record({ kind: fc.constant('deferred' as const), ...parts, journal }),
  fc.record({ kind: fc.constant('not-adopted' as const), ...parts, facts, gone: fc.boolean() }),
  fc.record({ kind: fc.constant('not-saved' as const), ...parts, fingerprint: fc.string() }),
  fc.record({ kind: fc.constant('advised' as const), ...parts, ari: ariFor(`ari-${ids[0]}-${START}`) }),
  fc.record({
    kind: fc.constant('stapled' as const),
    ...parts,
    fingerprint: fc.string(),
    stapleAt: instant,
    revokedAt: fc.option(instant),
  }),
  fc.record({ kind: fc.constant('dropped' as const), ...parts }),
);
const succeeding: fc.Arbitrary<Outcome> = fc.oneof(
  fc.record({
    kind: fc.constant('issued' as const),
    ...parts,
    certificate,
    unsaved: trouble,
    stapleAt: fc.constant(null),
  }),
  fc.record({
    kind: fc.constant('adopted' as const),
    ...parts,
    certificate,
    unsaved: trouble,
    stapleAt: fc.constant(null),
  }),
  fc.record({ kind: fc.constant('saved' as const), ...parts, fingerprint: fc.string() }),
);

describe('whatever the state is, a plan', () => {
  it('never orders anything for a blocked entry', () => {
    fc.assert(
      fc.property(state, instant, (state, now) => {
        for (const { kind, id } of [...plan(state, now).actions, ...plan(state, now).paced]) {
          const { phase } = state.entries.get(id) ?? {};
          expect(phase === 'blocked' && (kind === 'obtain' || kind === 'renew')).toBe(false);
        }
      }),
    );
  });

  it('never wakes in the past', () => {
    fc.assert(
      fc.property(state, instant, (state, now) => {
        expect(plan(state, now).wakeAt).toBeGreaterThan(now);
      }),
    );
  });

  it('is the same when it is made again', () => {
    fc.assert(
      fc.property(state, instant, (state, now) => {
        expect(plan(state, now)).toEqual(plan(state, now));
      }),
    );
  });

  it('has one action for a certificate at most, and none for what is in flight', () => {
    fc.assert(
      fc.property(state, instant, (state, now) => {
        const { actions, paced } = plan(state, now);
        const planned = [...actions, ...paced].map(({ id }) => id);
        expect(new Set(planned).size).toBe(planned.length);
        expect(planned.some((id) => state.inFlight.has(id))).toBe(false);
      }),
    );
  });

  it('has only what is due', () => {
    fc.assert(
      fc.property(state, instant, (state, now) => {
        for (const { dueAt } of plan(state, now).actions) expect(dueAt).toBeLessThanOrEqual(now);
      }),
    );
  });

  it('starts no more than the paces of an issuer allow', () => {
    fc.assert(
      fc.property(state, instant, (state, now) => {
        const { actions } = plan(state, now);
        for (const [name, { paces, starts }] of state.issuers) {
          const started = actions.filter((action) => 'issuer' in action && action.issuer === name).length;
          if (started === 0) continue;
          for (const { issuances, perMs } of paces) {
            const counting = starts.filter((start) => start > now - perMs && start <= now).length;
            expect(counting + started).toBeLessThanOrEqual(issuances);
          }
        }
      }),
    );
  });
});

describe('whatever happens', () => {
  it('a failure never removes what is held', () => {
    fc.assert(
      fc.property(entryFor(ids[0] ?? ''), fc.array(failing, { maxLength: 8 }), (entry, outcomes) => {
        const after = outcomes.reduce(fold, entry);
        expect(after.held?.facts).toEqual(entry.held?.facts);
      }),
    );
  });

  it('a failed order never makes the next one due at once with the same issuer', () => {
    fc.assert(
      fc.property(entryFor(ids[0] ?? ''), failing, (entry, outcome) => {
        if (outcome.kind !== 'failed') return;
        const { failure } = fold(entry, outcome).journal;
        const { retryAt = null, nextIssuer } = failure ?? {};
        expect(nextIssuer === outcome.issuer && retryAt !== null && retryAt < outcome.at + 8_000).toBe(false);
      }),
    );
  });

  it('an entry is blocked exactly when it waits for a new configuration', () => {
    const outcome = fc.oneof(failing, succeeding);
    fc.assert(
      fc.property(entryFor(ids[0] ?? ''), fc.array(outcome, { maxLength: 8 }), (entry, outcomes) => {
        const { phase, offer, journal } = outcomes.reduce(fold, entry);
        const waits = journal.failure !== null && journal.failure.retryAt === null && offer === null;
        expect(phase === 'blocked').toBe(waits);
      }),
    );
  });
});
