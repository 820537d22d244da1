import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createProvider } from '../../src/dns/registry.ts';
import { type AcmeDnsServer, acmeDnsServer } from './acme-dns-server.ts';
import { type LeapingClock, leapingClock } from './clock.ts';
import { type Handler, serve, type TestServer } from './http-server.ts';
import { cnames, testPorts } from './ports.ts';
import { challengeFor, never } from './records.ts';

const SUB = { name: '_acme-challenge.acme.test', target: 'sub-1.auth.test' };

let dir: string;
let accounts: string;
let clock: LeapingClock;
let fake: AcmeDnsServer;
let server: TestServer;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'rigil-acme-dns-'));
  accounts = join(dir, 'accounts.json');
  clock = leapingClock();
  fake = acmeDnsServer('auth.test', () => clock.now());
  server = await serve((request) => intercept?.(request) ?? fake.handler(request));
});
afterEach(async () => {
  intercept = null;
  await server.stop();
  await rm(dir, { recursive: true, force: true });
});

/** Answers instead of the server, where it returns something. */
let intercept: Handler | null = null;

function provider(
  options: Readonly<Record<string, string>> = { accounts },
  known: Record<string, string> = { [SUB.name]: SUB.target },
) {
  return createProvider(
    'acme-dns',
    { api: server.url, ...options },
    testPorts({ clock, resolver: cnames(known) }),
  );
}

/** An account at the server, in the file, as lego leaves it. */
async function registered(domain = 'acme.test'): Promise<void> {
  const { body = '' } =
    fake.handler({
      method: 'POST',
      path: '/register',
      query: new URLSearchParams(),
      headers: {},
      body: '{}',
      url: '',
    }) ?? {};
  await writeFile(accounts, JSON.stringify({ [domain]: { ...JSON.parse(body), server_url: server.url } }));
}

const updates = () => server.seen.filter(({ path }) => path === '/update').length;

describe('acme-dns', () => {
  it('sets the value with the account of the file, and leaves it when cleaning up', async () => {
    await registered();
    const record = challengeFor('acme.test');
    const cleanUp = await provider().present(record, never);
    expect(fake.valuesOf('sub-1')).toEqual([record.value]);
    await cleanUp();
    expect(fake.valuesOf('sub-1')).toEqual([record.value]);
    expect(server.seen).toHaveLength(1);
  });

  it('takes one account from the options', async () => {
    await registered();
    const options = { username: 'user-1', password: 'pass-word-1', subdomain: 'sub-1' };
    await provider(options).present(challengeFor('acme.test'), never);
    expect(updates()).toBe(1);
  });

  it('registers a domain that has no account once, keeps the file, and says which record to create', async () => {
    await writeFile(accounts, JSON.stringify({ 'other.test': { username: 'x', extra: [1] } }));
    const one = provider({ accounts }, {});
    const attempts = [challengeFor('acme.test', 'apex'), challengeFor('acme.test', 'wildcard')];
    const results = await Promise.allSettled(attempts.map((record) => one.present(record, never)));
    for (const result of results) {
      expect(result).toMatchObject({
        status: 'rejected',
        reason: {
          code: 'dns-delegation-missing',
          hint: 'create this record: _acme-challenge.acme.test. CNAME sub-1.auth.test.',
        },
      });
    }
    expect(server.seen.map(({ path }) => path)).toEqual(['/register']);
    expect(JSON.parse(await readFile(accounts, 'utf8'))).toEqual({
      'other.test': { username: 'x', extra: [1] },
      'acme.test': {
        username: 'user-1',
        password: 'pass-word-1',
        subdomain: 'sub-1',
        fulldomain: 'sub-1.auth.test',
        allowfrom: [],
        server_url: server.url,
      },
    });
    expect((await stat(accounts)).mode & 0o777).toBe(0o600);
    expect(await readdir(dir)).toEqual(['accounts.json']);
  });

  it('says that the CNAME leads elsewhere', async () => {
    await registered();
    await expect(
      provider({ accounts }, { [SUB.name]: 'sub-2.auth.test' }).present(challengeFor('acme.test'), never),
    ).rejects.toMatchObject({
      code: 'dns-delegation-missing',
      message: expect.stringContaining('CNAME to sub-2.auth.test'),
      hint: expect.stringContaining('CNAME sub-1.auth.test.'),
    });
    expect(updates()).toBe(0);
  });

  it('follows several CNAMEs to the account', async () => {
    await registered();
    const known = { [SUB.name]: 'hop.acme.test', 'hop.acme.test': SUB.target };
    await provider({ accounts }, known).present(challengeFor('acme.test'), never);
    expect(updates()).toBe(1);
  });

  it('keeps both values of apex and wildcard', async () => {
    await registered();
    const [apex, wildcard] = [challengeFor('acme.test', 'apex'), challengeFor('acme.test', 'wildcard')];
    const one = provider();
    await Promise.all([one.present(apex, never), one.present(wildcard, never)]);
    expect([...fake.valuesOf('sub-1')].sort()).toEqual([apex.value, wildcard.value].sort());
  });

  it('lets a third value wait until the oldest is no longer needed', async () => {
    await registered();
    const [a, b, c] = ['a', 'b', 'c'].map((seed) => challengeFor('acme.test', seed));
    if (a === undefined || b === undefined || c === undefined) throw new Error('three records');
    let onPause: (() => void) | undefined;
    clock = leapingClock({ onLeap: () => onPause?.() });
    const one = provider();
    const removeA = await one.present(a, never);
    const removeB = await one.present(b, never);
    // The newer one is free, but an update would replace the older one.
    await removeB();
    let pauses = 0;
    onPause = () => {
      pauses += 1;
      if (pauses < 3) expect(fake.valuesOf('sub-1')).toContain(a.value);
      if (pauses === 3) void removeA();
    };
    await one.present(c, never);
    expect(pauses).toBeGreaterThanOrEqual(3);
    expect([...fake.valuesOf('sub-1')].sort()).toEqual([b.value, c.value].sort());
  });

  it('gives up on a third value that nobody makes room for', async () => {
    await registered();
    const one = provider();
    await one.present(challengeFor('acme.test', 'a'), never);
    await one.present(challengeFor('acme.test', 'b'), never);
    await expect(one.present(challengeFor('acme.test', 'c'), never)).rejects.toMatchObject({
      code: 'dns-provider-failed',
      message: expect.stringContaining('takes no third'),
    });
  });

  it('says that the account is refused, and forgets the value', async () => {
    await registered();
    const wrong = { username: 'user-1', password: 'wrong-pass-word', subdomain: 'sub-1' };
    const one = provider(wrong);
    for (const seed of ['a', 'b', 'c']) {
      await expect(one.present(challengeFor('acme.test', seed), never)).rejects.toMatchObject({
        code: 'dns-provider-refused',
        message: expect.stringContaining('forbidden'),
      });
    }
  });

  it('does not send an update twice, which could push out two values', async () => {
    await registered();
    intercept = ({ path }) => (path === '/update' ? { status: 500 } : null);
    await expect(provider().present(challengeFor('acme.test'), never)).rejects.toMatchObject({
      code: 'dns-provider-failed',
    });
    expect(updates()).toBe(1);
  });

  it('says that the file is damaged, and leaves it as it is', async () => {
    await writeFile(accounts, '{"acme.test": ');
    await expect(provider().present(challengeFor('acme.test'), never)).rejects.toMatchObject({
      code: 'dns-provider-refused',
      message: expect.stringContaining(accounts),
    });
    expect(await readFile(accounts, 'utf8')).toBe('{"acme.test": ');
    expect(server.seen).toEqual([]);
  });
});
