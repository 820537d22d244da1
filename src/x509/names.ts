import { isIpAddress, isPublicIp } from './ip-address.ts';

/** Whether a certificate with `names` is good for `name`: the same name, or a wildcard one label above it (RFC 6125 6.4.3). */
export function covers(names: readonly string[], name: string): boolean {
  return names.includes(name) || (!isIpAddress(name) && names.includes(wildcardOf(name)));
}

/** The wildcard that stands for `name` and its siblings: `*.example.com` for `a.example.com`. */
export function wildcardOf(name: string): string {
  return `*.${name.slice(name.indexOf('.') + 1)}`;
}

/** Whether two lists hold the same names, in any order. */
export function sameNames(left: readonly string[], right: readonly string[]): boolean {
  const names = new Set(left);
  return names.size === new Set(right).size && right.every((name) => names.has(name));
}

/**
 * Whether a public CA may certify `name`: a DNS name below a public suffix, or an address that the Internet can reach
 * (CA/Browser Forum Baseline Requirements 4.2.2 and 7.1.4.2). Everything else is for the internal CA.
 */
export function isPublicName(name: string): boolean {
  if (isIpAddress(name)) return isPublicIp(name);
  const bare = name.replace(/^\*\./, '');
  const last = bare.slice(bare.lastIndexOf('.') + 1);
  return (
    bare.includes('.') && !PRIVATE_ENDS.has(last) && bare !== 'home.arpa' && !bare.endsWith('.home.arpa')
  );
}

/**
 * Last labels that the public DNS does not and will not have: RFC 6761, RFC 6762, RFC 7686, RFC 9476, ICANN's
 * reservation of `internal`, and the ones that home routers and company networks made so common that ICANN refuses
 * to delegate them.
 */
const PRIVATE_ENDS = new Set([
  'alt',
  'corp',
  'example',
  'home',
  'internal',
  'invalid',
  'lan',
  'local',
  'localdomain',
  'localhost',
  'mail',
  'onion',
  'test',
]);
