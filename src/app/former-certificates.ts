import type { Certificate } from '../certs/certificate.ts';
import { inParallel } from '../certs/in-parallel.ts';
import type { Store } from '../store/store.ts';
import type { ServedCertificates } from './served-certificates.ts';

/** How many are read at a time. */
const READERS = 16;

/**
 * For a start, before anything is shown: reads what was in force before the must-staple certificates that have no staple
 * yet, so that clients get what they got before the restart. Never rejects: where nothing can be read the new ones are shown.
 */
export async function recallFormer(
  served: ServedCertificates,
  certificates: ReadonlyMap<string, Certificate>,
  store: Pick<Store, 'former'>,
  onFault: (fault: unknown) => void,
): Promise<void> {
  await inParallel(served.unready(certificates), READERS, async (latest) => {
    const { issuer, id } = latest.facts;
    try {
      const former = await store.former(issuer, id);
      if (former !== null) served.recall(latest, former);
    } catch (error) {
      onFault(error);
    }
  });
}
