import { throwIfAborted } from '../platform/abort.ts';

/** Runs one piece of work at a time for each key, in the order they came. */
export class Mutex {
  readonly #last = new Map<string, Promise<void>>();

  /**
   * Waits for the work before it with the same key, then runs `work`, whose result or error it passes on.
   *
   * @throws as `throwIfAborted`, at once when `signal` aborts during the wait; `work` then never runs
   */
  async run<T>(key: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key) ?? Promise.resolve();
    const result = before.then(() => {
      throwIfAborted(signal);
      return work();
    });
    const settled = result.then(
      () => {},
      () => {},
    );
    this.#last.set(key, settled);
    void settled.then(() => {
      if (this.#last.get(key) === settled) this.#last.delete(key);
    });
    await untilAborted(before, signal);
    return result;
  }
}

async function untilAborted(wait: Promise<void>, signal: AbortSignal): Promise<void> {
  throwIfAborted(signal);
  const { promise: aborted, resolve } = Promise.withResolvers<void>();
  const onAbort = (): void => resolve();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([wait, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
  throwIfAborted(signal);
}
