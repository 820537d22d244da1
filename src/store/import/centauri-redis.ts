import { messageOf } from '../../errors.ts';
import type { Clock } from '../../platform/clock.ts';
import type { RedisConnection } from '../redis/connection.ts';
import { scanHash } from '../redis/scan.ts';
import { readCentauriCertificates } from './centauri.ts';
import { type Found, NOTHING, together } from './found.ts';

/** How long is waited for Centauri to store what it works on, in milliseconds, and how often it is looked. */
const PATIENCE_MS = 15_000;
const LOOK_MS = 250;

/**
 * The certificates that Centauri keeps in Redis: fields `provider;subject;name…` of the hash `PREFIX:certificates`, each an
 * object as in its certs.json. Only reads, so that Centauri can go on beside it; one that Centauri holds its lock on
 * (`PREFIX:lock:subject;name…`) is about to be replaced, and is waited for.
 *
 * @throws RigilError that of the store
 */
export async function readCentauriRedis(
  connection: RedisConnection,
  prefix: string,
  clock: Clock,
): Promise<Found> {
  const hash = `${prefix}:certificates`;
  const entries = new Map<string, string>();
  await scanHash(connection, hash, (field, value) => void entries.set(field, value.toString()));
  const until = clock.now() + PATIENCE_MS;
  for (const field of entries.keys()) {
    const lock = `${prefix}:lock:${field.slice(field.indexOf(';') + 1)}`;
    let waited = false;
    while ((await connection.use((client) => client.exists(lock))) === 1 && clock.now() < until) {
      waited = true;
      await clock.sleep(LOOK_MS);
    }
    if (!waited) continue;
    const value = await connection.use((client) => client.hget(hash, field));
    if (value !== null) entries.set(field, value);
  }
  return together([...entries].map(([field, value]) => readEntry(value, `${hash} ${field}`)));
}

function readEntry(value: string, place: string): Found {
  try {
    return readCentauriCertificates(`[${value}]`, place);
  } catch (error) {
    return { ...NOTHING, unusable: [{ place, problem: messageOf(error) }] };
  }
}
