import type { Snapshot } from './snapshot.ts';

/**
 * The one cell of a process that holds the current snapshot.
 *
 * `change` is synchronous, so no await can come between reading the old snapshot and storing the new one; readers
 * read one property and never wait.
 */
export class Publisher {
  #current: Snapshot;
  readonly #listeners: ((next: Snapshot, previous: Snapshot) => void)[] = [];

  constructor(first: Snapshot) {
    this.#current = first;
  }

  get current(): Snapshot {
    return this.#current;
  }

  /** Replaces the snapshot by `change(current)` with the next generation. Returning the same value changes nothing. */
  update(change: (current: Snapshot) => Snapshot): Snapshot {
    const previous = this.#current;
    const changed = change(previous);
    if (changed === previous) return previous;
    const next: Snapshot = { ...changed, generation: previous.generation + 1 };
    this.#current = next;
    for (const listener of this.#listeners) listener(next, previous);
    return next;
  }

  /** Calls `listener` after every change, in order. A listener must not throw. */
  onChange(listener: (next: Snapshot, previous: Snapshot) => void): void {
    this.#listeners.push(listener);
  }
}
