import { setImmediate as turn } from 'node:timers/promises';
import { RigilError } from '../errors.ts';

/** How many items are worked on before others get their turn. At fifty microseconds each that is a few milliseconds. */
const SLICE = 100;

/**
 * Does synchronous work for every item, with pauses in which everything else goes on, signals too.
 *
 * @throws RigilError `aborted`
 */
export async function inSlices<Item>(
  items: readonly Item[],
  work: (item: Item) => void,
  signal?: AbortSignal,
): Promise<void> {
  for (const [index, item] of items.entries()) {
    if (index % SLICE === 0) {
      await turn();
      if (signal?.aborted === true) throw new RigilError('aborted', 'reading the store was broken off');
    }
    work(item);
  }
}
