import type { ProviderPorts } from '../../src/dns/providers/entry.ts';
import type { Resolver } from '../../src/dns/resolver.ts';
import { systemHttp } from '../../src/platform/http.ts';
import { leapingClock } from './clock.ts';

/** A resolver that knows only CNAMEs. */
export function cnames(known: Readonly<Record<string, string>>): Resolver {
  return {
    label: 'the test',
    txt: async () => [],
    cname: async (name) => known[name] ?? null,
    soa: async () => null,
    ns: async () => [],
    addresses: async () => [],
  };
}

/** Real HTTP, a clock that leaps over pauses, an empty environment, no CNAMEs; each can be replaced. */
export function testPorts(ports: Partial<ProviderPorts> = {}): ProviderPorts {
  return { http: systemHttp, clock: leapingClock(), env: {}, resolver: cnames({}), ...ports };
}
