import { loadStoredCertificate } from '../ocsp/stored-certificate.ts';
import type { StoredCertificate } from '../ocsp/subject.ts';
import { type OfflineOptions, offline } from './offline.ts';

/**
 * A certificate of the configuration's store, by its name, with the staple that is kept for it.
 *
 * @throws RigilError `name-unknown`, or what reading the configuration or the store throws
 */
export function loadCertificate(options: OfflineOptions, name: string): Promise<StoredCertificate> {
  return offline(options, { purpose: 'look' }, ({ store }) => {
    const { find, load } = store;
    return loadStoredCertificate(name, {
      find: find.bind(store),
      load: load.bind(store),
      readDocument: (path) => store.documents.readDocument(path),
    });
  });
}
