import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findAuthority, zoneOf } from '../../src/dns/authority.ts';
import { createResolver, type Resolver } from '../../src/dns/resolver.ts';
import { type Bind, startBind } from '../bind.ts';
import { has } from '../peers.ts';
import { cnames } from './ports.ts';
import { never } from './records.ts';

/** One server that is asked for everything. */
const alone = (resolver: Resolver) => ({ resolver, askAt: () => resolver, hasRoute: async () => true });

describe.skipIf(!has('named'))('who answers for a name, found with BIND', () => {
  let parent: Bind;
  let child: Bind;
  let recursive: Bind;
  /** Names that the recursive resolver was asked for. */
  let asked: string[];

  beforeAll(async () => {
    const ns = ['@ NS ns.acme.test.'];
    parent = await startBind({
      zones: [
        {
          name: 'acme.test',
          records: [
            '@ NS ns',
            'ns A 192.0.2.1',
            'child A 192.0.2.2',
            '_acme-challenge CNAME target.other.test.',
            '*.wild CNAME host.other.test.',
            '_acme-challenge.explicit.wild CNAME a.other.test.',
            'cut CNAME other.test.',
            '_acme-challenge.given NS child',
            '_acme-challenge.loop CNAME loop.other.test.',
          ],
        },
        {
          name: 'other.test',
          records: [...ns, 'host A 192.0.2.9', 'loop CNAME _acme-challenge.loop.acme.test.'],
        },
        { name: 'deep.sub.acme.test', records: ns },
      ],
    });
    child = await startBind({
      zones: [
        { name: '_acme-challenge.given.acme.test', records: ['@ NS child.acme.test.', '@ TXT "given"'] },
      ],
    });
    recursive = await startBind({
      forward: { test: parent.port, '_acme-challenge.given.acme.test': child.port },
    });
  });
  afterAll(() => Promise.all([parent, child, recursive].map((bind) => bind?.stop())));

  function ports() {
    asked = [];
    const resolver = createResolver([recursive.server]);
    const noted: Resolver = {
      ...resolver,
      cname: (name, signal) => {
        asked.push(name);
        return resolver.cname(name, signal);
      },
      soa: (name, signal) => {
        asked.push(name);
        return resolver.soa(name, signal);
      },
    };
    const askAt = (address: string) =>
      createResolver([address === '192.0.2.2' ? child.server : parent.server]);
    return { resolver: noted, askAt, hasRoute: async () => true };
  }
  const find = async (name: string) => {
    const { name: end, zone, servers } = await findAuthority(name, ports(), never);
    return [end, zone, servers.map(({ host }) => host)];
  };

  it('follows a CNAME into another zone', async () => {
    expect(await find('_acme-challenge.acme.test')).toEqual([
      'target.other.test',
      'other.test',
      ['ns.acme.test'],
    ]);
  });

  it('does not follow a CNAME that only a wildcard makes, but one below it that is written', async () => {
    const name = '_acme-challenge.shop.wild.acme.test';
    expect(await find(name)).toEqual([name, 'acme.test', ['ns.acme.test']]);
    expect(await find('_acme-challenge.explicit.wild.acme.test')).toEqual([
      'a.other.test',
      'other.test',
      ['ns.acme.test'],
    ]);
  });

  it('finds a name that is a zone of its own, on other servers', async () => {
    const name = '_acme-challenge.given.acme.test';
    expect(await find(name)).toEqual([name, name, ['child.acme.test']]);
  });

  it('never asks a recursive resolver for a name that is not there yet: it would remember that', async () => {
    for (const name of ['_acme-challenge.www.acme.test', '_acme-challenge.shop.wild.acme.test']) {
      await find(name);
      expect(asked).not.toContain(name);
      expect(asked).toContain('acme.test');
    }
  });

  it('ends in an error when CNAMEs lead round in a circle', async () => {
    await expect(find('_acme-challenge.loop.acme.test')).rejects.toMatchObject({
      code: 'dns-lookup-failed',
      message: expect.stringContaining('lead nowhere'),
    });
  });

  it('asks the resolvers after all when no name server answers', async () => {
    const askAt = () => createResolver(['127.0.0.1:9'], { timeoutMs: 50, tries: 1 });
    const { name } = await findAuthority('_acme-challenge.acme.test', { ...ports(), askAt }, never);
    expect(name).toBe('target.other.test');
  });

  it('finds the zone that holds a name, also below a CNAME', async () => {
    const { resolver } = ports();
    expect(await zoneOf(resolver, 'a.b.acme.test', never)).toBe('acme.test');
    expect(await zoneOf(resolver, 'a.deep.sub.acme.test', never)).toBe('deep.sub.acme.test');
    expect(await zoneOf(resolver, '_acme-challenge.cut.acme.test', never)).toBe('acme.test');
  });
});

describe('a chain of CNAMEs', () => {
  const chain = (length: number) =>
    alone(cnames(Object.fromEntries(Array.from({ length }, (_, i) => [`n${i}.test`, `n${i + 1}.test`]))));

  it('may be ten long', async () => {
    const aliases: string[] = [];
    const { name } = await findAuthority('n0.test', chain(10), never, (target) => aliases.push(target));
    expect(name).toBe('n10.test');
    expect(aliases).toHaveLength(10);
    await expect(findAuthority('n0.test', chain(11), never)).rejects.toMatchObject({
      code: 'dns-lookup-failed',
    });
  });

  it('may not lead to a name that nothing can be set for', async () => {
    await expect(
      findAuthority('a.test', alone(cnames({ 'a.test': 'b"$(x).test' })), never),
    ).rejects.toMatchObject({
      code: 'dns-lookup-failed',
    });
  });

  it('does not count a server that is late with forgetting', async () => {
    const [late, prompt] = [cnames({ 'a.test': 'b.test' }), cnames({})];
    const ports = {
      resolver: { ...prompt, addresses: async () => ['192.0.2.1', '192.0.2.2'] },
      askAt: (address: string) => (address === '192.0.2.1' ? late : prompt),
      hasRoute: async () => true,
    };
    expect((await findAuthority('a.test', ports, never)).name).toBe('a.test');
  });
});
