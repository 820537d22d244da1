import { hostname } from 'node:os';
import type { ListenAddress } from '../config/config.ts';

/**
 * How certificates name a responder that listens at `address`: `http://host:port/`. One that listens on all interfaces is
 * called by the name of the machine. Null = nobody could reach it by a URL.
 */
export function responderUrlOf(address: ListenAddress | null): string | null {
  if (address?.kind !== 'tcp' || address.port === 0) return null;
  const { host, port } = address;
  const everywhere = host === null || host === '0.0.0.0' || host === '::';
  const name = everywhere ? hostname() : host.includes(':') ? `[${host}]` : host;
  return `http://${name}:${port}/`;
}
