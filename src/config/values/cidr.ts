import { isIP } from 'node:net';
import { Fault } from '../fault.ts';
import { canonicalAddress } from './ip-address.ts';

/** A block of addresses such as `10.0.0.0/8` or `fd00::/8`. A bare address is the block of that one address. */
export function parseCidr(text: string): string | Fault {
  if (text.includes(',')) {
    return new Fault('invalid-cidr', 'is not a CIDR block', 'separate blocks by spaces, not by commas');
  }
  const slash = text.indexOf('/');
  const address = slash < 0 ? text : text.slice(0, slash);
  const family = isIP(address);
  if (family === 0 || address.includes('%')) {
    return new Fault(
      'invalid-cidr',
      'is not a CIDR block',
      'write it like 10.0.0.0/8, fd00::/8 or 192.0.2.1',
    );
  }
  const bits = family === 4 ? 32 : 128;
  const length = slash < 0 ? String(bits) : text.slice(slash + 1);
  if (!/^(0|[1-9]\d{0,2})$/.test(length) || Number(length) > bits) {
    return new Fault('invalid-cidr', `has no prefix length from 0 to ${bits} after the slash`);
  }
  return `${canonicalAddress(address)}/${length}`;
}
