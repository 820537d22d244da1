import { BlockList, isIP } from 'node:net';

/** Domains that exist in no public DNS (RFC 6761, 6762, 8375, 9476 and ICANN's .internal): no public CA certifies them. */
const PRIVATE_DOMAINS = [
  'localhost',
  'test',
  'internal',
  'home.arpa',
  'local',
  'invalid',
  'example',
  'alt',
] as const;

const PRIVATE_BLOCKS: readonly (readonly [string, number, 'ipv4' | 'ipv6'])[] = [
  ['0.0.0.0', 8, 'ipv4'],
  ['10.0.0.0', 8, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['127.0.0.0', 8, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['::', 127, 'ipv6'],
  ['fc00::', 7, 'ipv6'],
  ['fe80::', 10, 'ipv6'],
];

const privateAddresses = new BlockList();
for (const [address, length, family] of PRIVATE_BLOCKS) privateAddresses.addSubnet(address, length, family);

/** Whether a public CA can certify `name` (a name as `parseRouteName` makes it) at all. */
export function isPublicName(name: string): boolean {
  const family = isIP(name);
  if (family !== 0) return !privateAddresses.check(name, family === 4 ? 'ipv4' : 'ipv6');
  const bare = name.startsWith('*.') ? name.slice(2) : name;
  if (!bare.includes('.')) return false;
  return !PRIVATE_DOMAINS.some((domain) => bare.endsWith(`.${domain}`));
}
