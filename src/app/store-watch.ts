import type { CertificateStore, StoreLock } from '../certs/ports.ts';
import { type Code, codeOf, messageOf, RigilError } from '../errors.ts';
import type { Emit } from '../events/bus.ts';
import { bounded } from '../platform/bounded.ts';
import type { Clock, Instant } from '../platform/clock.ts';

/** What a daemon needs of its store here. */
export interface WatchedStore extends Pick<CertificateStore, 'lock'> {
  /** @throws RigilError `store-locked` when another daemon has it, `store-unwritable`, `aborted` */
  acquireDaemonLock(options: { readonly signal: AbortSignal; readonly wait?: boolean }): Promise<StoreLock>;
}

export interface StoreWatchOptions {
  readonly store: WatchedStore;
  readonly clock: Clock;
  readonly emit: Emit;
  /** Called when the store can be written again. */
  readonly onWritable: () => void;
}

/** Why the store cannot be written, and since when. */
export interface StoreTrouble {
  readonly code: Code;
  readonly message: string;
  readonly hint: string | null;
  readonly since: Instant;
}

/** How often it is tried, in milliseconds: while the store can be written, and while it cannot. */
const PROBE_EVERY_MS = 60_000;
const TRY_EVERY_MS = 5_000;

/** Longest time for a try, in milliseconds. */
const TRY_TIMEOUT_MS = 30_000;

/** How long a store may take to give the lock back, in milliseconds: one that hangs never does. */
const RELEASE_MS = 5_000;

/**
 * Makes this process the one daemon of its store, and knows whether the store can be written.
 *
 * A store that cannot be written can be served from: nobody else can take its lock then, and nothing can be ordered that
 * needs one. So the daemon serves without the lock, and takes it when it can.
 */
export class StoreWatch {
  readonly #options: StoreWatchOptions;
  #lock: StoreLock | null = null;
  #trouble: StoreTrouble | null = null;

  constructor(options: StoreWatchOptions) {
    this.#options = options;
  }

  /** Null = the store could be written when it was last tried. */
  get trouble(): StoreTrouble | null {
    return this.#trouble;
  }

  /**
   * Takes the daemon's lock, if the store can be written.
   *
   * @param options.wait for another daemon that is about to give it up
   * @throws RigilError `store-locked` when another daemon serves from the store, `aborted`
   */
  async take(signal: AbortSignal, { wait = false }: { readonly wait?: boolean } = {}): Promise<void> {
    // Whoever waits for another one serves by then, and goes on. Without that nothing begins, and the error says it all.
    const goesOn = (code: Code) => wait || code === 'store-unwritable';
    const error = await this.#try(() => this.#takeLock(signal, wait), signal, goesOn);
    if (error !== null && codeOf(error) !== 'store-unwritable') throw error;
  }

  /** @throws RigilError why the store cannot be written */
  mustBeWritable(): void {
    if (this.#trouble === null) return;
    const { code, message, hint } = this.#trouble;
    throw new RigilError(code, message, { hint: hint ?? undefined });
  }

  /** Tries again and again from now on, until `signal` aborts. Never rejects. */
  async follow(signal: AbortSignal): Promise<void> {
    const { clock, store } = this.#options;
    while (!signal.aborted) {
      await clock.sleep(this.#trouble === null ? PROBE_EVERY_MS : TRY_EVERY_MS, signal);
      if (signal.aborted) return;
      await this.#try(async (inner) => {
        // Lost is the lock of a process that slept for so long that it was taken for dead.
        if (this.#lock === null || this.#lock.lost.aborted) await this.#takeLock(inner);
        else await (await store.lock('probe', inner)).release();
      }, signal);
    }
  }

  /** Gives the lock back, if the store lets it: a lock whose process has ended holds nobody up. Never rejects. */
  async release(): Promise<void> {
    const lock = this.#lock;
    if (lock === null) return;
    this.#lock = null;
    const late = new AbortController();
    await Promise.race([lock.release(), this.#options.clock.sleep(RELEASE_MS, late.signal)]);
    late.abort(null);
  }

  async #takeLock(signal: AbortSignal, wait = false): Promise<void> {
    const lock = await this.#options.store.acquireDaemonLock({ signal, wait });
    if (signal.aborted) await lock.release();
    else this.#lock = lock;
  }

  /** Null when it succeeded, else what went wrong, which is told once if it is a trouble to live with. */
  async #try(
    work: (signal: AbortSignal) => Promise<void>,
    signal: AbortSignal,
    goesOn = (_code: Code): boolean => true,
  ): Promise<unknown> {
    const { clock, emit, onWritable } = this.#options;
    const onTimeout = () =>
      new RigilError('store-unwritable', `the store did not answer within ${TRY_TIMEOUT_MS / 1000} s`);
    try {
      await bounded({ clock, signal, timeoutMs: TRY_TIMEOUT_MS, onTimeout }, work);
    } catch (error) {
      if (signal.aborted || !goesOn(codeOf(error))) return error;
      const [code, hint] = [codeOf(error), error instanceof RigilError ? error.hint : null];
      if (this.#trouble?.code !== code) {
        const message = `what is stored is served, but nothing can be obtained or renewed: ${messageOf(error)}`;
        emit({ event: 'store.problem', code, message, hint });
      }
      const since = this.#trouble?.since ?? clock.now();
      this.#trouble = { code, message: messageOf(error), hint, since };
      return error;
    }
    if (this.#trouble !== null) {
      emit({ event: 'store.writable', durationMs: clock.now() - this.#trouble.since });
      this.#trouble = null;
      onWritable();
    }
    return null;
  }
}
