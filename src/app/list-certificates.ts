import type { CertificateView } from '../certs/view.ts';
import { decodeStaple, stapleDocument } from '../ocsp/kept-staple.ts';
import type { FileStore } from '../store/file-store.ts';
import { ocspView } from './ocsp-view.ts';
import { type Offline, type OfflineOptions, offline } from './offline.ts';

export type { CertificateView } from '../certs/view.ts';

/** `certs list --json`. */
export interface CertificateList {
  readonly certificates: readonly CertificateView[];
}

/** Every certificate that the configuration wants or the store holds. Touches nothing and asks nobody. */
export function listCertificates(options: OfflineOptions): Promise<CertificateList> {
  return offline(options, { purpose: 'look' }, async (parts) => ({ certificates: await viewsOf(parts) }));
}

/** The views of all certificates, with the state of their kept OCSP answers. */
export async function viewsOf({ manager, store, now }: Offline): Promise<readonly CertificateView[]> {
  return Promise.all(
    manager.views(now()).map(async (view) => {
      const facts = manager.entries.get(view.id)?.held?.facts ?? null;
      return facts?.responderUrl == null ? view : { ...view, ocsp: await ocspOf(facts.fingerprint, store) };
    }),
  );
}

/** What the kept OCSP answer for a leaf says; null = there is none. */
export async function ocspOf(fingerprint: string, store: FileStore): Promise<CertificateView['ocsp']> {
  const document = await store.documents.readDocument(stapleDocument(fingerprint));
  return ocspView(document === null ? null : decodeStaple(document));
}
