import { promises as dns } from 'node:dns';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accountDocuments } from '../../src/acme/account-documents.ts';
import { dnsPersist01, type LookUpTxt } from '../../src/acme/solvers/dns-persist-01.ts';
import { permits, persistentRecord } from '../../src/acme/solvers/persistent-record.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { readLeaf } from '../../src/x509/leaf.ts';
import { describeAtPebbles, type Pebble, startPebble } from '../pebble.ts';
import { noSignal, orderFor, workbench } from './workbench.ts';

describeAtPebbles('dns-persist-01', 'modern', (programs) => {
  let pebble: Pebble;
  beforeAll(async () => {
    pebble = await startPebble(programs);
  });
  afterAll(() => pebble.stop());

  it('says which record to set, and issues once it is there', async () => {
    const solver = dnsPersist01(lookUpAt(pebble.dnsServer), systemClock);
    const { issuer, documents } = workbench(pebble, {}, () => [solver]);
    const order = orderFor(['*.persist.example.org']);
    const missing = await issuer.issue(order, noSignal).catch((error: unknown) => error);
    const [account] = await accountDocuments(documents, documents).list(pebble.directory);
    const value = `pebble.test; accounturi=${account?.url}; policy=wildcard`;
    expect(missing).toMatchObject({
      code: 'challenge-record-missing',
      hint: `set: _validation-persist.persist.example.org TXT "${value}"`,
    });
    await pebble.setTxt('_validation-persist.persist.example.org', value);
    const { chain } = await issuer.issue(order, noSignal);
    expect(readLeaf(chain).names).toEqual(['*.persist.example.org']);
  });
});

describe('the record of dns-persist-01', () => {
  const account = {
    url: 'https://ca.example/acct/123',
    thumbprint: 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs',
    hashPrefix: 'https://ca.example/account-hash/',
  };
  const hashed = { domain: 'example.com', wildcard: false, issuers: ['authority.example'], account };
  const plain = { ...hashed, account: { ...account, hashPrefix: null } };
  const now = Date.UTC(2026, 0, 1);

  it('has the hash of the example in draft-ietf-acme-dns-persist-02', () => {
    expect(persistentRecord(hashed)).toEqual({
      name: '_validation-persist.example.com',
      value:
        'authority.example; accounturi=https://ca.example/account-hash/sha-256/5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw',
    });
  });

  it('may be the one for any domain', () => {
    const any = 'https://ca.example/account-hash/sha-256/NpDnSwUthQK8zCgFdefYxAdAVPnygMLbs9US6oO-5ug';
    expect(permits(`authority.example; accounturi=${any}`, hashed, now)).toBe(true);
    expect(permits(`authority.example; accounturi=${any}`, plain, now)).toBe(false);
  });

  it('has the URL of the account for a CA without a prefix', () => {
    expect(persistentRecord({ ...plain, wildcard: true }).value).toBe(
      'authority.example; accounturi=https://ca.example/acct/123; policy=wildcard',
    );
  });

  const uri = 'accounturi=https://ca.example/acct/123';
  it.each([
    [`authority.example; ${uri}`, true],
    [`AUTHORITY.example;${uri}`, true],
    [`authority.example; ACCOUNTURI=https://ca.example/acct/123; Policy=Wildcard`, true],
    [`authority.example; ${uri}; persistUntil=${now / 1000 + 1}`, true],
    [`authority.example; ${uri}; persistUntil=${now / 1000}`, false],
    [`authority.example; ${uri}; persistUntil=tomorrow`, false],
    [`authority.example; ${uri}; ${uri}`, false],
    [`authority.example; ${uri};`, false],
    [`authority.example; ${uri}4`, false],
    [`other.example; ${uri}`, false],
    ['authority.example', false],
    ['', false],
  ])('%s permits: %s', (value, expected) => {
    expect(permits(value, plain, now)).toBe(expected);
  });

  it('must say so for a wildcard', () => {
    expect(permits(`authority.example; ${uri}`, { ...plain, wildcard: true }, now)).toBe(false);
    expect(permits(`authority.example; ${uri}; policy=WILDCARD`, { ...plain, wildcard: true }, now)).toBe(
      true,
    );
  });
});

function lookUpAt(server: string): LookUpTxt {
  const resolver = new dns.Resolver();
  resolver.setServers([server]);
  return async (name) => (await resolver.resolveTxt(name).catch(() => [])).map((parts) => parts.join(''));
}
