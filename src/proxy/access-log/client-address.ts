import { isIP } from 'node:net';
import type { ServingSettings } from '../../snapshot/snapshot.ts';
import type { RawHeaders } from '../exchange.ts';
import { membersOf } from '../raw-headers.ts';
import { isTrusted, plainAddress } from '../trusted-peers.ts';

/**
 * Who asks: the peer, or where that is a trusted proxy, the last one in `X-Forwarded-For` that is none. What stands
 * before that one was said by a stranger. When all are trusted it is the first.
 */
export function clientAddress(
  peer: string | null,
  headers: RawHeaders,
  settings: ServingSettings,
): string | null {
  if (peer === null || !isTrusted(peer, settings)) return peer;
  let client = peer;
  for (const member of membersOf(headers, 'x-forwarded-for').reverse()) {
    const address = addressIn(member);
    if (address === null) break;
    client = address;
    if (!isTrusted(address, settings)) break;
  }
  return client;
}

/** Some proxies add the port: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
const WITH_PORT = /^(?:\[([0-9a-f:.]+)\]|([0-9.]+))(?::\d{1,5})?$/i;

function addressIn(member: string): string | null {
  if (member.length > 64) return null;
  const match = WITH_PORT.exec(member);
  const bare = match?.[1] ?? match?.[2] ?? member;
  return isIP(bare) === 0 || bare.includes('%') ? null : plainAddress(bare);
}
