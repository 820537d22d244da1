import { describe, expect, it } from 'vitest';
import { isWelcome } from '../../src/admin/welcome.ts';

const PRIVATE = ['10.0.0.0/8', 'fd00::/8'];

describe('who may ask the admin endpoint', () => {
  it.each<[string, string | undefined, string | undefined, readonly string[], boolean]>([
    ['this machine', '127.0.0.1', '127.0.0.1', [], true],
    ['this machine, with another of its loopback addresses', '127.9.9.9', '127.0.0.1', [], true],
    ['this machine, over IPv6', '::1', '::1', [], true],
    ['this machine, over IPv4 to a socket of IPv6', '::ffff:127.0.0.1', '::ffff:127.0.0.1', [], true],
    ['this machine, at its address in the network', '192.0.2.7', '192.0.2.7', [], true],
    ['a client on a Unix socket', undefined, undefined, [], true],
    ['another machine', '192.0.2.8', '192.0.2.7', [], false],
    ['another machine, over IPv6', '2001:db8::8', '2001:db8::7', [], false],
    ['another machine, over IPv4 to a socket of IPv6', '::ffff:192.0.2.8', '::ffff:192.0.2.7', [], false],
    ['one that is named', '10.1.2.3', '10.0.0.1', PRIVATE, true],
    ['one that is named, to a socket of IPv6', '::ffff:10.1.2.3', '::ffff:10.0.0.1', PRIVATE, true],
    ['one that is named, over IPv6 with a zone', 'fd00::8%eth0', 'fd00::7', PRIVATE, true],
    ['one that is not among the named', '11.1.2.3', '10.0.0.1', PRIVATE, false],
    ['one that has left already', undefined, '10.0.0.1', PRIVATE, false],
    ['anybody, where everybody is named', '203.0.113.1', '10.0.0.1', ['0.0.0.0/0', '::/0'], true],
  ])('%s', (_, remoteAddress, localAddress, peers, expected) => {
    expect(isWelcome({ remoteAddress, localAddress }, peers)).toBe(expected);
  });
});
