import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Action, Plan } from '../../src/certs/action.ts';
import { Agenda } from '../../src/certs/agenda.ts';
import { noteStart } from '../../src/certs/pace.ts';
import { plan } from '../../src/certs/plan.ts';
import type { Entry, State } from '../../src/certs/state.ts';
import { entryFor, ids, instant, state } from './arbitrary.ts';
import { DAY, HOUR, makeEntry, makeFailure, makeHeld, makeState, makeWanted, START } from './make.ts';

type Change =
  | { readonly kind: 'put'; readonly entry: Entry }
  | { readonly kind: 'begin' | 'end' | 'prioritise'; readonly id: string };

const someId = fc.constantFrom(...ids);
const change: fc.Arbitrary<Change> = fc.oneof(
  someId.chain(entryFor).map((entry) => ({ kind: 'put' as const, entry })),
  fc.record({ kind: fc.constantFrom('begin' as const, 'end' as const, 'prioritise' as const), id: someId }),
);

/** What a plan says, but since when something that is missing is due, which is known to those who kept count. */
function sense({ actions, paced, wakeAt }: Plan, issuers: State['issuers']): unknown {
  const tell = (action: Action): string =>
    `${action.kind} ${action.id} ${'issuer' in action ? action.issuer : ''} because ${action.reason}`;
  // Which of several that are equally urgent go first depends on that, too; how many an account may start does not.
  const accountOf = (action: Action): string =>
    ('issuer' in action ? issuers.get(action.issuer)?.account : null) ?? '';
  const atAccounts = Object.groupBy(actions, accountOf);
  return {
    due: [...actions, ...paced].map(tell).sort(),
    counts: Object.fromEntries(Object.entries(atAccounts).map(([name, list]) => [name, list?.length])),
    wakeAt,
  };
}

describe('an agenda', () => {
  it('that is kept through any changes says what a plan from scratch says, also when the clock is set back', () => {
    fc.assert(
      fc.property(state, fc.array(fc.tuple(change, instant), { maxLength: 20 }), (first, steps) => {
        const entries = new Map(first.entries);
        const inFlight = new Set(first.inFlight);
        const prioritised = new Set(first.prioritised);
        const current: State = { ...first, entries, inFlight, prioritised };
        const agenda = Agenda.of(current);
        for (const [step, now] of steps) {
          if (step.kind === 'put') {
            entries.set(step.entry.wanted.id, step.entry);
            agenda.put(step.entry);
          } else {
            if (step.kind === 'begin') inFlight.add(step.id);
            else if (step.kind === 'end') inFlight.delete(step.id);
            else prioritised.add(step.id);
            agenda[step.kind](step.id);
          }
          expect(sense(agenda.planAt(now), current.issuers)).toEqual(
            sense(plan(current, now), current.issuers),
          );
        }
      }),
    );
  });

  it('starts what a plan says, as far as the issuers may be asked', () => {
    fc.assert(
      fc.property(state, instant, (state, now) => {
        const issuers = new Map(state.issuers);
        const agenda = Agenda.of({ ...state, issuers });
        const { actions, wakeAt } = plan(state, now);
        const started: string[] = [];
        const progress = agenda.start(now, (action) => {
          if ('issuer' in action) {
            for (const [name, each] of noteStart(issuers, action.issuer, now)) issuers.set(name, each);
          }
          agenda.begin(action.id);
          started.push(`${action.kind} ${action.id}`);
          return true;
        });
        expect(started.toSorted()).toEqual(actions.map(({ kind, id }) => `${kind} ${id}`).toSorted());
        expect(progress.waits).toBe(false);
        expect(progress.wakeAt).toBeGreaterThan(now);
        expect(progress.wakeAt).toBeGreaterThanOrEqual(wakeAt);
      }),
      { numRuns: 500 },
    );
  });

  it('starts the most urgent first, and says that the rest waits', () => {
    const entries = [
      makeEntry({
        wanted: makeWanted({ id: 'due.example' }),
        held: makeHeld({ id: 'due.example', notBefore: START - 80 * DAY, ariId: null }),
      }),
      makeEntry({ wanted: makeWanted({ id: 'missing.example' }) }),
      makeEntry({ wanted: makeWanted({ id: 'asked.example' }) }),
      makeEntry({
        wanted: makeWanted({ id: 'later.example' }),
        journal: { failure: makeFailure({ retryAt: START + HOUR }), ari: null },
      }),
    ];
    const agenda = Agenda.of(makeState(entries, { prioritised: new Set(['asked.example']) }));
    const started: string[] = [];
    const progress = agenda.start(START, ({ id }) => {
      if (started.length === 2) return false;
      agenda.begin(id);
      return started.push(id) > 0;
    });
    expect(started).toEqual(['asked.example', 'missing.example']);
    expect(progress).toEqual({ waits: true, paced: false, wakeAt: START + HOUR });
    agenda.end('asked.example');
    expect(agenda.planAt(START).actions.map(({ id }) => id)).toEqual(['asked.example', 'due.example']);
  });

  it('heeds urgency over all issuers that share an account', () => {
    const shared = { advises: false, account: 'ours', paces: [{ issuances: 1, perMs: HOUR }], starts: [] };
    const issuers = new Map([
      ['first', shared],
      ['second', shared],
    ]);
    const entries = [
      makeEntry({
        wanted: makeWanted({ id: 'due.example', issuers: ['second'] }),
        held: makeHeld({ id: 'due.example', notBefore: START - 80 * DAY, issuer: 'second', ariId: null }),
      }),
      makeEntry({ wanted: makeWanted({ id: 'missing.example', issuers: ['first'] }) }),
    ];
    let known: State['issuers'] = issuers;
    const agenda = new Agenda(() => known);
    agenda.replace(entries);
    const started: string[] = [];
    const progress = agenda.start(START, (action) => {
      if ('issuer' in action) known = noteStart(known, action.issuer, START);
      agenda.begin(action.id);
      return started.push(action.id) > 0;
    });
    expect(started).toEqual(['missing.example']);
    expect(progress).toEqual({ waits: false, paced: true, wakeAt: START + HOUR });
  });

  it('passes over what is not wanted, and has it still', () => {
    const agenda = Agenda.of(
      makeState(['a', 'b', 'c'].map((id) => makeEntry({ wanted: makeWanted({ id }) }))),
    );
    const started: string[] = [];
    const launch = ({ id }: Action): boolean => {
      agenda.begin(id);
      return started.push(id) > 0;
    };
    expect(agenda.start(START, launch, ({ id }) => id === 'b')).toMatchObject({ waits: false, paced: false });
    expect(started).toEqual(['b']);
    agenda.start(START, launch);
    expect(started).toEqual(['b', 'a', 'c']);
  });

  it('does not grow with the number of changes', () => {
    const entry = makeEntry({ held: makeHeld() });
    const agenda = Agenda.of(makeState([entry]));
    for (let change = 0; change < 10_000; change += 1) {
      agenda.put(entry);
      agenda.planAt(START + change);
    }
    expect(agenda.size).toBeLessThan(100);
  });
});
