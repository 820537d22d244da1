import type { CertificateFacts } from '../certs/certificate.ts';
import type { Instant } from '../platform/clock.ts';

/** The facts of a certificate as the JSON of `meta.json`, with times that people can read. */
export function factsToJson({ notBefore, notAfter, obtainedAt, ...facts }: CertificateFacts): string {
  const times = { notBefore: iso(notBefore), notAfter: iso(notAfter), obtainedAt: iso(obtainedAt) };
  return `${JSON.stringify({ ...facts, ...times }, null, 2)}\n`;
}

/** The facts in the text of a `meta.json`, or null when it is damaged. Unknown fields are left to newer versions. */
export function factsFromJson(text: string): CertificateFacts | null {
  const meta = parseObject(text);
  if (meta === null) return null;
  const { id, issuer, names, serial, fingerprint, keyType, responderUrl, mustStaple, ariId, source } = meta;
  const [notBefore, notAfter, obtainedAt] = [meta['notBefore'], meta['notAfter'], meta['obtainedAt']].map(
    instant,
  );
  if (typeof id !== 'string' || typeof issuer !== 'string' || !isStrings(names)) return null;
  if (typeof serial !== 'string' || typeof fingerprint !== 'string' || typeof source !== 'string')
    return null;
  if (notBefore == null || notAfter == null || obtainedAt == null) return null;
  return {
    id,
    issuer,
    names,
    notBefore,
    notAfter,
    serial,
    fingerprint,
    keyType: KEY_TYPES.find((type) => type === keyType) ?? 'other',
    responderUrl: typeof responderUrl === 'string' ? responderUrl : null,
    mustStaple: mustStaple === true,
    ariId: typeof ariId === 'string' ? ariId : null,
    obtainedAt,
    source,
  };
}

const KEY_TYPES = ['p256', 'p384', 'rsa2048', 'rsa4096'] as const;

/** The object that a JSON text holds, or null. */
export function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

function instant(value: unknown): Instant | null {
  const parsed = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(parsed) ? null : parsed;
}

function iso(time: Instant): string {
  return new Date(time).toISOString();
}
