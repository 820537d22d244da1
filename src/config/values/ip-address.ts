import { isIPv6 } from 'node:net';

/** `address` in its one usual form: IPv4 as it is, IPv6 as RFC 5952 writes it. A zone (`%eth0`) is kept. */
export function canonicalAddress(address: string): string {
  if (!isIPv6(address)) return address;
  const percent = address.indexOf('%');
  const bare = percent < 0 ? address : address.slice(0, percent);
  const zone = percent < 0 ? '' : address.slice(percent);
  return new URL(`http://[${bare}]`).hostname.slice(1, -1) + zone;
}

/** `host:port`, with brackets around an IPv6 address. */
export function hostAndPort(host: string, port: number): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
}
