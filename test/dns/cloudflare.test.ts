import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createProvider } from '../../src/dns/registry.ts';
import { cloudflareServer } from './cloudflare-server.ts';
import { serve, type TestServer } from './http-server.ts';
import { cnames, testPorts } from './ports.ts';
import { challengeFor, never } from './records.ts';

let fake: ReturnType<typeof cloudflareServer>;
let server: TestServer;

beforeEach(async () => {
  fake = cloudflareServer({
    zones: { z1: 'acme.test', z2: 'sub.acme.test', z3: 'other.test' },
    tokens: { 'edit-all-token': ['z1', 'z2', 'z3'], 'edit-one-token': ['z1'], 'no-zones-token': [] },
  });
  server = await serve(fake.handler);
});
afterEach(() => server.stop());

const provider = (options: Readonly<Record<string, string>> = {}, ports = testPorts()) =>
  createProvider('cloudflare', { api: server.url, token: 'edit-all-token', ...options }, ports);

describe('cloudflare', () => {
  it('adds values one by one and removes only its own', async () => {
    const [apex, wildcard] = [challengeFor('acme.test', 'apex'), challengeFor('acme.test', 'wildcard')];
    const one = provider();
    const [removeApex, removeWildcard] = await Promise.all([
      one.present(apex, never),
      one.present(wildcard, never),
    ]);
    expect(fake.records.map(({ zone, type, name, ttl }) => [zone, type, name, ttl])).toEqual(
      Array.from({ length: 2 }, () => ['z1', 'TXT', '_acme-challenge.acme.test', 120]),
    );
    await removeApex();
    expect(fake.records.map(({ content }) => content)).toEqual([`"${wildcard.value}"`]);
    await removeWildcard();
    expect(fake.records).toEqual([]);
  });

  it('uses the zone with the longest name', async () => {
    await provider().present(challengeFor('www.sub.acme.test'), never);
    expect(fake.records[0]).toMatchObject({ zone: 'z2', name: '_acme-challenge.www.sub.acme.test' });
  });

  it('writes where a CNAME leads', async () => {
    const resolver = cnames({ '_acme-challenge.acme.test': 'acme.other.test' });
    await provider({}, testPorts({ resolver })).present(challengeFor('acme.test'), never);
    expect(fake.records[0]).toMatchObject({ zone: 'z3', name: 'acme.other.test' });
  });

  it('takes its tokens from the environment', async () => {
    const env = {
      CF_DNS_API_TOKEN: 'edit-one-token',
      CLOUDFLARE_ZONE_API_TOKEN: 'edit-all-token',
      CF_TTL: '300',
    };
    await createProvider('cloudflare', { api: server.url }, testPorts({ env })).present(
      challengeFor('acme.test'),
      never,
    );
    expect(server.seen.map(({ headers }) => headers['authorization']).slice(-2)).toEqual([
      'Bearer edit-all-token',
      'Bearer edit-one-token',
    ]);
    expect(fake.records[0]?.ttl).toBe(300);
  });

  it('takes a record that is there already as its own, and one that is gone as removed', async () => {
    const record = challengeFor('acme.test');
    await provider().present(record, never);
    const remove = await provider().present(record, never);
    expect(fake.records).toHaveLength(1);
    fake.records.length = 0;
    await remove();
  });

  it('says that the token is wrong', async () => {
    await expect(
      provider({ token: 'wrong-token' }).present(challengeFor('acme.test'), never),
    ).rejects.toMatchObject({
      code: 'dns-provider-refused',
      message: expect.stringContaining('9109: Invalid access token'),
      hint: expect.stringContaining('Zone / DNS / Edit'),
    });
  });

  it('says that the token may not edit the zone', async () => {
    await expect(
      provider({ token: 'no-zones-token', 'zone-token': 'edit-all-token' }).present(
        challengeFor('acme.test'),
        never,
      ),
    ).rejects.toMatchObject({ code: 'dns-provider-refused', message: expect.stringContaining('10000') });
  });

  it('says that the token sees no zone for the name', async () => {
    await expect(
      provider({ token: 'edit-one-token' }).present(challengeFor('other.test'), never),
    ).rejects.toMatchObject({
      code: 'dns-provider-refused',
      message: expect.stringContaining('no zone'),
    });
  });

  it('says why a record is refused', async () => {
    await expect(provider({ ttl: '5' }).present(challengeFor('acme.test'), never)).rejects.toMatchObject({
      code: 'dns-provider-refused',
      message: expect.stringContaining('TTL must be'),
    });
  });

  it('survives an answer that is not JSON', async () => {
    await server.stop();
    server = await serve(() => ({ status: 200, body: '<html>maintenance</html>' }));
    await expect(provider().present(challengeFor('acme.test'), never)).rejects.toMatchObject({
      code: 'dns-provider-failed',
      message: expect.stringContaining('<html>maintenance'),
    });
  });
});
