import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toCertificate } from '../../src/certs/facts.ts';
import type { Issued } from '../../src/certs/ports.ts';
import type { Event } from '../../src/events/event.ts';
import { InternalCa, type InternalCaOptions } from '../../src/internal-ca/internal-ca.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { FileStore } from '../../src/store/file-store.ts';
import { FakeClock } from '../certs/fake-clock.ts';
import { DAY, HOUR } from '../certs/make.ts';
import { has, peer } from '../peers.ts';

const never = new AbortController().signal;
let directory: string;
let events: Event[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rigil-ca-'));
  events = [];
});
afterEach(() => rm(directory, { recursive: true }));

function ca(parts: Partial<InternalCaOptions> = {}): InternalCa {
  const store = new FileStore({ directory, clock: systemClock, emit: () => {} });
  return new InternalCa({
    name: 'internal',
    keyType: 'p256',
    responderUrl: null,
    documents: store.documents,
    locks: store,
    clock: systemClock,
    random: systemRandom,
    emit: (event) => events.push(event),
    ...parts,
  });
}

function order(...names: string[]) {
  return { id: names[0] ?? '', names, replaces: null };
}

function facts({ chain, key }: Issued) {
  return toCertificate(chain, key, { id: 'x', issuer: 'internal', obtainedAt: 0, source: 'rigil' }).facts;
}

describe('a leaf of the local CA', () => {
  it('is for the names, for a week, and belongs to its key', async () => {
    const names = ['localhost', '*.shop.test', '127.0.0.1', '2001:db8::1'];
    const leaf = facts(await ca().issue(order(...names), never));
    expect(leaf.names).toEqual(names);
    expect(leaf.notAfter - Date.now()).toBeLessThanOrEqual(7 * DAY);
    expect(leaf.notAfter - leaf.notBefore).toBe(7 * DAY + HOUR);
    expect(leaf).toMatchObject({ keyType: 'p256', responderUrl: null, mustStaple: false });
  });

  it.each(['p256', 'p384', 'rsa2048'] as const)(
    'has a new key of the type that was asked for: %s',
    async (keyType) => {
      const authority = ca({ keyType });
      const [first, second] = [
        await authority.issue(order('a.test'), never),
        await authority.issue(order('a.test'), never),
      ];
      expect(facts(first)).toMatchObject({ keyType });
      expect(facts(second).serial).not.toBe(facts(first).serial);
      expect(second.key).not.toBe(first.key);
    },
  );

  it('may have a first name that is too long to be a common name', async () => {
    const name = `${'a'.repeat(60)}.${'b'.repeat(60)}.test`;
    expect(facts(await ca().issue(order(name), never)).names).toEqual([name]);
  });

  it('never outlives the root', async () => {
    await ca().issue(order('a.test'), never);
    const [created] = events;
    const end = created?.event === 'authority.created' ? Date.parse(created.notAfter) : 0;
    const clock = new FakeClock(end - DAY);
    const leaf = facts(await ca({ clock }).issue(order('a.test'), never));
    expect(leaf.notAfter).toBe(end);
  });
});

