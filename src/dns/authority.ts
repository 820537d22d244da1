import { RigilError } from '../errors.ts';
import { type NameServer, type NameServerPorts, nameServersOf } from './name-servers.ts';
import { isDnsName, selfAndParents } from './names.ts';
import type { CnameAnswer, Resolver } from './resolver.ts';

/** Who answers for a name in the end. */
export interface Authority {
  /** Where the chain of CNAMEs ends. */
  readonly name: string;
  readonly zone: string;
  /** One for each address of each name server. Never empty. */
  readonly servers: readonly NameServer[];
}

/** Longest chain of CNAMEs that is followed; a CA gives up at about as many. */
const LONGEST_CHAIN = 10;

/**
 * Follows the CNAMEs of `name` from zone to zone and finds the servers of the last one. So a zone can delegate its
 * challenges to another, as the CA follows the same chain (RFC 8555 10.2).
 *
 * The name servers themselves are asked for the names of the chain. Recursive resolvers are asked only for what is
 * above: they would remember that the record is not there yet, or a CNAME that it replaces, and a CA that uses the
 * same ones would be told so.
 *
 * A CNAME that is there by a wildcard only (`*.example.com CNAME …`) is not followed: a record at `name` hides it.
 *
 * @param onAlias is told each name that a CNAME leads to
 * @throws RigilError `dns-lookup-failed`, also for a chain without an end; `aborted`
 */
export async function findAuthority(
  name: string,
  ports: NameServerPorts,
  signal: AbortSignal,
  onAlias: (target: string) => void = () => {},
): Promise<Authority> {
  const chain = [name];
  for (;;) {
    const current = chain.at(-1) ?? name;
    const [, parent = current] = selfAndParents(current);
    const zone = await zoneOf(ports.resolver, parent, signal);
    const servers = await nameServersOf(zone, ports, signal);
    const answer = await cnameAt(current, servers, ports.resolver, signal);
    if (typeof answer === 'string')
      return ownZone(current, { name: current, zone, servers }, answer, ports, signal);
    const { target } = answer;
    if (current === name && (await isWildcard(parent, target, servers, ports.resolver, signal))) {
      return { name, zone, servers };
    }
    if (chain.includes(target) || chain.length > LONGEST_CHAIN || !isDnsName(target)) {
      throw new RigilError(
        'dns-lookup-failed',
        `the CNAMEs from ${name} lead nowhere: ${[...chain, target].join(' → ')}`,
        {
          hint: `let ${name} point straight at the name that holds the TXT record`,
        },
      );
    }
    onAlias(target);
    chain.push(target);
  }
}

/** The name may be delegated itself (`_acme-challenge.example.com NS …`), which the zone above answers like a name without a CNAME. */
async function ownZone(
  name: string,
  above: Authority,
  answer: CnameAnswer,
  ports: NameServerPorts,
  signal: AbortSignal,
): Promise<Authority> {
  if (answer === 'no-name' || (await ports.resolver.soa(name, signal)) === null) return above;
  return { name, zone: name, servers: await nameServersOf(name, ports, signal) };
}

/**
 * The zone that `name` is in, found by looking for an SOA record at it and at the names above it.
 *
 * @throws RigilError `dns-lookup-failed`, also when there is none; `aborted`
 */
export async function zoneOf(resolver: Resolver, name: string, signal: AbortSignal): Promise<string> {
  for (const candidate of selfAndParents(name)) {
    // A CNAME's owner is no apex: the SOA that came would be that of the zone it points to.
    if (typeof (await resolver.cname(candidate, signal)) === 'object') continue;
    if ((await resolver.soa(candidate, signal)) !== null) return candidate;
  }
  throw new RigilError(
    'dns-lookup-failed',
    `no zone holds ${name}: ${resolver.label} know no SOA record at or above it`,
    {
      hint: 'see that the domain is registered and delegated; for names of a private network set `resolvers` to its servers',
    },
  );
}

/**
 * What the servers have at a name. One that has no CNAME decides, since one that is late may still have that of a
 * wildcard. Where no server answers, the resolvers are asked after all.
 */
async function cnameAt(
  name: string,
  servers: readonly NameServer[],
  resolver: Resolver,
  signal: AbortSignal,
): Promise<CnameAnswer> {
  const settled = await Promise.allSettled(servers.map((server) => server.resolver.cname(name, signal)));
  const answers = settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  return answers.find((answer) => typeof answer === 'string') ?? answers[0] ?? resolver.cname(name, signal);
}

async function isWildcard(
  parent: string,
  target: string,
  servers: readonly NameServer[],
  resolver: Resolver,
  signal: AbortSignal,
): Promise<boolean> {
  const probe = await cnameAt(`_rigil-wildcard-probe.${parent}`, servers, resolver, signal);
  return typeof probe === 'object' && probe.target === target;
}
