import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fold, type Outcome } from '../../src/certs/fold.ts';
import { plan } from '../../src/certs/plan.ts';
import {
  ariFor,
  chance,
  code,
  entryFor,
  factsFor,
  failure,
  ids,
  instant,
  issuer,
  state,
  trouble,
} from './arbitrary.ts';
import { START } from './make.ts';

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
        const accountOf = (name: string): string | undefined => state.issuers.get(name)?.account;
        for (const [name, { account, paces, starts }] of state.issuers) {
          const orders = actions.flatMap((action) => ('issuer' in action ? action.issuer : []));
          if (!orders.includes(name)) continue;
          const started = orders.filter((issuer) => accountOf(issuer) === account).length;
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
