import { RigilError } from '../../errors.ts';
import type { Seal } from '../seal.ts';
import { MAGIC } from '../seal.ts';
import type { Changes } from './changes.ts';
import type { RedisConnection } from './connection.ts';
import type { Keys } from './keys.ts';
import { COUNT_UNSEALED } from './scripts.ts';

const KNOWN = Buffer.from('rigil');
const PLACE = 'seal';

/** The kind of changes by which everybody hears that the seal is to be looked at again. */
export const SEAL = 'seal';

/** Kinds of documents that hold secrets. */
const SECRET_KINDS = ['accounts', 'authorities', 'challenges', 'orders', 'routes', 'tickets'] as const;

/** How many certificates are looked through in one round trip, which holds up Redis. */
const BATCH = 100;

/** Where a seal is looked after. */
export interface SealParts {
  readonly connection: RedisConnection;
  readonly keys: Keys;
  readonly seal: Seal;
  readonly changes: Changes;
}

/**
 * Makes sure that what is in the store can be opened with the keys that there are, and that nobody stores plain what
 * others seal. The first one that seals leaves something known, sealed.
 *
 * @param options.renew seals that anew, after everything else was
 * @throws RigilError `store-sealed` naming the way out, or that of the store
 */
export async function checkSeal(
  { connection, keys, seal, changes }: SealParts,
  { renew = false }: { readonly renew?: boolean } = {},
): Promise<void> {
  const stored = await connection.use((client) => client.getBuffer(keys.seal));
  if (stored === null) {
    if (!seal.isOn) return;
    const isFirst = await connection.use((client) => client.setnx(keys.seal, seal.close(PLACE, KNOWN)));
    // Whoever has no key must not go on storing things in clear.
    if (isFirst === 1) await tell();
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
  if (!renew) return;
  await connection.use((client) => client.set(keys.seal, seal.close(PLACE, KNOWN)));
  await tell();

  function tell(): Promise<unknown> {
    return connection.use((client) => client.publish(changes.channel, changes.message(SEAL, [])));
  }
}

/** How many secrets lie in clear. @throws RigilError that of the store */
export async function countUnsealed({ connection, keys }: SealParts): Promise<number> {
  const count = async (hashes: readonly string[], fields: string): Promise<number> =>
    Number(await connection.run(COUNT_UNSEALED, hashes, [MAGIC, fields]));
  let unsealed = await count(
    SECRET_KINDS.map((kind) => keys.documents(kind)),
    '',
  );
  const places = await connection.use((client) => client.hkeys(keys.index));
  for (let start = 0; start < places.length; start += BATCH) {
    const batch = places.slice(start, start + BATCH);
    unsealed += await count(
      batch.map((place) => keys.certificate(place)),
      'pem$',
    );
  }
  return unsealed;
}
