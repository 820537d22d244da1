import { describe, expect, it } from 'vitest';
import { canonicalIp, isIpAddress } from '../../src/x509/ip-address.ts';
import { covers, isPublicName, sameNames } from '../../src/x509/names.ts';

describe('isPublicName', () => {
  it.each([
    'example.com',
    'www.example.com',
    '*.example.com',
    'xn--bcher-kva.example.org',
    'test.example.com',
    'local.dev',
    '93.184.215.14',
    '2606:2800:21f:cb07:6820:80da:af6b:8b2c',
  ])('%s is for a public CA', (name) => {
    expect(isPublicName(name)).toBe(true);
  });

  it.each([
    'localhost',
    'shop.localhost',
    '*.localhost',
    'shop.test',
    'db.internal',
    'home.arpa',
    'nas.home.arpa',
    '*.home.arpa',
    'printer.local',
    'nas.lan',
    'intranet',
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '127.0.0.1',
    '169.254.1.1',
    '100.64.0.1',
    '192.0.2.7',
    '::1',
    '::ffff:10.0.0.1',
    'fd00::1',
    'fe80::1',
    '2001:db8::1',
  ])('%s is for the internal CA', (name) => {
    expect(isPublicName(name)).toBe(false);
  });

  it('takes the addresses beside a private range for public', () => {
    expect(['172.15.255.255', '172.32.0.1', '100.128.0.1', '11.0.0.1'].every(isPublicName)).toBe(true);
  });
});

describe('covers', () => {
  it.each([
    [['example.com'], 'example.com', true],
    [['*.example.com'], 'a.example.com', true],
    [['*.example.com'], '*.example.com', true],
    [['*.example.com'], 'example.com', false],
    [['*.example.com'], 'a.b.example.com', false],
    [['example.com'], 'a.example.com', false],
    [['192.0.2.1'], '192.0.2.1', true],
    [['*.0.2.1'], '192.0.2.1', false],
    [[], 'example.com', false],
  ])('%j for %s: %s', (names, name, expected) => {
    expect(covers(names, name)).toBe(expected);
  });
});

describe('sameNames', () => {
  it.each([
    [['a', 'b'], ['b', 'a'], true],
    [['a', 'a', 'b'], ['b', 'a'], true],
    [['a'], ['a', 'b'], false],
    [['a', 'b'], ['a'], false],
    [['a', 'b'], ['a', 'c'], false],
  ])('%j and %j: %s', (left, right, expected) => {
    expect(sameNames(left, right)).toBe(expected);
  });
});

describe('addresses', () => {
  it('have one spelling', () => {
    expect(canonicalIp('2001:DB8:0:0:0:0:0:1')).toBe('2001:db8::1');
    expect(canonicalIp('192.0.2.1')).toBe('192.0.2.1');
  });

  it('are told from names', () => {
    expect(['192.0.2.1', '::1'].every(isIpAddress)).toBe(true);
    expect(['example.com', '1.2.3', '[::1]', 'fe80::1%eth0', ''].some(isIpAddress)).toBe(false);
  });
});
