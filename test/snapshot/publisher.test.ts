import { describe, expect, it } from 'vitest';
import { Publisher } from '../../src/snapshot/publisher.ts';
import { emptySnapshot } from '../../src/snapshot/snapshot.ts';

describe('Publisher', () => {
  it('replaces the snapshot in one step and counts generations', () => {
    const publisher = new Publisher(emptySnapshot);
    const before = publisher.current;
    const next = publisher.update((current) => ({ ...current, ticketKeys: new Uint8Array(48) }));
    expect(publisher.current).toBe(next);
    expect(next.generation).toBe(before.generation + 1);
    expect(before).toEqual(emptySnapshot);
  });

  it('tells its listeners what came after what', () => {
    const publisher = new Publisher(emptySnapshot);
    const seen: [number, number][] = [];
    publisher.onChange((next, previous) => seen.push([previous.generation, next.generation]));
    publisher.update((current) => ({ ...current }));
    publisher.update((current) => ({ ...current }));
    expect(seen).toEqual([
      [0, 1],
      [1, 2],
    ]);
  });

  it('does nothing when nothing changed', () => {
    const publisher = new Publisher(emptySnapshot);
    let calls = 0;
    publisher.onChange(() => {
      calls += 1;
    });
    publisher.update((current) => current);
    expect(publisher.current.generation).toBe(0);
    expect(calls).toBe(0);
  });
});
