import { codeOf } from '../errors.ts';
import type { Board, ChallengeAnswer, TakeDown } from './board.ts';

export interface FleetBoardOptions {
  /** Shows answers on this machine. */
  readonly here: Board;
  /** Has them shown by the daemons on the others. */
  readonly elsewhere: Board;
  /** Told why the others do not have an answer: the store is away. */
  readonly onAlone: (error: unknown) => void;
}

/**
 * The board of a daemon that is one of several: a CA may meet any of them. While the store is away answers are shown here
 * alone, which is better than not to try.
 */
export class FleetBoard implements Board {
  readonly #options: FleetBoardOptions;

  constructor(options: FleetBoardOptions) {
    this.#options = options;
  }

  async put(key: string, answer: ChallengeAnswer, signal: AbortSignal): Promise<TakeDown> {
    const { here, elsewhere, onAlone } = this.#options;
    const takeDownHere = await here.put(key, answer, signal);
    try {
      const takeDownElsewhere = await elsewhere.put(key, answer, signal);
      return async () => {
        await takeDownHere();
        // It expires there by itself; that it is not taken down now spoils nothing.
        await takeDownElsewhere().catch(onAlone);
      };
    } catch (error) {
      if (!signal.aborted && codeOf(error).startsWith('store-')) {
        onAlone(error);
        return takeDownHere;
      }
      await takeDownHere();
      throw error;
    }
  }
}
