import type { DocumentPath } from '../certs/ports.ts';
import type { Instant } from '../platform/clock.ts';
import type { CertificateStatus } from './response.ts';
import type { Staple } from './staple.ts';

/** An OCSP answer as it is kept, in memory and in the store. */
export interface KeptStaple extends Staple {
  /** When to ask for the next one; chance has had its part in it already. */
  readonly refreshAt: Instant;
}

/** Where the answer for a certificate is kept. Staples belong to a leaf, never to a name. */
export function stapleDocument(fingerprint: string): DocumentPath {
  return ['ocsp', `${fingerprint}.json`];
}

export function encodeStaple(staple: KeptStaple): string {
  const { der, status, responder, ...times } = staple;
  const texts = Object.entries(times).map(([name, at]) => [
    name,
    at === null ? null : new Date(at).toISOString(),
  ]);
  const document = {
    status,
    responder,
    ...Object.fromEntries(texts),
    der: Buffer.from(der).toString('base64'),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** The answer in a document, or null when the document is damaged: then a new one is asked for. */
export function decodeStaple(document: Uint8Array): KeptStaple | null {
  const fields = parse(document);
  const [thisUpdate, producedAt, refreshAt] = [
    instant(fields['thisUpdate']),
    instant(fields['producedAt']),
    instant(fields['refreshAt']),
  ];
  const status = STATUSES.find((known) => known === fields['status']);
  const { der, responder } = fields;
  if (thisUpdate === null || producedAt === null || refreshAt === null || status === undefined) return null;
  if (typeof der !== 'string' || typeof responder !== 'string') return null;
  return {
    der: Buffer.from(der, 'base64'),
    status,
    responder,
    thisUpdate,
    producedAt,
    refreshAt,
    nextUpdate: instant(fields['nextUpdate']),
    usableUntil: instant(fields['usableUntil']),
    cachedUntil: instant(fields['cachedUntil']),
  };
}

const STATUSES: readonly CertificateStatus[] = ['good', 'revoked', 'unknown'];

function parse(document: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(Buffer.from(document).toString('utf8'));
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function instant(value: unknown): Instant | null {
  const at = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? null : at;
}
