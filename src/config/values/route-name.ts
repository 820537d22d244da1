import { isIP } from 'node:net';
import { Fault } from '../fault.ts';
import { isHostName, toAsciiHostName } from './host-name.ts';
import { canonicalAddress } from './ip-address.ts';

/**
 * A name of a route or a certificate, as the routing table and issuers want it: a host name in lower case as A-labels,
 * `*.` and a host name, or an IP address (IPv6 as RFC 5952 writes it, without brackets).
 *
 * A Fault with the code `name-never-matches` is only a doubt: such a name is legal but no request can carry it.
 */
export function parseRouteName(text: string): string | Fault {
  const address = addressIn(text);
  if (address !== null) return address;
  const prefix = text.startsWith('*.') ? '*.' : '';
  const host = hostNameIn(text.slice(prefix.length), prefix);
  return host instanceof Fault ? host : prefix + host;
}

/** Whether `name` is `*.` and a host name. */
export function isWildcard(name: string): boolean {
  return name.startsWith('*.');
}

function addressIn(text: string): string | null {
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
  const family = isIP(bare);
  if (family === 0 || bare.includes('%') || (family === 4 && bare !== text)) return null;
  return canonicalAddress(bare);
}

/** @param prefix what stands before `text`, for hints */
function hostNameIn(text: string, prefix: string): string | Fault {
  if (isHostName(text)) return text.toLowerCase();
  const dotless = text.endsWith('.') ? text.slice(0, -1) : '';
  if (dotless !== '' && (isHostName(dotless) || toAsciiHostName(dotless) !== null)) {
    return new Fault(
      'name-never-matches',
      'ends with a dot, so that no request ever matches it; it is left out',
      `did you mean "${prefix}${dotless}"?`,
    );
  }
  const ascii = /[^\0-\x7f]/.test(text) ? toAsciiHostName(text) : null;
  return ascii ?? explain(text);
}

function explain(text: string): Fault {
  const wrong = (message: string, hint: string | null = null) => new Fault('invalid-name', message, hint);
  const host = /^(?:[a-z]+:\/\/)?(\[[^\]]*\]|[^/:,]+)/i.exec(text)?.[1] ?? '';
  const instead = host !== '' && host !== text && isHostName(host) ? `did you mean "${host}"?` : null;
  if (text.includes(',')) return wrong('is not a host name', 'separate names by spaces, not by commas');
  if (text.includes('/')) return wrong('is not a host name: a route has names, not URLs or paths', instead);
  if (text.includes(':')) return wrong('is not a host name: names have no port', instead);
  if (text === '*')
    return wrong('is not a host name', 'a route for every other name is made with "fallback"');
  if (text.includes('*')) {
    return wrong('has a * in the wrong place', 'a wildcard is "*." and a host name: *.example.com');
  }
  if (text.length > 253) return wrong('is longer than 253 characters');
  if (text.includes('..') || text.startsWith('.') || text.endsWith('.')) {
    return wrong('is not a host name: there is nothing between two dots, or before or after one');
  }
  const long = text.split('.').find((label) => label.length > 63);
  if (long !== undefined) return wrong('is not a host name: a part is longer than 63 characters');
  if (/(^|\.)-|-($|\.)/.test(text)) return wrong('is not a host name: a part begins or ends with a hyphen');
  if (/^[\d.]+$/.test(text)) return wrong('is no host name: it has digits and dots only');
  return wrong('is not a host name', 'a host name has letters, digits, hyphens and dots');
}
