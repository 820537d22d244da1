/**
 * What a CA sends is input from outside: it reaches terminals, logs, files and DNS only through these functions.
 */

/** `value` as one line for people: without control and formatting characters, at most `longest` characters. */
export function plainText(value: unknown, longest = 300): string {
  if (typeof value !== 'string') return '';
  const cleaned = value
    .slice(0, longest * 4)
    .replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/ {2,}/g, ' ')
    .trim();
  const characters = [...cleaned];
  return characters.length <= longest ? cleaned : `${characters.slice(0, longest - 1).join('')}…`;
}

/** `value` if it is an `https:` URL of at most 2048 characters without credentials, in its normal form; else null. */
export function httpsUrl(value: unknown): string | null {
  if (typeof value !== 'string' || value.length > 2048 || !URL.canParse(value)) return null;
  const url = new URL(value);
  return url.protocol === 'https:' && url.username === '' && url.password === '' ? url.href : null;
}

/** `value` if it is fit to be a challenge token (RFC 8555 8.1: base64url), so that no path or key can be made of it; else null. */
export function challengeToken(value: unknown): string | null {
  return typeof value === 'string' && /^[A-Za-z0-9_-]{16,256}$/.test(value) ? value : null;
}

/** A moment written as in RFC 3339, or null. */
export function instant(value: unknown): number | null {
  if (typeof value !== 'string' || !/^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}/.test(value)) return null;
  const at = Date.parse(value);
  return Number.isNaN(at) ? null : at;
}

/** `value` if it is an object that is not an array; else an empty one. */
export function fields(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}

/** `value` if it is an array of at most `longest` entries; else an empty one. */
export function entries(value: unknown, longest: number): readonly unknown[] {
  return Array.isArray(value) ? value.slice(0, longest) : [];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
