import { RigilError } from '../../errors.ts';
import type { Seal } from '../seal.ts';
import type { RedisConnection } from './connection.ts';
import type { Keys } from './keys.ts';

const KNOWN = Buffer.from('rigil');
const PLACE = 'seal';

/**
 * Makes sure that what is in the store can be opened with the keys that there are, and that nobody stores plain what
 * others seal. The first one that seals leaves something known, sealed.
 *
 * @param options.renew seals that anew, after everything else was
 * @throws RigilError `store-sealed` naming the way out, or that of the store
 */
export async function checkSeal(
  connection: RedisConnection,
  keys: Keys,
  seal: Seal,
  { renew = false }: { readonly renew?: boolean } = {},
): Promise<void> {
  const stored = await connection.use((client) => client.getBuffer(keys.seal));
  if (stored === null) {
    if (seal.isOn) await connection.use((client) => client.setnx(keys.seal, seal.close(PLACE, KNOWN)));
    return;
  }
  try {
    seal.open(PLACE, stored);
  } catch (cause) {
    const message = seal.isOn
      ? `the store ${connection.place} is sealed with another key than those that \`seal=\` names`
      : `the store ${connection.place} is sealed, and no key is named`;
    throw new RigilError('store-sealed', message, {
      hint: seal.isOn
        ? 'add the former key behind the new one, and remove it after `rigil store reseal`'
        : 'write seal=env:NAME or seal=file:PATH into the `store` directive',
      cause,
    });
  }
  if (renew) await connection.use((client) => client.set(keys.seal, seal.close(PLACE, KNOWN)));
}
