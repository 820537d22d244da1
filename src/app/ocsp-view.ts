import type { CertificateView } from '../certs/view.ts';
import type { Staple } from '../ocsp/staple.ts';

/** An OCSP answer as it is printed; null = there is none. */
export function ocspView(
  answer: Pick<Staple, 'status' | 'thisUpdate' | 'nextUpdate'> | null,
): CertificateView['ocsp'] {
  if (answer === null) return null;
  const { status, thisUpdate, nextUpdate } = answer;
  return {
    status,
    thisUpdate: new Date(thisUpdate).toISOString(),
    nextUpdate: nextUpdate === null ? null : new Date(nextUpdate).toISOString(),
  };
}
