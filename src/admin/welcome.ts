import { isWithin, plainAddress } from '../proxy/trusted-peers.ts';

/** The ends of a connection, as a socket has them; both undefined for a Unix socket. */
export interface Ends {
  readonly remoteAddress?: string | undefined;
  readonly localAddress?: string | undefined;
}

const LOOPBACK: readonly string[] = ['127.0.0.0/8', '::1/128'];

/** Whether a client may ask: this machine, over whichever of its addresses, or whoever is in one of `peers` (CIDR). */
export function isWelcome({ remoteAddress, localAddress }: Ends, peers: readonly string[]): boolean {
  if (remoteAddress === undefined) return localAddress === undefined;
  const peer = plainAddress(remoteAddress);
  return isWithin(peer, LOOPBACK) || remoteAddress === localAddress || isWithin(peer, peers);
}
