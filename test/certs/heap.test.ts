import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Heap } from '../../src/certs/heap.ts';

const ascending = (left: number, right: number): number => left - right;

function emptied(heap: Heap<number>): number[] {
  const taken: number[] = [];
  for (let item = heap.take(); item !== undefined; item = heap.take()) taken.push(item);
  return taken;
}

describe('a heap', () => {
  it('gives its items in order, whatever the order they came in', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), (numbers) => {
        const heap = new Heap(ascending);
        for (const number of numbers) heap.put(number);
        expect(heap.size).toBe(numbers.length);
        expect(heap.first()).toBe(numbers.toSorted(ascending)[0]);
        expect(emptied(heap)).toEqual(numbers.toSorted(ascending));
      }),
    );
  });

  it('drops what is not to be kept, and is in order still', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.integer({ min: 1, max: 5 }), (numbers, divisor) => {
        const heap = new Heap(ascending);
        for (const number of numbers) heap.put(number);
        const isKept = (number: number): boolean => number % divisor === 0;
        heap.keep(isKept);
        expect(emptied(heap)).toEqual(numbers.filter(isKept).toSorted(ascending));
      }),
    );
  });
});
