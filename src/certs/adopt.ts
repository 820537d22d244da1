import { codeOf } from '../errors.ts';
import type { Event } from '../events/event.ts';
import type { Instant } from '../platform/clock.ts';
import { isBetter } from './candidates.ts';
import type { Certificate, CertificateFacts, Wanted } from './certificate.ts';
import type { Outcome } from './fold.ts';
import type { Ports } from './ports.ts';
import { satisfies } from './renewal.ts';
import type { Entry, Trouble } from './state.ts';
import { askStore, reportProblem } from './store-access.ts';

/** Takes over a certificate that another process stored. */
export async function adopt(
  offered: CertificateFacts,
  entry: Entry,
  ports: Ports,
  signal: AbortSignal,
): Promise<Outcome> {
  const { clock, random, staples } = ports;
  const { wanted, held } = entry;
  const parts = () => ({ id: wanted.id, at: clock.now(), chance: random.fraction() });
  try {
    const adoptable = await readAdoptable(offered, wanted, ports, signal);
    if (adoptable === null || !isBetter(adoptable.certificate.facts, held, wanted, clock.now())) {
      return { kind: 'not-adopted', ...parts(), facts: offered, gone: true };
    }
    const stapleAt = staples?.dueAt(adoptable.certificate.facts) ?? null;
    return { kind: 'adopted', ...parts(), ...adoptable, stapleAt };
  } catch (error) {
    if (signal.aborted) return { kind: 'dropped', ...parts() };
    reportProblem(ports, `the stored certificate for ${wanted.id} cannot be used`, error);
    const gone = codeOf(error) === 'store-damaged';
    return { kind: 'not-adopted', ...parts(), facts: offered, gone };
  }
}

/** A certificate from the store as it is held for a wanted one. */
export interface Adoptable {
  readonly certificate: Certificate;
  readonly unsaved: Trouble | null;
}

/**
 * Reads a certificate to be held for `wanted`; null when it is not there any more.
 *
 * @throws RigilError that of the store
 */
export async function readAdoptable(
  { issuer, id }: CertificateFacts,
  wanted: Wanted,
  ports: Ports,
  signal: AbortSignal,
): Promise<Adoptable | null> {
  const certificate = await askStore(ports, signal, () => ports.store.load(issuer, id));
  return certificate === null ? null : adoptable(certificate, wanted, ports.clock.now());
}

/**
 * A certificate as it is held for `wanted`. What is just right but stored under another id, as after two names of a
 * route changed places, gets the right id and is stored once more.
 */
export function adoptable(certificate: Certificate, wanted: Wanted, now: Instant): Adoptable {
  const { facts } = certificate;
  if (facts.id === wanted.id || !satisfies(facts, wanted)) return { certificate, unsaved: null };
  return {
    certificate: { ...certificate, facts: { ...facts, id: wanted.id } },
    unsaved: { attempts: 0, retryAt: now },
  };
}

/** What the log says of an adoption. */
export function adoptionEvent({ id, certificate }: Extract<Outcome, { kind: 'adopted' }>): Event {
  const { issuer, notAfter } = certificate.facts;
  return { event: 'certificate.adopted', id, issuer, notAfter: new Date(notAfter).toISOString() };
}
