import type { Event } from './event.ts';

/** Says that something happened. */
export type Emit = (event: Event) => void;

/**
 * Hands every event to every listener, in order.
 * A listener can neither veto nor break: what it throws is given to `onFault` and to nobody else.
 */
export class EventBus {
  readonly #listeners = new Set<Emit>();
  readonly #onFault: (fault: unknown) => void;

  constructor(onFault: (fault: unknown) => void) {
    this.#onFault = onFault;
  }

  readonly emit: Emit = (event) => {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (fault) {
        this.#onFault(fault);
      }
    }
  };

  /** Returns a function that ends the subscription. */
  subscribe(listener: Emit): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
