import type { CertificateView } from '../certs/view.ts';
import { ocspView } from './ocsp-view.ts';
import { type Offline, type OfflineOptions, offline } from './offline.ts';

export type { CertificateView } from '../certs/view.ts';

/** `certs list --json`. */
export interface CertificateList {
  readonly certificates: readonly CertificateView[];
}

/** Every certificate that the configuration wants or the store holds. Touches nothing and asks nobody. */
export function listCertificates(options: OfflineOptions): Promise<CertificateList> {
  return offline(options, { purpose: 'look' }, async (parts) => ({ certificates: viewsOf(parts) }));
}

/** The views of all certificates, with the state of their kept OCSP answers. */
function viewsOf({ manager, staples, now }: Offline): readonly CertificateView[] {
  return manager.views(now()).map((view) => {
    const facts = manager.entries.get(view.id)?.held?.facts;
    return facts === undefined ? view : { ...view, ocsp: ocspView(staples.answerOf(facts.fingerprint)) };
  });
}
