import { hash } from 'node:crypto';
import type { CertificateFacts } from '../certs/certificate.ts';
import type { Instant } from '../platform/clock.ts';

/** What `meta.json` says about the chain and the key beside it. */
export interface Meta {
  readonly facts: CertificateFacts;
  /** That of {@link digestOf} when they were stored; null = it was not noted. */
  readonly digest: string | null;
}

/** SHA-256 of a PEM chain with its key, lower case hex: where it fits, neither has to be parsed to be trusted. */
export function digestOf(chain: string, key: string): string {
  return hash('sha256', chain + key);
}

/** The JSON that {@link metaFromJson} reads, with times that people can read. */
export function metaToJson({ facts, digest }: Meta): string {
  const { notBefore, notAfter, obtainedAt, ...others } = facts;
  const times = { notBefore: iso(notBefore), notAfter: iso(notAfter), obtainedAt: iso(obtainedAt) };
  return `${JSON.stringify({ ...others, ...times, digest }, null, 2)}\n`;
}

/** What the text of a `meta.json` says, or null when it is damaged. Unknown fields are left to newer versions. */
export function metaFromJson(text: string): Meta | null {
  const meta = parseObject(text);
  if (meta === null) return null;
  const { id, issuer, names, serial, fingerprint, keyType, responderUrl, mustStaple, ariId, source, digest } =
    meta;
  const notBefore = instant(meta['notBefore']);
  const notAfter = instant(meta['notAfter']);
  const obtainedAt = instant(meta['obtainedAt']);
  if (typeof id !== 'string' || typeof issuer !== 'string' || !isStrings(names)) return null;
  if (typeof serial !== 'string' || typeof fingerprint !== 'string' || typeof source !== 'string')
    return null;
  if (notBefore === null || notAfter === null || obtainedAt === null) return null;
  const facts: CertificateFacts = {
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
  return { facts, digest: typeof digest === 'string' ? digest : null };
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
