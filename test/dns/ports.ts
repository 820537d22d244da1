import type { ProviderPorts } from '../../src/dns/providers/entry.ts';
import type { Resolver } from '../../src/dns/resolver.ts';
import { systemHttp } from '../../src/platform/http.ts';
import { leapingClock } from './clock.ts';

/** A DNS of one server, where every name of two labels is a zone, and only these CNAMEs are. */
export function cnames(known: Readonly<Record<string, string>>): Resolver {
  return {
    label: 'the test',
    txt: async () => [],
    cname: async (name) => {
      const target = known[name];
      return target === undefined ? 'no-name' : { target };
    },
    soa: async (name) => (name.split('.').length <= 2 ? 'ns.test' : null),
    ns: async () => ['ns.test'],
    addresses: async () => ['192.0.2.53'],
  };
}

/** Real HTTP, a clock that leaps over pauses, an empty environment, no CNAMEs; each can be replaced. */
export function testPorts(ports: Partial<ProviderPorts> = {}): ProviderPorts {
  const { resolver = cnames({}) } = ports;
  return {
    http: systemHttp,
    clock: leapingClock(),
    env: {},
    resolver,
    askAt: () => resolver,
    hasRoute: async () => true,
    ...ports,
  };
}
