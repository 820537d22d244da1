import { expect, it } from 'vitest';
import type { Event } from '../../src/events/event.ts';
import { FailureLog } from '../../src/proxy/failure-log.ts';

it('says at once, then once a second with what was left unsaid', () => {
  let now = 1_000_000;
  const events: Event[] = [];
  const clock = { now: () => now, sleep: async () => {}, every: () => () => {} };
  const log = new FailureLog((event) => events.push(event), clock);
  const fail = (upstream: string) => log.report('a', upstream, { kind: 'refused', message: 'm' });

  for (let n = 0; n < 10; n++) fail('one');
  fail('two');
  expect(events).toHaveLength(2);
  now += 999;
  fail('one');
  expect(events).toHaveLength(2);
  now += 1;
  fail('one');
  fail('one');
  expect(events).toHaveLength(3);
  expect(events[2]).toMatchObject({ upstream: 'one', failures: 11 });
});

it('is not silenced by a clock that was set back', () => {
  let now = 1_000_000;
  const events: Event[] = [];
  const clock = { now: () => now, sleep: async () => {}, every: () => () => {} };
  const log = new FailureLog((event) => events.push(event), clock);
  log.report('a', 'one', { kind: 'refused', message: 'm' });
  now = 0;
  log.report('a', 'one', { kind: 'refused', message: 'm' });
  expect(events).toHaveLength(2);
});

it('says of each kind of failure', () => {
  const events: Event[] = [];
  const clock = { now: () => 1_000_000, sleep: async () => {}, every: () => () => {} };
  const log = new FailureLog((event) => events.push(event), clock);
  for (let n = 0; n < 3; n++) {
    for (const kind of ['refused', 'response-timeout'] as const)
      log.report('a', 'one', { kind, message: 'm' });
  }
  expect(events).toMatchObject([{ kind: 'refused' }, { kind: 'response-timeout' }]);
});

it('forgets the one that was told of longest ago, when there are too many', () => {
  const events: Event[] = [];
  const clock = { now: () => 1_000_000, sleep: async () => {}, every: () => () => {} };
  const log = new FailureLog((event) => events.push(event), clock);
  const fail = (n: number) => log.report('a', `upstream-${n}`, { kind: 'refused', message: 'm' });
  for (let n = 0; n <= 1_000; n++) fail(n);
  events.length = 0;
  for (let n = 1; n <= 1_000; n++) fail(n);
  expect(events).toEqual([]);
  fail(0);
  expect(events).toHaveLength(1);
});
