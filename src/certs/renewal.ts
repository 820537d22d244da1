import type { Instant } from '../platform/clock.ts';
import { covers, sameNames } from '../x509/names.ts';
import type { CertificateFacts, Wanted } from './certificate.ts';
import type { KnownRenewalInfo } from './journal.ts';
import type { Held } from './state.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Certificates that live less than this are renewed after half of their life, the others after two thirds. */
const SHORT_LIFE_MS = 10 * DAY;

/** Share of the lifetime below which a certificate is renewed whatever its CA says. */
const LAST_RESORT = 1 / 20;

/** Share of the lifetime in which people are warned. */
const WARNING = 1 / 10;

/** When a certificate is to be renewed, and why then, in words that follow "because". */
export interface Renewal {
  readonly at: Instant;
  readonly reason: string;
}

/**
 * When to replace what is held: at once when its CA has revoked it, but not sooner than an hour after the last one, lest
 * a CA that calls all its certificates revoked is asked for them in a circle. Else as {@link renewalOf} says.
 */
export function replacementOf(
  { facts, revokedAt }: Pick<Held, 'facts' | 'revokedAt'>,
  wanted: Wanted,
  ari: KnownRenewalInfo | null,
): Renewal {
  if (revokedAt === null) return renewalOf(facts, wanted, ari);
  return { at: Math.max(revokedAt, facts.obtainedAt + HOUR), reason: 'its CA has revoked it' };
}

/**
 * When a certificate in force is to be replaced. It is due from the start when it is not what is wanted; else its CA's
 * advice counts (RFC 9773 4.2), but never beyond the last twentieth of its life; without advice it is a third of its
 * life before the end, and half for lifetimes under ten days.
 *
 * A CA that sends its certificates half expired, or always advises to renew at once, is not asked in a circle: a
 * certificate has a day, or a third of what was left of it when it came, if that is less.
 */
export function renewalOf(facts: CertificateFacts, wanted: Wanted, ari: KnownRenewalInfo | null): Renewal {
  const mismatch = mismatchOf(facts, wanted);
  if (mismatch !== null) return { at: facts.obtainedAt, reason: mismatch };
  const { at, reason } = scheduled(facts, ari);
  const settled = facts.obtainedAt + Math.min(DAY, (facts.notAfter - facts.obtainedAt) / 3);
  return { at: Math.max(at, settled), reason };
}

function scheduled(facts: CertificateFacts, ari: KnownRenewalInfo | null): Renewal {
  const life = facts.notAfter - facts.notBefore;
  const lastResort = facts.notAfter - life * LAST_RESORT;
  const window = ari?.ariId === facts.ariId ? (ari?.window ?? null) : null;
  if (window === null) {
    return life < SHORT_LIFE_MS
      ? { at: facts.notAfter - life / 2, reason: 'half of its lifetime is over' }
      : { at: facts.notAfter - life / 3, reason: 'a third of its lifetime is left' };
  }
  if (window.selected > lastResort) {
    return { at: lastResort, reason: 'a twentieth of its lifetime is left' };
  }
  const why = window.explanationUrl === null ? '' : `, see ${window.explanationUrl}`;
  return { at: window.selected, reason: `its CA suggests it${why}` };
}

/**
 * Until when what is held serves all clients of `wanted`: in the past where its CA has revoked it or it lacks a name, since
 * some are badly served already.
 */
export function servesUntil(
  { facts, revokedAt }: Pick<Held, 'facts' | 'revokedAt'>,
  wanted: Wanted,
): Instant {
  const whole = wanted.names.every((name) => covers(facts.names, name));
  return Math.min(facts.notAfter, revokedAt ?? facts.notAfter, whole ? facts.notAfter : facts.obtainedAt);
}

/** Whether a certificate is just what is wanted: these names, from one of these issuers. */
export function satisfies(facts: CertificateFacts, wanted: Wanted): boolean {
  return mismatchOf(facts, wanted) === null;
}

/**
 * When a held certificate is so near to its end that it is renewed even though the store cannot keep the new one:
 * half of the time between its regular renewal and its end is over.
 */
export function urgentFrom(facts: CertificateFacts): Instant {
  const life = facts.notAfter - facts.notBefore;
  return facts.notAfter - life / (life < SHORT_LIFE_MS ? 4 : 6);
}

/** When people are warned of a certificate's end, whatever the plans for its renewal are. */
export function warnFrom(facts: CertificateFacts): Instant {
  return facts.notAfter - (facts.notAfter - facts.notBefore) * WARNING;
}

function mismatchOf(facts: CertificateFacts, wanted: Wanted): string | null {
  if (!sameNames(facts.names, wanted.names)) {
    const added = wanted.names.filter((name) => !facts.names.includes(name)).map((name) => `+${name}`);
    const removed = facts.names.filter((name) => !wanted.names.includes(name)).map((name) => `-${name}`);
    return `its names have changed (${[...added, ...removed].join(' ')})`;
  }
  if (!wanted.issuers.includes(facts.issuer)) {
    return `it came from ${facts.issuer}, which the configuration does not want for it`;
  }
  return null;
}
