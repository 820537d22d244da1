import { RigilError } from '../errors.ts';
import { type OfflineOptions, openConfigured } from './offline.ts';

/** `store reseal --json`. */
export interface ResealReport {
  readonly place: string;
  /** How many values had another seal, or none. */
  readonly resealed: number;
}

/**
 * Seals whatever in the store of the configuration is not sealed with the first key of `seal=`, beside running daemons.
 *
 * @throws RigilError `usage` for a store that is not sealed, `store-sealed`, or that of the store
 */
export async function resealStore(options: OfflineOptions): Promise<ResealReport> {
  const store = await openConfigured(options);
  try {
    if (store.reseal === undefined) {
      throw new RigilError(
        'usage',
        'a store of files is not sealed: whoever can read its folder is trusted',
        {
          hint: 'seal= belongs to `store redis`',
        },
      );
    }
    return { place: store.state().place, resealed: await store.reseal() };
  } finally {
    await store.close();
  }
}
