import fc from 'fast-check';
import { type Entry, entryOf, type IssuerState, type State } from '../../src/certs/state.ts';
import { type Code, ERRORS } from '../../src/errors.ts';
import { DAY, makeFacts, makeState, makeWanted, START } from './make.ts';

/** Some moment between a hundred days before START and two hundred after it. */
export const instant = fc.integer({ min: -100, max: 200 }).map((days) => START + days * DAY);
export const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
export const issuer = fc.constantFrom('first', 'second', 'gone');
export const code = fc.constantFrom(...(Object.keys(ERRORS) as Code[]));
export const trouble = fc.option(fc.record({ attempts: fc.nat(9), retryAt: instant }));
export const ids = ['a.example.com', 'b.example.com', 'c.example.com', 'd.example.com'];

export function factsFor(id: string) {
  return fc
    .record({
      names: fc.constantFrom([id], [id, 'more.example.com'], ['*.example.com']),
      issuer,
      notBefore: instant,
      life: fc.integer({ min: 1, max: 400 }),
    })
    .map(({ life, ...parts }) => makeFacts({ id, ...parts, notAfter: parts.notBefore + life * DAY }));
}

export const failure = fc.record({
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

export function ariFor(ariId: string) {
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

/** Any entry with this id. */
export function entryFor(id: string): fc.Arbitrary<Entry> {
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
  account: fc.constantFrom('one', 'another'),
  paces: fc.array(
    fc.record({ issuances: fc.integer({ min: 1, max: 3 }), perMs: fc.integer({ min: 1, max: DAY }) }),
  ),
  starts: fc.array(instant, { maxLength: 5 }).map((list) => list.sort((left, right) => left - right)),
});

/** Issuers with one account have the same paces and starts. */
function sharing(first: IssuerState, second: IssuerState): Record<'first' | 'second', IssuerState> {
  if (first.account !== second.account) return { first, second };
  const paces = [...first.paces, ...second.paces];
  const starts = [...first.starts, ...second.starts].sort((left, right) => left - right);
  return { first: { ...first, paces, starts }, second: { ...second, paces, starts } };
}

/** Any state with four entries and two issuers. */
export const state: fc.Arbitrary<State> = fc
  .record({
    entries: fc.tuple(...ids.map(entryFor)),
    first: issuerState,
    second: issuerState,
    inFlight: fc.subarray(ids),
    prioritised: fc.subarray(ids),
  })
  .map(({ entries, first, second, inFlight, prioritised }) =>
    makeState(entries, {
      issuers: new Map(Object.entries(sharing(first, second))),
      inFlight: new Set(inFlight),
      prioritised: new Set(prioritised),
    }),
  );
