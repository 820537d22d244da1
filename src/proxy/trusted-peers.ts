import { BlockList, isIP, isIPv4 } from 'node:net';
import type { ServingSettings } from '../snapshot/snapshot.ts';

/** Whether `X-Forwarded-*` of this peer are believed. `address` is one of {@link plainAddress}. */
export function isTrusted(address: string, settings: ServingSettings): boolean {
  return isWithin(address, settings.trustedProxies);
}

/** Whether an address, one of {@link plainAddress}, is in one of these CIDR blocks. */
export function isWithin(address: string, blocks: readonly string[]): boolean {
  if (blocks.length === 0) return false;
  let list = lists.get(blocks);
  if (list === undefined) {
    list = blockList(blocks);
    lists.set(blocks, list);
  }
  const bare = address.split('%', 1)[0] ?? address;
  return list.check(bare, isIPv4(bare) ? 'ipv4' : 'ipv6');
}

/** An IPv4 client of an IPv6 socket as the IPv4 address it is (RFC 4291 2.5.5.2). */
export function plainAddress(address: string): string {
  if (!address.startsWith('::')) return address;
  const mapped = address.toLowerCase().startsWith('::ffff:') ? address.slice(7) : '';
  return isIPv4(mapped) ? mapped : address;
}

/** Settings never change, so a list is made once for each. */
const lists = new WeakMap<readonly string[], BlockList>();

/** Blocks that are none are passed over: the configuration has been checked. */
function blockList(blocks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const block of blocks) {
    const [address = '', length] = block.split('/');
    const version = isIP(address);
    if (version === 0) continue;
    const longest = version === 4 ? 32 : 128;
    const bits = length === undefined ? longest : Number(length);
    if (!Number.isInteger(bits) || bits < 0 || bits > longest) continue;
    list.addSubnet(address, bits, version === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}