describe('the root of the local CA', () => {
  it('is made once, for its owner only, and said to be there', async () => {
    const authority = ca();
    await authority.issue(order('a.test'), never);
    const root = await readFile(authority.rootLocation, 'utf8');
    await authority.issue(order('b.test'), never);
    await ca().issue(order('c.test'), never);
    expect(await readFile(authority.rootLocation, 'utf8')).toBe(root);
    expect(authority.rootLocation).toBe(join(directory, 'authorities', 'internal', 'root.pem'));
    expect((await stat(join(directory, 'authorities', 'internal', 'root.key'))).mode & 0o777).toBe(0o600);
    expect(events).toEqual([
      {
        event: 'authority.created',
        issuer: 'internal',
        file: authority.rootLocation,
        notAfter: expect.stringMatching(/^20\d\d-/),
        hint: expect.stringContaining(`--cacert ${authority.rootLocation}`),
      },
    ]);
  });

  it('is the same for all who begin at once', async () => {
    const leafs = await Promise.all(Array.from({ length: 6 }, () => ca().issue(order('a.test'), never)));
    expect(events).toHaveLength(1);
    expect(new Set(leafs.map((leaf) => facts(leaf).ariId?.split('.')[0])).size).toBe(1);
  });

  it('is made anew where a crash left a key without a certificate', async () => {
    await ca().issue(order('a.test'), never);
    await rm(join(directory, 'authorities', 'internal', 'root.pem'));
    await ca().issue(order('a.test'), never);
    expect(events.map(({ event }) => event)).toEqual(['authority.created', 'authority.created']);
  });

  it.each<[string, string, string | null]>([
    ['the key is missing', 'root.key', null],
    ['the key is cut short', 'root.key', '-----BEGIN PRIVATE KEY-----\nMIG'],
    ['the certificate is empty', 'root.pem', ''],
    ['the certificate is rubbish', 'root.pem', 'rubbish'],
  ])('is never replaced when it is damaged: %s', async (_, name, text) => {
    await ca().issue(order('a.test'), never);
    const path = join(directory, 'authorities', 'internal', name);
    await (text === null ? rm(path) : writeFile(path, text));
    const before = await readdir(join(directory, 'authorities', 'internal'));
    await expect(ca().issue(order('a.test'), never)).rejects.toMatchObject({
      code: 'authority-damaged',
      hint: expect.stringContaining('restore'),
    });
    expect(await readdir(join(directory, 'authorities', 'internal'))).toEqual(before);
    expect(events).toHaveLength(1);
  });

  it('is not used with a key that belongs to another one', async () => {
    await ca().issue(order('a.test'), never);
    await ca({ name: 'other' }).issue(order('a.test'), never);
    const key = await readFile(join(directory, 'authorities', 'other', 'root.key'));
    await writeFile(join(directory, 'authorities', 'internal', 'root.key'), key);
    await expect(ca().issue(order('a.test'), never)).rejects.toMatchObject({ code: 'authority-damaged' });
  });

  it('may be another one from now on, when somebody put it there', async () => {
    const authority = ca();
    const first = facts(await authority.issue(order('a.test'), never));
    await rm(join(directory, 'authorities'), { recursive: true });
    const second = facts(await authority.issue(order('a.test'), never));
    expect(second.ariId?.split('.')[0]).not.toBe(first.ariId?.split('.')[0]);
  });

  it('is warned of in its last year, and refuses at its end', async () => {
    await ca().issue(order('a.test'), never);
    const end = Date.now() + 3_652 * DAY;
    await ca({ clock: new FakeClock(end - 400 * DAY) }).issue(order('a.test'), never);
    expect(events.map(({ event }) => event)).toEqual(['authority.created']);
    const late = ca({ clock: new FakeClock(end - 300 * DAY) });
    await late.issue(order('a.test'), never);
    await late.issue(order('a.test'), never);
    expect(events.map(({ event }) => event)).toEqual(['authority.created', 'authority.expiring']);
    await expect(ca({ clock: new FakeClock(end + DAY) }).issue(order('a.test'), never)).rejects.toMatchObject(
      {
        code: 'authority-expired',
      },
    );
  });

  it('is not waited for any longer when the signal aborts', async () => {
    await expect(ca().issue(order('a.test'), AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' });
  });
});

describe.skipIf(!has('openssl'))('the local CA, as openssl sees it', () => {
  it.each(['p256', 'p384', 'rsa2048'] as const)(
    'is right in every detail, with a leaf of %s',
    async (keyType) => {
      const authority = ca({ keyType });
      const long = `${'a'.repeat(60)}.example.test`;
      for (const names of [['shop.test', '*.shop.test', '127.0.0.1', '::1'], [long]]) {
        const { chain } = await authority.issue(order(...names), never);
        const leaf = join(directory, 'leaf.pem');
        await writeFile(leaf, chain);
        const verify = (...extra: string[]): string =>
          execFileSync(
            peer('openssl'),
            [
              'verify',
              '-x509_strict',
              '-purpose',
              'sslserver',
              '-CAfile',
              authority.rootLocation,
              ...extra,
              leaf,
            ],
            { encoding: 'utf8' },
          );
        const [first = ''] = names;
        expect(verify('-verify_hostname', first)).toContain('OK');
      }
    },
  );

  it('may certify no other CA', async () => {
    const authority = ca();
    await authority.issue(order('a.test'), never);
    const text = execFileSync(peer('openssl'), ['x509', '-noout', '-text', '-in', authority.rootLocation], {
      encoding: 'utf8',
    });
    expect(text).toContain('CA:TRUE, pathlen:0');
    expect(text).toMatch(/Key Usage: critical\s+Digital Signature, Certificate Sign, CRL Sign/);
    expect(text).toMatch(/Subject: CN = rigil local CA /);
  });
});

describe.skipIf(!has('curl'))('the local CA, as curl sees it', () => {
  it('is trusted for its names and addresses, and for no others', async () => {
    const authority = ca();
    const { chain, key } = await authority.issue(order('shop.test', '*.shop.test', '127.0.0.1'), never);
    const server = createServer({ cert: chain, key }, (_, response) => response.end('hello'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const get = async (host: string): Promise<string> => {
      const resolve = ['--resolve', `${host}:${port}:127.0.0.1`];
      const trust = ['--cacert', authority.rootLocation];
      const { stdout } = await promisify(execFile)(peer('curl'), [
        '-sS',
        ...trust,
        ...resolve,
        `https://${host}:${port}/`,
      ]);
      return stdout;
    };
    try {
      for (const host of ['shop.test', 'www.shop.test', '127.0.0.1']) expect(await get(host)).toBe('hello');
      await expect(get('other.test')).rejects.toMatchObject({ code: 60 });
    } finally {
      server.close();
    }
  });
});
