import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPropagationCheck, type PropagationPorts } from '../../src/dns/propagation.ts';
import { createProvider } from '../../src/dns/registry.ts';
import { createResolver, type Resolver } from '../../src/dns/resolver.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { systemHttp } from '../../src/platform/http.ts';
import { type Bind, freeDnsPort, startBind } from '../bind.ts';
import { has } from '../peers.ts';
import { leapingClock } from './clock.ts';
import { challengeFor, never } from './records.ts';

const KEY = { name: 'k', algorithm: 'hmac-sha256', secret: Buffer.alloc(32, 7).toString('base64') };
/** Addresses of name servers in the zones' data; who answers for them is said by `askAt`. */
const [NS1, NS2, NOBODY] = ['198.51.100.1', '198.51.100.2', '198.51.100.9'] as const;
const CHECK = { mode: 'check', delayMs: 10_000, timeoutMs: 30_000 } as const;

const SERVERS = ['@ NS ns1.servers.test.', '@ NS ns2.servers.test.'];
const updatePolicy = 'grant k zonesub TXT;';

describe.skipIf(!has('named'))('propagation, asked of real name servers', () => {
  let primary: Bind;
  let secondary: Bind;
  let recursive: Bind;
  let deadPort: number;

  beforeAll(async () => {
    const zone = (name: string, ...records: string[]) => ({
      name,
      records: [...SERVERS, ...records],
      updatePolicy,
    });
    const both = [
      zone(
        'slow.test',
        '_acme-challenge.www CNAME www.proofs.test.',
        '*.wild CNAME www.slow.test.',
        'www A 127.0.0.1',
      ),
      zone('proofs.test'),
    ];
    const only = (name: string, ...servers: string[]) => ({
      name,
      records: servers.map((server) => `@ NS ${server}.servers.test.`),
      updatePolicy,
    });
    const addresses = [
      `ns1 A ${NS1}`,
      `ns2 A ${NS2}`,
      `gone A ${NOBODY}`,
      `dual A ${NS1}`,
      'dual AAAA 2001:db8::53',
      'home A 10.0.0.1',
    ];
    const servers = { name: 'servers.test', records: ['@ NS ns1', ...addresses] };
    [primary, secondary] = await Promise.all([
      startBind({
        keys: [KEY],
        zones: [
          { name: '.', records: ['@ NS ns1.servers.test.'] },
          servers,
          ...both,
          zone('broken.test'),
          zone('lame.test'),
          only('dead.test', 'ns1', 'gone'),
          only('dual.test', 'dual'),
          only('orphan.test', 'ns1', 'unknown'),
          only('home.test', 'home'),
        ],
      }),
      startBind({ keys: [KEY], zones: both, brokenZones: ['broken.test'] }),
    ]);
    recursive = await startBind({ forward: { '.': primary.port } });
    deadPort = await freeDnsPort();
  });
  afterAll(() => Promise.all([primary, secondary, recursive].map((bind) => bind?.stop())));

  const askAt = (address: string): Resolver => {
    if (address === NOBODY || address.includes(':')) return createResolver([`127.0.0.1:${deadPort}`]);
    return createResolver([address === NS2 ? secondary.server : primary.server]);
  };

  /** Adds a value at one server only, as a primary does whose secondaries are late. */
  const add = (bind: Bind, domain: string, seed?: string, name?: string) =>
    createProvider(
      'rfc2136',
      { server: bind.server, key: KEY.name, secret: KEY.secret, cname: 'ignore' },
      { env: {}, clock: systemClock, http: systemHttp, resolver: createResolver([bind.server]) },
    ).present({ ...challengeFor(domain, seed), ...(name === undefined ? {} : { name }) }, never);

  const check = (ports: Partial<PropagationPorts> = {}) =>
    createPropagationCheck(CHECK, {
      clock: leapingClock(),
      resolver: createResolver([recursive.server]),
      hasRoute: async () => true,
      askAt,
      ...ports,
    });

  it('waits for the slower of two servers', async () => {
    await add(primary, 'slow.test');
    const clock = leapingClock({
      async onLeap(leap) {
        if (leap === 2) await add(secondary, 'slow.test');
      },
    });
    await check({ clock }).wait(challengeFor('slow.test'), never);
    expect(clock.leaps).toEqual([2000, 3000]);
  });

  it('is not content with another value at the same name', async () => {
    await add(primary, 'a.slow.test', 'one');
    await add(secondary, 'a.slow.test', 'one');
    await add(primary, 'a.slow.test', 'two');
    await expect(check().wait(challengeFor('a.slow.test', 'two'), never)).rejects.toMatchObject({
      code: 'dns-not-propagated',
      message: expect.stringMatching(
        /slow\.test after 30 s: .*ns1\.servers\.test \(198\.51\.100\.1\) has it.*ns2\.servers\.test \(198\.51\.100\.2\) has another value/,
      ),
    });
  });

  it('says which server answers SERVFAIL', async () => {
    await add(primary, 'broken.test');
    await expect(check().wait(challengeFor('broken.test'), never)).rejects.toMatchObject({
      code: 'dns-not-propagated',
      message: expect.stringMatching(/ns2\.servers\.test \(198\.51\.100\.2\) answers SERVFAIL/),
    });
  });

  it('says which server is lame', async () => {
    await add(primary, 'lame.test');
    await expect(check().wait(challengeFor('lame.test'), never)).rejects.toMatchObject({
      code: 'dns-not-propagated',
      message: expect.stringMatching(/ns2\.servers\.test \(198\.51\.100\.2\) answers REFUSED/),
    });
  });

  it('says which server is gone', async () => {
    await add(primary, 'dead.test');
    await expect(check().wait(challengeFor('dead.test'), never)).rejects.toMatchObject({
      code: 'dns-not-propagated',
      message: expect.stringMatching(
        /gone\.servers\.test \(198\.51\.100\.9\) (refuses the connection|does not answer)/,
      ),
    });
  });

  it('follows a CNAME into another zone', async () => {
    await add(primary, 'www.slow.test', 'cname', 'www.proofs.test');
    const clock = leapingClock({
      async onLeap(leap) {
        if (leap === 1) await add(secondary, 'www.slow.test', 'cname', 'www.proofs.test');
      },
    });
    await check({ clock }).wait(challengeFor('www.slow.test', 'cname'), never);
    expect(clock.leaps).toEqual([2000]);
  });

  it('hints at split horizon when the servers have private addresses', async () => {
    await expect(check().wait(challengeFor('home.test'), never)).rejects.toMatchObject({
      code: 'dns-not-propagated',
      message: expect.stringContaining('home.servers.test (10.0.0.1) has no TXT record there'),
      hint: expect.stringContaining('private addresses'),
    });
  });

  it('counts a server of two addresses as one, when IPv6 leads nowhere', async () => {
    await add(primary, 'dual.test', 'silent');
    await check().wait(challengeFor('dual.test', 'silent'), never);
  });

  it('names the end of the CNAME', async () => {
    await expect(check().wait(challengeFor('www.slow.test', 'absent'), never)).rejects.toMatchObject({
      code: 'dns-not-propagated',
      message: expect.stringContaining('_acme-challenge.www.slow.test (which points to www.proofs.test)'),
      hint: expect.stringContaining('timeout='),
    });
  });

  it('does not follow a CNAME that is there by a wildcard only', async () => {
    await add(primary, 'wild.slow.test');
    await add(secondary, 'wild.slow.test');
    await check().wait(challengeFor('wild.slow.test'), never);
  });

  it('leaves out addresses that nothing can be sent to', async () => {
    await add(primary, 'dual.test');
    await check({ hasRoute: async (address) => address === NS1 }).wait(challengeFor('dual.test'), never);
  });

  it('leaves out name servers whose own name does not exist', async () => {
    await add(primary, 'orphan.test');
    await check().wait(challengeFor('orphan.test'), never);
  });

  it('says that no name server can be reached at all', async () => {
    await expect(
      check({ hasRoute: async () => false }).wait(challengeFor('slow.test'), never),
    ).rejects.toMatchObject({
      code: 'dns-lookup-failed',
      message: expect.stringContaining('ns1.servers.test'),
    });
  });

  it('says that no zone holds the name', async () => {
    await expect(check().wait(challengeFor('nowhere.example'), never)).rejects.toMatchObject({
      code: 'dns-lookup-failed',
    });
  });

  it('looks for the zone again when the resolvers failed at first', async () => {
    await add(primary, 'dual.test', 'again');
    const real = createResolver([recursive.server]);
    let failures = 1;
    const resolver = {
      ...real,
      ns: (name: string, signal: AbortSignal) =>
        failures-- > 0 ? createResolver([`127.0.0.1:${deadPort}`]).ns(name, signal) : real.ns(name, signal),
    };
    const clock = leapingClock();
    await check({ clock, resolver, hasRoute: async (address) => address === NS1 }).wait(
      challengeFor('dual.test', 'again'),
      never,
    );
    expect(clock.leaps).toEqual([2000]);
  });

  it('ends when it is aborted', async () => {
    const abort = new AbortController();
    const clock = leapingClock({ onLeap: () => abort.abort() });
    await expect(
      check({ clock }).wait(challengeFor('slow.test', 'never'), abort.signal),
    ).rejects.toMatchObject({
      code: 'aborted',
    });
    expect(clock.leaps).toHaveLength(1);
  });
});

describe('propagation, skipped', () => {
  it('waits the delay and asks nobody', async () => {
    const clock = leapingClock({ upToMs: 10_000 });
    const resolver = createResolver(['127.0.0.1:9']);
    await createPropagationCheck({ ...CHECK, mode: 'skip' }, { clock, resolver }).wait(
      challengeFor('a.test'),
      never,
    );
    expect(clock.leaps).toEqual([10_000]);
  });
});
