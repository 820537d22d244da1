/**
 * Whom an address belongs to, as far as can be told: an IPv4 address is one client, of IPv6 whoever has an address has
 * the 64 bits behind the network, too (RFC 6177), and could come from another one each time.
 *
 * @param address without zone, as {@link plainAddress} makes it
 */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('::');
  const before = head === '' ? [] : head.split(':');
  const behind = tail === undefined || tail === '' ? [] : tail.split(':');
  // An address that ends in dots has two groups there, both in the last 64 bits.
  const missing = tail === undefined ? 0 : Math.max(0, 8 - before.length - behind.length);
  const groups = [...before, ...Array<string>(missing).fill('0'), ...behind];
  return `${groups.slice(0, 4).join(':')}::/64`;
}
