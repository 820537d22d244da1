import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dns01 } from '../../src/acme/solvers/dns-01.ts';
import { createPropagationCheck } from '../../src/dns/propagation.ts';
import { createProvider } from '../../src/dns/registry.ts';
import { createResolver } from '../../src/dns/resolver.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { systemHttp } from '../../src/platform/http.ts';
import { readLeaf } from '../../src/x509/leaf.ts';
import { orderFor, workbench } from '../acme/workbench.ts';
import { type Bind, startBind } from '../bind.ts';
import { type Pebble, pebbles, startPebble } from '../pebble.ts';
import { has } from '../peers.ts';
import { never } from './records.ts';

const KEY = { name: 'k', algorithm: 'hmac-sha512', secret: Buffer.alloc(64, 9).toString('base64') };
const updatePolicy = 'grant k zonesub TXT;';
const [programs] = pebbles();

describe.skipIf(programs === undefined || !has('named'))('dns-01 with rfc2136, BIND and Pebble', () => {
  let primary: Bind;
  let recursive: Bind;
  let pebble: Pebble;

  beforeAll(async () => {
    const records = ['@ NS ns1.acme.test.'];
    primary = await startBind({
      keys: [KEY],
      zones: [
        {
          name: 'acme.test',
          records: ['@ NS ns1', 'ns1 A 198.51.100.1', '*.cdn CNAME edge.elsewhere.test.'],
          updatePolicy,
        },
        // May not be written to: its challenges are delegated.
        { name: 'locked.test', records: [...records, '_acme-challenge CNAME locked.proofs.test.'] },
        { name: 'proofs.test', records, updatePolicy },
        { name: 'elsewhere.test', records },
      ],
    });
    recursive = await startBind({ forward: { test: primary.port } });
    if (programs !== undefined) pebble = await startPebble(programs, { resolver: recursive.server });
  });
  afterAll(() => Promise.all([pebble?.stop(), primary?.stop(), recursive?.stop()]));

  it('proves apex and wildcard at one name, a delegated domain and one below a wildcard CNAME', async () => {
    const resolver = createResolver([recursive.server]);
    const servers = { resolver, askAt: () => createResolver([primary.server]), hasRoute: async () => true };
    const options = { server: primary.server, key: KEY.name, secret: KEY.secret, algorithm: KEY.algorithm };
    const provider = createProvider('rfc2136', options, {
      env: {},
      clock: systemClock,
      http: systemHttp,
      ...servers,
    });
    const propagation = createPropagationCheck(
      { mode: 'check', delayMs: 0, timeoutMs: 10_000 },
      { clock: systemClock, ...servers },
    );
    const { issuer, events } = workbench(pebble, {}, () => [dns01(provider, propagation)]);
    const names = ['acme.test', '*.acme.test', 'locked.test', 'shop.cdn.acme.test'];
    const issued = await issuer.issue(orderFor(names), never);
    await issuer.close();

    expect([...readLeaf(issued.chain).names].sort()).toEqual([...names].sort());
    expect(events.filter(({ event }) => event === 'challenge.cleared')).toHaveLength(names.length);
    const authoritative = createResolver([primary.server]);
    for (const name of [
      '_acme-challenge.acme.test',
      'locked.proofs.test',
      '_acme-challenge.shop.cdn.acme.test',
    ]) {
      expect(await authoritative.txt(name, never)).toEqual([]);
    }
  });
});
