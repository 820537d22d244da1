import { isIPv6 } from 'node:net';
import { RigilError } from '../errors.ts';
import { throwIfAborted } from '../platform/abort.ts';
import { createResolver, type Resolver } from './resolver.ts';
import { hasRoute } from './route-probe.ts';

export interface NameServerPorts {
  /** Recursive resolvers: they know zones and the names and addresses of their servers. */
  readonly resolver: Resolver;
  /** Asks the name server at an address. Default: there, at port 53. */
  readonly askAt?: (address: string) => Resolver;
  /** Whether packets could leave for an address. Default: asks the operating system. */
  readonly hasRoute?: (address: string) => Promise<boolean>;
}

/** One address of one name server. */
export interface NameServer {
  readonly host: string;
  readonly address: string;
  /** Asks this server at this address and no other. */
  readonly resolver: Resolver;
}

/**
 * Every address of every name server of a zone that something can be sent to.
 *
 * @throws RigilError `dns-lookup-failed`, also when there is none; `aborted`
 */
export async function nameServersOf(
  zone: string,
  { resolver, askAt = askAtPort53, hasRoute: isReachable = hasRoute }: NameServerPorts,
  signal: AbortSignal,
): Promise<readonly NameServer[]> {
  const hosts = [...(await resolver.ns(zone, signal))].sort();
  const found = await Promise.all(
    hosts.map(async (host) => {
      // A name server whose own name cannot be resolved is reached by nobody; the others decide.
      const addresses = await resolver.addresses(host, signal).catch(() => []);
      return addresses.map((address) => ({ host, address }));
    }),
  );
  throwIfAborted(signal);
  const servers: NameServer[] = [];
  for (const { host, address } of found.flat()) {
    if (await isReachable(address)) servers.push({ host, address, resolver: askAt(address) });
  }
  if (servers.length > 0) return servers;
  const names = hosts.length === 0 ? 'none' : hosts.join(', ');
  throw new RigilError('dns-lookup-failed', `no name server of ${zone} can be reached from here (${names})`, {
    hint: 'name resolvers that know them, or set: propagation skip delay=60s',
  });
}

function askAtPort53(address: string): Resolver {
  return createResolver([isIPv6(address) ? `[${address}]:53` : `${address}:53`]);
}
