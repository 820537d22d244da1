import type { ChallengeAnswer } from '../snapshot/snapshot.ts';

export type { ChallengeAnswer } from '../snapshot/snapshot.ts';

/** Where answers to challenges are put, so that whoever serves shows them to a CA. */
export interface Board {
  /**
   * Puts an answer up and resolves when everybody whom the CA may meet has it. When it rejects, nothing is left.
   *
   * @param key see {@link httpKey} and {@link tlsAlpnKey}
   * @returns what takes this answer down again; it works after `signal` has aborted too
   */
  put(key: string, answer: ChallengeAnswer, signal: AbortSignal): Promise<TakeDown>;
}

export type TakeDown = () => Promise<void>;

/** The board of the daemon: its answers are in the snapshot, and so in every worker. */
export class ServingBoard implements Board {
  readonly #publish: (answers: ReadonlyMap<string, ChallengeAnswer>) => void;
  readonly #ready: (signal: AbortSignal) => Promise<void>;
  /** Two orders may share an authorization and so a key: the newest answer shows, each is taken down by itself. */
  readonly #answers = new Map<string, readonly ChallengeAnswer[]>();

  /**
   * @param publish puts these answers, and no others, into the snapshot
   * @param ready resolves when every worker has what was published before the call
   */
  constructor(
    publish: (answers: ReadonlyMap<string, ChallengeAnswer>) => void,
    ready: (signal: AbortSignal) => Promise<void>,
  ) {
    this.#publish = publish;
    this.#ready = ready;
  }

  async put(key: string, answer: ChallengeAnswer, signal: AbortSignal): Promise<TakeDown> {
    this.#change(key, (answers) => [...answers, answer]);
    const takeDown = () => this.#change(key, (answers) => answers.filter((each) => each !== answer));
    try {
      await this.#ready(signal);
    } catch (error) {
      takeDown();
      throw error;
    }
    return async () => takeDown();
  }

  #change(key: string, change: (answers: readonly ChallengeAnswer[]) => readonly ChallengeAnswer[]): void {
    const changed = change(this.#answers.get(key) ?? []);
    if (changed.length === 0) this.#answers.delete(key);
    else this.#answers.set(key, changed);
    this.#publish(newest(this.#answers));
  }
}

function newest(all: ReadonlyMap<string, readonly ChallengeAnswer[]>): ReadonlyMap<string, ChallengeAnswer> {
  return new Map(
    [...all].flatMap(([key, answers]) => {
      const last = answers.at(-1);
      return last === undefined ? [] : [[key, last] as const];
    }),
  );
}
