import { RigilError } from '../errors.ts';
import type { StoredCertificate } from '../ocsp/subject.ts';

/**
 * A certificate of the configuration's store, by its name, with the staple that is kept for it.
 *
 * @param configFile as asked for on the command line; undefined = the first default that exists
 * @throws RigilError `name-unknown`, or what reading the configuration or the store throws
 */
export async function loadCertificate(
  _configFile: string | undefined,
  name: string,
): Promise<StoredCertificate> {
  // The seam to the store: open the one that the configuration names, then `loadStoredCertificate(name, store)`.
  throw new RigilError('name-unknown', `there is no certificate "${name}" in the store`);
}
