import type { CertificateStore, DocumentStore } from '../certs/ports.ts';
import { RigilError } from '../errors.ts';
import { decodeStaple, stapleDocument } from './kept-staple.ts';
import { printable } from './printable.ts';
import type { StoredCertificate } from './subject.ts';

/**
 * A certificate of the store by its name, with the answer that is kept for it. Of several issuers' the newest counts.
 *
 * @throws RigilError `name-unknown`, or that of the store
 */
export async function loadStoredCertificate(
  name: string,
  store: Pick<CertificateStore, 'find' | 'load'> & Pick<DocumentStore, 'readDocument'>,
): Promise<StoredCertificate> {
  const [newest] = (await store.find(name)).toSorted((a, b) => b.obtainedAt - a.obtainedAt);
  const certificate = newest === undefined ? null : await store.load(newest.issuer, newest.id);
  if (certificate === null) {
    throw new RigilError('name-unknown', `there is no certificate "${printable(name)}" in the store`, {
      hint: 'rigil certs list shows the names that there are; a server is named as host:port',
    });
  }
  const document = await store.readDocument(stapleDocument(certificate.facts.fingerprint));
  const staple = document === null ? null : (decodeStaple(document)?.der ?? null);
  return { chain: certificate.chain, staple };
}
