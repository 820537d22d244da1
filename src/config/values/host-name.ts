import { domainToASCII } from 'node:url';

/**
 * Whether `text` is a host name: labels of 1 to 63 letters, digits, hyphens and underscores, none with a hyphen at
 * either end, at most 253 characters, and something other than digits in it (so that it is no IPv4 address). Stricter
 * than RFC 1035 and wider than RFC 1123 by the underscore: the rule of Go's resolver, and so of Centauri.
 */
export function isHostName(text: string): boolean {
  if (text.length === 0 || text.length > 253) return false;
  if (!/[A-Za-z_-]/.test(text)) return false;
  return text.split('.').every((label) => /^(?!-)[A-Za-z0-9_-]{1,63}(?<!-)$/.test(label));
}

/** Longer ones have no A-labels that fit; converting takes time that grows with the square of the length. */
const LONGEST_UNICODE_NAME = 1000;

/**
 * The A-labels of a host name in Unicode (RFC 5890 2.3.2.1), or null when it has none.
 *
 * `domainToASCII` maps as browsers do and accepts more than host names, so both its input and its result are checked:
 * a full-width `１２７.０.０.１` would become an address, `-ä` would hide its hyphen.
 */
export function toAsciiHostName(text: string): string | null {
  if (text.length > LONGEST_UNICODE_NAME) return null;
  if (/[\0-,/:-@[-^`{-\x7f]/.test(text)) return null;
  if (/(^|[.\u3002\uff0e\uff61])-|-($|[.\u3002\uff0e\uff61])/.test(text)) return null;
  const ascii = domainToASCII(text);
  return isHostName(ascii) ? ascii : null;
}
