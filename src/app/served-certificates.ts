import type { Certificate } from '../certs/certificate.ts';
import type { ServedCertificate } from '../snapshot/snapshot.ts';

/**
 * Turns what the pipeline holds into what workers show. A certificate that has not changed, nor its staple, is the same
 * object as last time, so that only what is new travels to the workers.
 */
export class ServedCertificates {
  readonly #stapleOf: (fingerprint: string) => Uint8Array | null;
  #made = new Map<string, { readonly from: Certificate; readonly served: ServedCertificate }>();

  constructor(stapleOf: (fingerprint: string) => Uint8Array | null) {
    this.#stapleOf = stapleOf;
  }

  of(certificates: ReadonlyMap<string, Certificate>): ReadonlyMap<string, ServedCertificate> {
    this.#made = new Map(
      [...certificates].map(([id, from]) => {
        const known = this.#made.get(id);
        const staple = this.#stapleOf(from.facts.fingerprint);
        if (known?.from === from && known.served.staple === staple) return [id, known];
        const { chain, key, facts } = from;
        return [id, { from, served: { id, chain, key, staple, fingerprint: facts.fingerprint } }];
      }),
    );
    return new Map([...this.#made].map(([id, { served }]) => [id, served]));
  }
}
