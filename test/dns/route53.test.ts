import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createProvider } from '../../src/dns/registry.ts';
import { type LeapingClock, leapingClock } from './clock.ts';
import { type Handler, serve, type TestServer } from './http-server.ts';
import { testPorts } from './ports.ts';
import { challengeFor, never } from './records.ts';
import { error, type Route53Server, route53Server } from './route53-server.ts';

const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
const KEY = 'Z1 _acme-challenge.acme.test.';

let clock: LeapingClock;
let fake: Route53Server;
let server: TestServer;
/** Answers instead of the server, where it returns something; runs before it in any case. */
let intercept: Handler | null = null;

beforeEach(async () => {
  clock = leapingClock();
  fake = route53Server({
    zones: [
      { id: 'Z1', name: 'acme.test.' },
      { id: 'Z1PRIVATE', name: 'acme.test.', private: true },
      { id: 'Z2', name: 'sub.acme.test.' },
      { id: 'Z2PRIVATE', name: 'www.acme.test.', private: true },
      { id: 'Z4A', name: 'twice.test.' },
      { id: 'Z4B', name: 'twice.test.' },
    ],
    secretKeys: { AKIDEXAMPLE: SECRET },
    now: () => clock.now(),
  });
  server = await serve((request) => intercept?.(request) ?? fake.handler(request));
});
afterEach(async () => {
  intercept = null;
  await server.stop();
});

const provider = (options: Readonly<Record<string, string>> = {}) =>
  createProvider(
    'route53',
    { endpoint: server.url, 'access-key-id': 'AKIDEXAMPLE', 'secret-access-key': SECRET, ...options },
    testPorts({ clock }),
  );

const values = (key = KEY) => fake.sets.get(key)?.values ?? null;
const posts = () => server.seen.filter(({ method }) => method === 'POST');

