import type { Certificate } from '../certs/certificate.ts';
import type { StapleKeeper } from '../ocsp/staple-keeper.ts';
import type { Instant } from '../platform/clock.ts';
import type { ServedCertificate } from '../snapshot/snapshot.ts';
import { covers } from '../x509/names.ts';

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

  /** Those that are must-staple and have no staple yet. */
  unready(certificates: ReadonlyMap<string, Certificate>): Certificate[] {
    return [...certificates.values()].filter((each) => !this.#isReady(each));
  }

  /**
   * Shows `former` until `latest` has its staple, as before a restart: if clients can do something with it.
   *
   * @param former what was in force before `latest`
   */
  recall(latest: Certificate, former: Certificate): void {
    const { id, names } = latest.facts;
    const { fingerprint, notAfter } = former.facts;
    const isGood =
      notAfter > this.#now() &&
      names.every((name) => covers(former.facts.names, name)) &&
      this.#isReady(former) &&
      this.#staples.revokedAt(fingerprint) === null;
    if (!isGood) return;
    this.#made = new Map(this.#made).set(id, { from: former, served: this.#serve(id, former) });
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
      if (known?.from === from && known.served.staple === this.#staples.stapleOf(fingerprint)) {
        made.set(id, known);
        isNews ||= this.#shown.get(id) !== known.served;
        continue;
      }
      isNews = true;
      made.set(id, { from, served: this.#serve(id, from) });
    }
    this.#made = made;
    if (isNews) this.#shown = new Map([...made].map(([id, { served }]) => [id, served]));
    return { certificates: this.#shown, revokedReplaced };
  }

  #serve(id: string, { chain, key, facts: { fingerprint } }: Certificate): ServedCertificate {
    return { id, chain, key, staple: this.#staples.stapleOf(fingerprint), fingerprint };
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
