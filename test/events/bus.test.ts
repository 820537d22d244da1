import { expect, it } from 'vitest';
import { EventBus } from '../../src/events/bus.ts';
import type { Event } from '../../src/events/event.ts';

it('hands events to every listener, whatever one of them does', () => {
  const faults: unknown[] = [];
  const seen: Event[] = [];
  const bus = new EventBus((fault) => faults.push(fault));
  bus.subscribe(() => {
    throw new Error('broken listener');
  });
  const end = bus.subscribe((event) => seen.push(event));
  const event: Event = { event: 'config.warning', problem: 'x' };

  bus.emit(event);
  end();
  bus.emit(event);

  expect(seen).toEqual([event]);
  expect(faults).toHaveLength(2);
});