describe('route53', () => {
  it('creates the set, waits until all servers have it, and deletes it', async () => {
    const record = challengeFor('acme.test');
    const remove = await provider().present(record, never);
    expect(fake.sets.get(KEY)).toEqual({ ttl: '60', values: [`"${record.value}"`] });
    expect(server.seen.filter(({ path }) => path.startsWith('/2013-04-01/change/'))).toHaveLength(3);
    expect(clock.leaps).toEqual([4000, 4000]);
    await remove();
    expect(values()).toBeNull();
  });

  it('adds to a set and takes out of it, and leaves values and time to live of others', async () => {
    fake.sets.set(KEY, { ttl: '300', values: ['"somebody else\'s & <own>"'] });
    const [apex, wildcard] = [challengeFor('acme.test', 'apex'), challengeFor('acme.test', 'wildcard')];
    const one = provider();
    const [removeApex, removeWildcard] = await Promise.all([
      one.present(apex, never),
      one.present(wildcard, never),
    ]);
    expect(fake.sets.get(KEY)?.ttl).toBe('300');
    expect([...(values() ?? [])].sort()).toEqual(
      ['"somebody else\'s & <own>"', `"${apex.value}"`, `"${wildcard.value}"`].sort(),
    );
    await removeApex();
    await removeWildcard();
    expect(fake.sets.get(KEY)).toEqual({ ttl: '300', values: ['"somebody else\'s & <own>"'] });
  });

  it('loses no value when another machine changes the set at the same time', async () => {
    const other = '"of-another-machine"';
    let interfered = false;
    intercept = ({ method }) => {
      if (method === 'POST' && !interfered) {
        interfered = true;
        fake.sets.set(KEY, { ttl: '60', values: [other] });
      }
      return null;
    };
    const record = challengeFor('acme.test');
    await provider().present(record, never);
    expect(values()).toEqual([other, `"${record.value}"`]);
    expect(posts()).toHaveLength(2);
  });

  it('loses no value when two daemons work side by side', async () => {
    const records = ['a', 'b', 'c'].map((seed) => challengeFor('acme.test', seed));
    const removals = await Promise.all(records.map((record) => provider().present(record, never)));
    expect([...(values() ?? [])].sort()).toEqual(records.map(({ value }) => `"${value}"`).sort());
    await Promise.all(removals.map((remove) => remove()));
    expect(values()).toBeNull();
  });

  it('gives up when the set never stays the same', async () => {
    let round = 0;
    intercept = ({ method }) => {
      if (method === 'POST') fake.sets.set(KEY, { ttl: '60', values: [`"${round++}"`] });
      return null;
    };
    await expect(provider().present(challengeFor('acme.test'), never)).rejects.toMatchObject({
      code: 'dns-provider-failed',
      message: expect.stringMatching(/InvalidChangeBatch: Tried to (create|delete)/),
    });
  });

  it('changes nothing when the value is there already, or gone', async () => {
    const record = challengeFor('acme.test');
    const remove = await provider().present(record, never);
    await provider().present(record, never);
    await remove();
    await remove();
    expect(posts()).toHaveLength(2);
  });

  it('uses the public zone with the longest name', async () => {
    const sub = challengeFor('a.sub.acme.test');
    await provider().present(sub, never);
    expect(values('Z2 _acme-challenge.a.sub.acme.test.')).toEqual([`"${sub.value}"`]);
    const www = challengeFor('www.acme.test');
    await provider().present(www, never);
    expect(values('Z1 _acme-challenge.www.acme.test.')).toEqual([`"${www.value}"`]);
  });

  it('asks which zone, when two have the same name, and uses the one that is named', async () => {
    const record = challengeFor('twice.test');
    await expect(provider().present(record, never)).rejects.toMatchObject({
      code: 'dns-provider-refused',
      message: expect.stringMatching(/Z4A.*Z4B/),
      hint: expect.stringContaining('zone-id'),
    });
    await provider({ 'zone-id': '/hostedzone/Z4B' }).present(record, never);
    expect(values('Z4B _acme-challenge.twice.test.')).toEqual([`"${record.value}"`]);
  });

  it('says that no zone holds the name', async () => {
    await expect(provider().present(challengeFor('nowhere.test'), never)).rejects.toMatchObject({
      code: 'dns-provider-refused',
      message: expect.stringContaining('no public hosted zone'),
    });
  });

  it('leaves a record with a routing policy alone', async () => {
    fake.sets.set(KEY, { ttl: '60', values: ['"x"'], setIdentifier: 'eu' });
    await expect(provider().present(challengeFor('acme.test'), never)).rejects.toMatchObject({
      code: 'dns-provider-refused',
      message: expect.stringContaining('routing policy'),
    });
  });

  it('says that the secret is wrong, without showing it', async () => {
    const failure = await provider({ 'secret-access-key': 'not-the-secret' })
      .present(challengeFor('acme.test'), never)
      .catch((problem: unknown) => problem);
    expect(failure).toMatchObject({
      code: 'dns-provider-refused',
      message: expect.stringContaining('SignatureDoesNotMatch'),
      hint: expect.stringContaining('clock'),
    });
    expect(String(failure)).not.toContain('not-the-secret');
  });

  it('says what the policy does not allow', async () => {
    intercept = ({ method }) =>
      method === 'POST' ? error(403, 'AccessDenied', 'User is not authorized to perform X') : null;
    await expect(provider().present(challengeFor('acme.test'), never)).rejects.toMatchObject({
      code: 'dns-provider-refused',
      message: expect.stringContaining('AccessDenied: User is not authorized to perform X'),
      hint: expect.stringContaining('policy'),
    });
  });

  it('tries again when it is throttled', async () => {
    let throttled = 2;
    intercept = ({ method }) =>
      method === 'POST' && throttled-- > 0 ? error(400, 'Throttling', 'Rate exceeded') : null;
    await provider().present(challengeFor('acme.test'), never);
    expect(posts()).toHaveLength(3);
  });

  it('gives up on a change that never arrives', async () => {
    intercept = ({ path }) =>
      path.includes('/change/')
        ? { status: 200, body: '<R><ChangeInfo><Status>PENDING</Status></ChangeInfo></R>' }
        : null;
    await expect(provider().present(challengeFor('acme.test'), never)).rejects.toMatchObject({
      code: 'dns-provider-failed',
      message: expect.stringContaining('120 s'),
    });
    expect(values()).toBeNull();
  });

  it('ends when it is aborted, and takes back what it did', async () => {
    const abort = new AbortController();
    intercept = ({ path }) => {
      if (path.includes('/change/')) abort.abort();
      return null;
    };
    await expect(provider().present(challengeFor('acme.test'), abort.signal)).rejects.toMatchObject({
      code: 'aborted',
    });
    expect(values()).toBeNull();
  });
});
