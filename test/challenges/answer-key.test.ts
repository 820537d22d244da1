import { describe, expect, it } from 'vitest';
import { httpAnswer, httpKey, serverNameOf, tlsAlpnKey } from '../../src/challenges/answer-key.ts';

describe('the server name that a CA asks for', () => {
  it.each([
    ['WWW.Example.org', 'www.example.org'],
    ['192.0.2.1', '1.2.0.192.in-addr.arpa'],
    ['2001:db8::1', `1.${'0.'.repeat(23)}8.b.d.0.1.0.0.2.ip6.arpa`],
    ['::', `${'0.'.repeat(32)}ip6.arpa`],
    ['::ffff:192.0.2.1', `1.0.2.0.0.0.0.c.f.f.f.f.${'0.'.repeat(20)}ip6.arpa`],
    ['1:2:3:4:5:6:7:8', '8.0.0.0.7.0.0.0.6.0.0.0.5.0.0.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.ip6.arpa'],
  ])('for %s is %s', (name, expected) => {
    expect(serverNameOf(name)).toBe(expected);
    expect(tlsAlpnKey(serverNameOf(name))).toBe(`tls-alpn-01:${expected}`);
  });
});

describe('the answer for a path', () => {
  const answers = new Map([[httpKey('token'), { type: 'http-01', body: 'token.thumb' }] as const]);

  it.each([
    ['/.well-known/acme-challenge/token', 'token.thumb'],
    ['/.well-known/acme-challenge/other', null],
    ['/.well-known/acme-challenge/', null],
    ['/.well-known/acme-challenge/../token', null],
    ['/token', null],
    ['', null],
  ])('%s is %s', (path, expected) => {
    expect(httpAnswer(answers, path)).toBe(expected);
  });
});
