import { isIP } from 'node:net';
import { Fault } from '../fault.ts';
import { canonicalAddress, hostAndPort } from './ip-address.ts';
import { parsePort } from './port.ts';

const DNS_PORT = 53;

/** The address of a DNS server as `address:port`. The port may be left out. */
export function parseResolver(text: string): string | Fault {
  if (isIP(text) !== 0) return hostAndPort(canonicalAddress(text), DNS_PORT);
  const [, bracketed, bare, digits] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(text) ?? [];
  const address = bracketed ?? bare ?? '';
  const port = digits === undefined ? DNS_PORT : parsePort(digits);
  const family = isIP(address);
  if (family === (bracketed === undefined ? 4 : 6) && port !== null && port > 0) {
    return hostAndPort(canonicalAddress(address), port);
  }
  const hint = text.includes(',')
    ? 'separate servers by spaces, not by commas'
    : 'write it like 9.9.9.9, 9.9.9.9:53 or [2620:fe::fe]:53';
  return new Fault('invalid-address', 'is not the IP address of a DNS server', hint);
}
