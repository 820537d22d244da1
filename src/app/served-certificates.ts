import type { Certificate } from '../certs/certificate.ts';
import type { StapleKeeper } from '../ocsp/staple-keeper.ts';
import type { Instant } from '../platform/clock.ts';
import type { ServedCertificate } from '../snapshot/snapshot.ts';

/** What is shown for one id, and what it was made from. */
interface Made {
  readonly from: Certificate;
  readonly served: ServedCertificate;
}

/** What workers show after a change. */
export interface Shown {
  readonly certificates: ReadonlyMap<string, ServedCertificate>;
  /** A certificate that its CA has revoked is not shown any more: sessions that began with it should end. */
  readonly revokedReplaced: boolean;
}

/**
 * Turns what the pipeline holds into what workers show. A certificate that has not changed, nor its staple, is the same
 * object as last time, so that only what is new travels to the workers.
 *
 * Clients that insist on the staple of a must-staple certificate (RFC 7633) refuse it without one, and most take it all
 * the same. So until its first staple is there the one before it stays, while that is in force; but where there is none
 * it is shown: an alert would turn everybody away.
 */
export class ServedCertificates {
  readonly #staples: Pick<StapleKeeper, 'stapleOf' | 'answerOf' | 'revokedAt'>;
  readonly #now: () => Instant;
  #made: ReadonlyMap<string, Made> = new Map();
  #shown: ReadonlyMap<string, ServedCertificate> = new Map();

  constructor(staples: Pick<StapleKeeper, 'stapleOf' | 'answerOf' | 'revokedAt'>, now: () => Instant) {
    this.#staples = staples;
    this.#now = now;
  }

  /** When nothing has changed the map is the same, too. */
  of(certificates: ReadonlyMap<string, Certificate>): Shown {
    const before = this.#made;
    let isNews = before.size !== certificates.size;
    const made = new Map<string, Made>();
    let revokedReplaced = false;
    for (const [id, latest] of certificates) {
      const known = before.get(id);
      const from = known === undefined || this.#isReady(latest) ? latest : this.#inForce(known.from, latest);
      const { fingerprint } = from.facts;
      const former = known?.served.fingerprint ?? fingerprint;
      if (former !== fingerprint && this.#staples.revokedAt(former) !== null) revokedReplaced = true;
      const staple = this.#staples.stapleOf(fingerprint);
      if (known?.from === from && known.served.staple === staple) {
        made.set(id, known);
        continue;
      }
      isNews = true;
      const { chain, key } = from;
      made.set(id, { from, served: { id, chain, key, staple, fingerprint } });
    }
    this.#made = made;
    if (isNews) this.#shown = new Map([...made].map(([id, { served }]) => [id, served]));
    return { certificates: this.#shown, revokedReplaced };
  }

  #inForce(former: Certificate, latest: Certificate): Certificate {
    return former.facts.notAfter > this.#now() ? former : latest;
  }

  #isReady({ facts }: Certificate): boolean {
    if (!facts.mustStaple || facts.responderUrl === null) return true;
    const answer = this.#staples.answerOf(facts.fingerprint);
    return answer !== null && answer.status !== 'unknown';
  }
}
