import { RigilError } from '../errors.ts';

/** One label: letters, digits, hyphens; an underscore may begin it (RFC 8552). */
const LABEL = /^_?[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * A DNS name as this program writes it: lower case, without the final dot.
 *
 * @throws RigilError `internal` when it is not made of letters, digits, hyphens and leading underscores, or too long.
 *   Names reach providers checked; this is what keeps a strange one out of a program's arguments or a URL for certain
 */
export function dnsName(text: string): string {
  const name = withoutDot(text).toLowerCase();
  if (name.length > 253 || !name.split('.').every((label) => label.length <= 63 && LABEL.test(label))) {
    throw new RigilError('internal', `${JSON.stringify(text.slice(0, 300))} is not a DNS name`);
  }
  return name;
}

/** Whether `text` could be a host name or a zone, with or without its final dot. */
export function isDnsName(text: string): boolean {
  try {
    dnsName(text);
    return true;
  } catch {
    return false;
  }
}

export function withoutDot(name: string): string {
  return name.endsWith('.') ? name.slice(0, -1) : name;
}

/** The name and the names above it, nearest first, without the root: `a.b.c` gives `a.b.c`, `b.c`, `c`. */
export function selfAndParents(name: string): readonly string[] {
  const labels = name.split('.');
  return labels.map((_, first) => labels.slice(first).join('.'));
}

/** Whether `name` is `zone` or below it. */
export function isWithin(name: string, zone: string): boolean {
  return name === zone || name.endsWith(`.${zone}`);
}
