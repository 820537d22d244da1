import { describe, expect, it } from 'vitest';
import type { AccountStore } from '../../src/acme/account-store.ts';
import { AcmeIssuer, type AcmeIssuerSettings } from '../../src/acme/issuer.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { systemRandom } from '../../src/platform/random.ts';

const settings: AcmeIssuerSettings = {
  name: 'ca',
  directory: 'https://acme-v02.api.letsencrypt.org/directory',
  email: null,
  eab: null,
  profile: null,
  preferredChain: null,
  mustStaple: false,
  keyType: 'p256',
  caRoot: null,
  requestRate: 18,
  obtainIntervalMs: 0,
  timeoutMs: 600_000,
};
/** Nothing is asked of it before the first use. */
const accounts = {} as AccountStore;

function issuerOf(changes: Partial<AcmeIssuerSettings>) {
  const tools = {
    solvers: [],
    accounts,
    clock: systemClock,
    random: systemRandom,
    emit: () => {},
    version: '0',
  };
  return new AcmeIssuer({ ...settings, ...changes }, tools);
}

function pacesOf(changes: Partial<AcmeIssuerSettings>) {
  return issuerOf(changes).paces;
}

describe('the paces of an ACME issuer', () => {
  const limit = { issuances: 300, perMs: 10_800_000 };

  it("keep to Let's Encrypt's new orders for an account", () => {
    expect(pacesOf({})).toEqual([limit]);
    const interval = { issuances: 1, perMs: 5_000 };
    expect(pacesOf({ obtainIntervalMs: 5_000 })).toEqual([interval, limit]);
  });

  it('of another CA are those of the configuration', () => {
    expect(pacesOf({ directory: 'https://ca.example/letsencrypt.org' })).toEqual([]);
    expect(pacesOf({ directory: 'https://notletsencrypt.org/' })).toEqual([]);
  });

  it('are shared by sections with the same account, whatever else they say', () => {
    const { account } = issuerOf({});
    expect(issuerOf({ name: 'short', profile: 'shortlived' }).account).toBe(account);
    expect(issuerOf({ email: 'a@example.com' }).account).not.toBe(account);
    expect(issuerOf({ directory: 'https://ca.example/' }).account).not.toBe(account);
  });
});
