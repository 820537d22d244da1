import type { Incumbent } from './succession.ts';

export interface HandOverOptions {
  readonly sockets: Incumbent['sockets'];
  /** Aborts when this daemon ends. */
  readonly stopping: AbortSignal;
  /** Lets work rest that the successor is to go on with. */
  readonly rest: () => Promise<void>;
  /** Goes on with it. */
  readonly goOn: () => void;
  readonly end: () => void;
}

/** The side of the daemon that runs while a successor gets ready to take its place. */
export class HandOver implements Incumbent {
  readonly sockets: Incumbent['sockets'];
  readonly #options: HandOverOptions;
  /** A successor has asked for the sockets: whether it follows. */
  #asked: PromiseWithResolvers<boolean> | null = null;

  constructor(options: HandOverOptions) {
    this.#options = options;
    this.sockets = options.sockets;
  }

  /** Whether the successor that gets ready now follows, as soon as that is known; false when there is none. */
  get followed(): Promise<boolean> {
    return this.#asked?.promise ?? Promise.resolve(false);
  }

  readonly busy = () => (this.#options.stopping.aborted ? 'it is ending' : null);

  readonly prepare = (): Promise<void> => {
    this.#asked = Promise.withResolvers();
    return this.#options.rest();
  };

  readonly stay = (): void => {
    this.#asked?.resolve(false);
    this.#asked = null;
    if (!this.#options.stopping.aborted) this.#options.goOn();
  };

  readonly leave = (): void => {
    this.#asked?.resolve(true);
    this.#options.end();
  };
}
