import { RigilError } from '../../errors.ts';

/** The programs whose certificates can be taken over, and plain files. */
export const SOURCE_KINDS = ['centauri', 'centauri-redis', 'certbot', 'acme.sh', 'traefik', 'pem'] as const;
export type SourceKind = (typeof SOURCE_KINDS)[number];
/** Those that keep files. */
export type FileSourceKind = Exclude<SourceKind, 'centauri-redis'>;

/** A certificate as another program keeps it. Nothing in it is checked yet. */
export interface FoundCertificate {
  /** Where it was found, for people: a file, and what in it. */
  readonly place: string;
  /** PEM certificates in any order. */
  readonly chain: string;
  /** PEM private key in any form. */
  readonly key: string;
  readonly origin: Origin;
}

/** Who issued a certificate, as far as the other program says. */
export type Origin =
  /** An ACME CA; `directory` null = it does not say which. */
  { readonly kind: 'acme'; readonly directory: string | null } | { readonly kind: 'self-signed' | 'unknown' };

/** An ACME account of another program. */
export interface FoundAccount {
  readonly place: string;
  readonly email: string | null;
  /** PEM private key in any form. */
  readonly key: string;
  /** The account's URL at the CA. */
  readonly url: string;
}

/** Something that cannot be used. */
export interface Unusable {
  readonly place: string;
  readonly problem: string;
}

/** All that a source holds. */
export interface Found {
  readonly certificates: readonly FoundCertificate[];
  readonly accounts: readonly FoundAccount[];
  readonly unusable: readonly Unusable[];
}

export const NOTHING: Found = { certificates: [], accounts: [], unusable: [] };

/** Several finds as one. */
export function together(finds: readonly Found[]): Found {
  return {
    certificates: finds.flatMap(({ certificates }) => certificates),
    accounts: finds.flatMap(({ accounts }) => accounts),
    unusable: finds.flatMap(({ unusable }) => unusable),
  };
}

/** The value of a JSON text. @throws RigilError `target-unreadable` naming `place` */
export function parseJson(text: string, place: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    throw new RigilError('target-unreadable', `${place} is not JSON`, {
      hint: 'it may be cut short: compare it with a backup',
      cause,
    });
  }
}

/** The fields of an untrusted value, by name in lower case: Go reads JSON without regard to case. */
export function fieldsOf(value: unknown): ReadonlyMap<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return new Map();
  return new Map(Object.entries(value).map(([name, field]) => [name.toLowerCase(), field]));
}

/** A text of untrusted fields, or null. */
export function textOf(fields: ReadonlyMap<string, unknown>, name: string): string | null {
  const value = fields.get(name);
  return typeof value === 'string' && value !== '' ? value : null;
}
