import { describe, expect, it } from 'vitest';
import { TlsServers } from '../../../src/proxy/tls/servers.ts';
import { testAuthority } from './authority.ts';

const authority = await testAuthority();
const [one, two, three] = await Promise.all([
  authority.issue(['one.test']),
  authority.issue(['two.test']),
  authority.issue(['three.test']),
]);
const KEYS = new Uint8Array(48);

describe('TlsServers', () => {
  it('makes the server of a certificate once', () => {
    const servers = new TlsServers({ handshakeTimeoutMs: 1_000, onSecure: () => {} });
    expect(servers.serverFor(one, KEYS)).toBe(servers.serverFor(one, KEYS));
    expect(servers.serverFor(two, KEYS)).not.toBe(servers.serverFor(one, KEYS));
    expect(servers.serverFor({ ...one, staple: KEYS }, KEYS)).not.toBe(servers.serverFor(one, KEYS));
  });

  it('gives up what was not used for the longest time', () => {
    const servers = new TlsServers({ handshakeTimeoutMs: 1_000, onSecure: () => {}, capacity: 2 });
    const first = servers.serverFor(one, KEYS);
    const second = servers.serverFor(two, KEYS);
    expect(servers.serverFor(one, KEYS)).toBe(first);
    servers.serverFor(three, KEYS);
    expect(servers.serverFor(one, KEYS)).toBe(first);
    expect(servers.serverFor(two, KEYS)).not.toBe(second);
  });

  it('makes everything anew under new ticket keys', () => {
    const servers = new TlsServers({ handshakeTimeoutMs: 1_000, onSecure: () => {} });
    const first = servers.serverFor(one, KEYS);
    expect(servers.serverFor(one, new Uint8Array(48))).not.toBe(first);
  });
});
