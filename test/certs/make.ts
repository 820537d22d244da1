import type { CertificateFacts, Wanted } from '../../src/certs/certificate.ts';
import type { Failure } from '../../src/certs/journal.ts';
import { emptyJournal } from '../../src/certs/journal.ts';
import { type Entry, entryOf, type Held, type State } from '../../src/certs/state.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
/** The moment at which most tests begin. */
export const START = Date.parse('2026-06-01T00:00:00Z');

export function makeWanted(parts: Partial<Wanted> = {}): Wanted {
  const names = parts.names ?? [parts.id ?? 'example.com'];
  return { id: names[0] ?? '', names, issuers: ['ca'], ...parts };
}

/** Facts of a certificate of 90 days that was obtained at START. */
export function makeFacts(parts: Partial<CertificateFacts> = {}): CertificateFacts {
  const names = parts.names ?? [parts.id ?? 'example.com'];
  const notBefore = parts.notBefore ?? START;
  return {
    id: names[0] ?? '',
    issuer: 'ca',
    names,
    notBefore,
    notAfter: notBefore + 90 * DAY,
    serial: '01',
    fingerprint: JSON.stringify([names, notBefore, parts.issuer ?? 'ca']),
    keyType: 'p256',
    responderUrl: null,
    mustStaple: false,
    ariId: `ari-${names[0]}-${notBefore}`,
    obtainedAt: notBefore,
    source: 'rigil',
    ...parts,
  };
}

export function makeHeld(parts: Partial<CertificateFacts> = {}): Held {
  return { facts: makeFacts(parts), unsaved: null, stapleAt: null, revokedAt: null };
}

export function makeFailure(parts: Partial<Failure> = {}): Failure {
  return {
    attempts: 1,
    code: 'issuer-unavailable',
    message: 'nobody answers',
    hint: null,
    issuer: 'ca',
    at: START,
    retryAt: START + MINUTE,
    nextIssuer: 'ca',
    resting: {},
    ...parts,
  };
}

export function makeEntry(parts: Partial<Parameters<typeof entryOf>[0]> = {}): Entry {
  return entryOf({ wanted: makeWanted(), held: null, offer: null, journal: emptyJournal, ...parts });
}

export function makeState(entries: readonly Entry[], parts: Partial<State> = {}): State {
  return {
    entries: new Map(entries.map((entry) => [entry.wanted.id, entry])),
    issuers: new Map([['ca', { advises: true, account: 'ca', paces: [], starts: [] }]]),
    inFlight: new Set(),
    prioritised: new Set(),
    ...parts,
  };
}
