import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProvider } from '../../src/dns/registry.ts';
import { createResolver } from '../../src/dns/resolver.ts';
import { type Clock, systemClock } from '../../src/platform/clock.ts';
import { systemHttp } from '../../src/platform/http.ts';
import { type Bind, freeDnsPort, startBind } from '../bind.ts';
import { has } from '../peers.ts';
import { challengeFor, never } from './records.ts';

const SECRET = Buffer.from('a secret of thirty-two bytes !!!').toString('base64');
const OTHER_SECRET = Buffer.from('another one of thirty-two bytes ').toString('base64');
const ADDRESS = '127.0.0.1';

describe.skipIf(!has('named'))('rfc2136 against BIND', () => {
  let bind: Bind;

  beforeAll(async () => {
    const grants = ['hmac-sha256', 'hmac-sha384', 'hmac-sha512'];
    bind = await startBind({
      keys: [
        ...grants.map((algorithm) => ({ name: `${algorithm}.key`, algorithm, secret: SECRET })),
        { name: 'old_key', algorithm: 'hmac-sha1', secret: SECRET },
      ],
      zones: [
        {
          name: 'acme.test',
          records: [
            '@ NS ns1',
            'ns1 A 127.0.0.1',
            '_acme-challenge.alias CNAME elsewhere.test.',
            '*.wild CNAME www',
          ],
          updatePolicy: [
            ...grants.map((algorithm) => `grant ${algorithm}.key name _acme-challenge.acme.test. TXT;`),
            'grant hmac-sha256.key subdomain alias.acme.test. TXT;',
            'grant hmac-sha256.key subdomain wild.acme.test. TXT;',
          ].join(' '),
        },
        {
          name: 'deep.acme.test',
          records: ['@ NS ns1.acme.test.'],
          updatePolicy: 'grant hmac-sha256.key subdomain deep.acme.test. TXT;',
        },
      ],
    });
  });
  afterAll(() => bind?.stop());

  const provider = (options: Readonly<Record<string, string>> = {}, clock: Clock = systemClock) =>
    createProvider(
      'rfc2136',
      { server: bind.server, key: 'hmac-sha256.key', secret: SECRET, cname: 'ignore', ...options },
      { env: {}, clock, http: systemHttp, resolver: createResolver([bind.server]) },
    );
  const values = async (name: string) => [...(await createResolver([bind.server]).txt(name, never))].sort();

  it.each(['hmac-sha256', 'hmac-sha384', 'hmac-sha512'])(
    'adds and removes a value signed with %s',
    async (algorithm) => {
      const record = challengeFor('acme.test', algorithm);
      const cleanUp = await provider({ key: `${algorithm}.key`, algorithm }).present(record, never);
      expect(await values(record.name)).toEqual([record.value]);
      await cleanUp();
      expect(await values(record.name)).toEqual([]);
    },
  );

  it('adds values one by one and removes only its own', async () => {
    const [apex, wildcard] = [challengeFor('acme.test', 'apex'), challengeFor('acme.test', 'wildcard')];
    const one = provider();
    const [cleanApex, cleanWildcard] = await Promise.all([
      one.present(apex, never),
      one.present(wildcard, never),
    ]);
    expect(await values(apex.name)).toEqual([apex.value, wildcard.value].sort());
    await cleanApex();
    expect(await values(apex.name)).toEqual([wildcard.value]);
    await cleanWildcard();
    expect(await values(apex.name)).toEqual([]);
  });

  it('takes adding twice and removing twice as success', async () => {
    const record = challengeFor('acme.test', 'twice');
    const cleanUp = await provider().present(record, never);
    await provider().present(record, never);
    expect(await values(record.name)).toEqual([record.value]);
    await cleanUp();
    await cleanUp();
    expect(await values(record.name)).toEqual([]);
  });

  it('finds the nearest zone', async () => {
    const record = challengeFor('www.deep.acme.test');
    const cleanUp = await provider().present(record, never);
    expect(await values(record.name)).toEqual([record.value]);
    await cleanUp();
  });

  it('uses the zone that is configured', async () => {
    const record = challengeFor('acme.test', 'zone');
    const cleanUp = await provider({ zone: 'acme.test.' }).present(record, never);
    await cleanUp();
    await expect(provider({ zone: 'other.test' }).present(record, never)).rejects.toMatchObject({
      code: 'dns-provider-refused',
      hint: expect.stringContaining('zone='),
    });
  });

  it('says that the secret is wrong', async () => {
    await expect(
      provider({ secret: OTHER_SECRET }).present(challengeFor('acme.test'), never),
    ).rejects.toMatchObject({
      code: 'dns-provider-refused',
      message: expect.stringContaining('BADSIG'),
    });
  });

  it('says that the key is unknown, and never shows its secret', async () => {
    const failure = await provider({ key: 'nobody' })
      .present(challengeFor('acme.test'), never)
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: 'dns-provider-refused',
      message: expect.stringContaining('nobody'),
    });
    expect(JSON.stringify(failure) + String(failure)).not.toContain(SECRET);
  });

  it('says that the name is forbidden', async () => {
    await expect(provider().present(challengeFor('forbidden.acme.test'), never)).rejects.toMatchObject({
      code: 'dns-provider-refused',
      message: expect.stringContaining('REFUSED'),
      hint: expect.stringContaining('update-policy'),
    });
  });

  it.each([-3600_000, 3600_000])('says that a clock is off by %d ms', async (offset) => {
    const wrong: Clock = { ...systemClock, now: () => Date.now() + offset };
    await expect(provider({}, wrong).present(challengeFor('acme.test'), never)).rejects.toMatchObject({
      code: 'dns-provider-refused',
      message: expect.stringMatching(/3[56]\d\d s: this machine's is (ahead|behind)/),
      hint: expect.stringContaining('NTP'),
    });
  });

  it('says that the server has no such zone', async () => {
    await expect(provider().present(challengeFor('elsewhere.example'), never)).rejects.toMatchObject({
      code: 'dns-provider-refused',
      message: expect.stringContaining('no zone that holds'),
    });
  });

  it('refuses to add to a CNAME, which BIND would ignore in silence', async () => {
    await expect(provider().present(challengeFor('alias.acme.test'), never)).rejects.toMatchObject({
      code: 'dns-provider-refused',
      message: expect.stringContaining('YXRRSET'),
      hint: expect.stringContaining('CNAME'),
    });
  });

  it('adds where only a wildcard makes a CNAME', async () => {
    const record = challengeFor('wild.acme.test');
    const cleanUp = await provider().present(record, never);
    expect(await values(record.name)).toEqual([record.value]);
    await cleanUp();
  });

  it('says that nobody listens there', async () => {
    const port = await freeDnsPort();
    await expect(
      provider({ server: `${ADDRESS}:${port}` }).present(challengeFor('acme.test'), never),
    ).rejects.toMatchObject({
      code: 'dns-provider-failed',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it('ends soon after it is aborted, with a server that says nothing', async () => {
    const silent: Server = createServer(() => {}).listen(0, ADDRESS);
    await new Promise((resolve) => silent.once('listening', resolve));
    const address = silent.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const abort = new AbortController();
    // The undoing of what may have happened would wait its 15 s for this server: leap over that.
    const clock: Clock = {
      ...systemClock,
      sleep: (ms, signal) => systemClock.sleep(ms === 15_000 ? 10 : ms, signal),
    };
    const presenting = provider({ server: `${ADDRESS}:${port}` }, clock).present(
      challengeFor('acme.test'),
      abort.signal,
    );
    silent.once('connection', () => abort.abort());
    await expect(presenting).rejects.toMatchObject({ code: 'aborted' });
    silent.close();
  });
});
