import { describe, expect, it } from 'vitest';
import type { Priority } from '../../../src/proxy/codec/http2/priority.ts';
import { parsePriority } from '../../../src/proxy/codec/http2/priority.ts';
import { Schedule } from '../../../src/proxy/http2/schedule.ts';

interface Stream {
  readonly id: number;
  priority: Priority | null;
  scheduled: boolean;
}

const stream = (id: number, priority: string | null): Stream => ({
  id,
  priority: priority === null ? null : parsePriority(priority),
  scheduled: false,
});

/** Who has a turn, when each has so many turns to take. */
function turns(streams: readonly Stream[], each: number): string {
  const schedule = new Schedule<Stream>();
  const left = new Map(streams.map((one) => [one, each]));
  for (const one of streams) schedule.add(one);
  let order = '';
  for (let one = schedule.first(); one !== null; one = schedule.first()) {
    order += one.id;
    const more = (left.get(one) ?? 0) - 1;
    left.set(one, more);
    if (more === 0) schedule.remove(one);
    else schedule.next(one);
  }
  expect(schedule.size).toBe(0);
  return order;
}

describe('whose turn it is', () => {
  it.each([
    ['those who say nothing, in turn', [null, null, null], '123123123'],
    ['what is of use as a whole, one after the other', ['u=3', 'u=3', 'u=3'], '111222333'],
    ['what is of use in parts, in turn', ['u=3, i', 'u=3, i', 'u=3, i'], '123123123'],
    ['the urgent before the others', ['u=7', 'u=0', 'u=4, i'], '222333111'],
    ['wholes before parts', ['u=3, i', 'u=3', null], '222131313'],
    ['silence is the middle', ['u=4', null, 'u=2'], '333222111'],
  ])('%s', (_, priorities, order) => {
    const streams = priorities.map((priority, index) => stream(index + 1, priority));
    expect(turns(streams, 3)).toBe(order);
    const backwards = priorities.some((priority) => priority === null || priority.includes('i'));
    if (!backwards) expect(turns(streams.toReversed(), 3)).toBe(order);
  });

  it('changes with the mind of the client', () => {
    const schedule = new Schedule<Stream>();
    const [one, two, three] = [stream(1, null), stream(3, null), stream(5, null)];
    schedule.add(one);
    schedule.add(two);
    schedule.change(two, parsePriority('u=0'));
    schedule.change(three, parsePriority('u=0'));
    expect(schedule.first()).toBe(two);
    schedule.remove(two);
    expect(schedule.first()).toBe(one);
    expect(schedule.size).toBe(1);
  });
});
