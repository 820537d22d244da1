import { RigilError } from '../errors.ts';
import { dnsName, isDnsName, selfAndParents } from './names.ts';
import type { Resolver } from './resolver.ts';

/** Longest chain of CNAMEs that is followed; a CA gives up at about as many. */
const LONGEST_CHAIN = 10;

/**
 * The name that a TXT query for `name` ends at: `name` itself, or where its chain of CNAMEs leads. So a zone can
 * delegate its challenges to another zone, as the CA follows the same chain (RFC 8555 10.2).
 *
 * A CNAME that exists only because of a wildcard (`*.example.com CNAME …`) is not followed: the record to be added
 * at `name` takes its place.
 *
 * @throws RigilError `dns-lookup-failed`, also for a loop; `aborted`
 */
export async function effectiveName(resolver: Resolver, name: string, signal: AbortSignal): Promise<string> {
  const chain = [name];
  for (;;) {
    const current = chain.at(-1) ?? name;
    const target = await resolver.cname(current, signal);
    if (target === null) return current;
    if (current === name && (await isWildcard(resolver, name, target, signal))) return name;
    if (chain.includes(target) || chain.length > LONGEST_CHAIN) {
      throw new RigilError(
        'dns-lookup-failed',
        `the CNAMEs from ${name} never end: ${chain.join(' → ')} → ${target}`,
        {
          hint: `let ${name} point straight at the name that holds the TXT record`,
        },
      );
    }
    if (!isDnsName(target)) {
      throw new RigilError(
        'dns-lookup-failed',
        `${current} is a CNAME to ${JSON.stringify(target)}, which no TXT record can be set for`,
      );
    }
    chain.push(target);
  }
}

async function isWildcard(
  resolver: Resolver,
  name: string,
  target: string,
  signal: AbortSignal,
): Promise<boolean> {
  const [, parent] = selfAndParents(name);
  return parent !== undefined && (await resolver.cname(`_rigil-wildcard-probe.${parent}`, signal)) === target;
}

/**
 * The zone that `name` is in, found by looking for an SOA record at it and at the names above it.
 *
 * @throws RigilError `dns-lookup-failed`, also when there is none; `aborted`
 */
export async function zoneOf(resolver: Resolver, name: string, signal: AbortSignal): Promise<string> {
  for (const candidate of selfAndParents(dnsName(name))) {
    // A CNAME's owner is no apex: the SOA that came would be that of the zone it points to.
    if ((await resolver.cname(candidate, signal)) !== null) continue;
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
