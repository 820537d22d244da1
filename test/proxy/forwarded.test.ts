import { describe, expect, it } from 'vitest';
import type { RequestHead } from '../../src/proxy/exchange.ts';
import { upstreamHeaders } from '../../src/proxy/forwarded.ts';
import { requestTargetOf } from '../../src/proxy/request-target.ts';
import { isTrusted, plainAddress } from '../../src/proxy/trusted-peers.ts';

function forwarded(
  headers: readonly string[],
  { trusted = [], ...more }: Partial<RequestHead> & { readonly trusted?: readonly string[] } = {},
): Record<string, string[]> {
  const request: RequestHead = {
    method: 'GET',
    scheme: 'https',
    protocol: 'HTTP/1.1',
    target: '/',
    authority: null,
    headers: ['Host', 'example.test:8443', ...headers],
    upgrade: null,
    remoteAddress: '192.0.2.7',
    ...more,
  };
  const target = requestTargetOf(request);
  if (target === null) throw new Error('a bad request');
  const sent = upstreamHeaders(request, target, {
    trustedProxies: trusted,
    httpsPort: null,
    accessLog: null,
  });
  const fields: Record<string, string[]> = {};
  for (let index = 0; index < sent.length; index += 2) {
    const key = sent[index]?.toLowerCase() ?? '';
    fields[key] = [...(fields[key] ?? []), sent[index + 1] ?? ''];
  }
  return fields;
}

const SPOOFED = ['X-Forwarded-For', '1.1.1.1', 'X-Forwarded-Host', 'evil', 'X-Forwarded-Proto', 'gopher'];

describe('X-Forwarded-For, -Host and -Proto', () => {
  it('of an untrusted peer are replaced', () => {
    expect(forwarded(SPOOFED)).toMatchObject({
      'x-forwarded-for': ['192.0.2.7'],
      'x-forwarded-host': ['example.test:8443'],
      'x-forwarded-proto': ['https'],
    });
  });

  it('of a trusted peer are continued and kept', () => {
    const fields = forwarded([...SPOOFED, 'x-forwarded-for', '2.2.2.2, 3.3.3.3'], {
      trusted: ['192.0.2.0/24'],
    });
    expect(fields).toMatchObject({
      'x-forwarded-for': ['1.1.1.1, 2.2.2.2, 3.3.3.3, 192.0.2.7'],
      'x-forwarded-host': ['evil'],
      'x-forwarded-proto': ['gopher'],
    });
  });

  it('of a trusted peer are made where it sends none, or empty ones', () => {
    expect(forwarded(['X-Forwarded-Proto', ''], { trusted: ['192.0.2.7'] })).toMatchObject({
      'x-forwarded-for': ['192.0.2.7'],
      'x-forwarded-host': ['example.test:8443'],
      'x-forwarded-proto': ['https'],
    });
  });

  it('cannot be removed by naming them in Connection', () => {
    const named = ['Connection', 'X-Forwarded-For, x-forwarded-proto'];
    expect(forwarded(named)['x-forwarded-for']).toEqual(['192.0.2.7']);
    const fields = forwarded([...SPOOFED, ...named], { trusted: ['192.0.2.7'] });
    expect(fields['x-forwarded-for']).toEqual(['1.1.1.1, 192.0.2.7']);
  });

  it('know a mapped IPv4 address for what it is', () => {
    const fields = forwarded(SPOOFED, { remoteAddress: '::ffff:192.0.2.7', trusted: ['192.0.2.7/32'] });
    expect(fields['x-forwarded-for']).toEqual(['1.1.1.1, 192.0.2.7']);
  });

  it('have no address for a peer without one', () => {
    const fields = forwarded(SPOOFED, { remoteAddress: null, trusted: ['0.0.0.0/0', '::/0'] });
    expect(fields['x-forwarded-for']).toBeUndefined();
    expect(fields['x-forwarded-proto']).toEqual(['https']);
  });
});

describe('fields by which a client could pretend to be somebody', () => {
  it.each([
    'X-Real-IP',
    'True-Client-IP',
    'Forwarded',
    'Tailscale-User-Login',
    'Tailscale-User-Name',
    'Tailscale-User-Profile-Pic',
    'X_Forwarded_Host',
    'x-real_ip',
    'Transfer_Encoding',
    'Content_Length',
  ])('never pass, not even from a trusted peer: %s', (name) => {
    const fields = forwarded([name, 'spoofed'], { trusted: ['192.0.2.7'] });
    expect(Object.values(fields).flat()).not.toContain('spoofed');
  });

  it('do not take harmless ones with them', () => {
    const fields = forwarded(['X_Custom', 'a', 'X-Forwarded-Port', '1', 'CF-Connecting-IP', 'b']);
    expect(fields).toMatchObject({ x_custom: ['a'], 'x-forwarded-port': ['1'], 'cf-connecting-ip': ['b'] });
  });
});

describe('fields of one connection', () => {
  it('go no further, nor do those that Connection names', () => {
    const fields = forwarded([
      ...['Connection', 'close, X-Secret', 'X-Secret', '1', 'Keep-Alive', 'a', 'Proxy-Connection', 'b'],
      ...['Upgrade', 'h2c', 'HTTP2-Settings', 'c', 'Proxy-Authorization', 'd', 'TE', 'gzip', 'X-Kept', '2'],
    ]);
    expect(Object.keys(fields)).toEqual([
      'host',
      'x-kept',
      'x-forwarded-for',
      'x-forwarded-host',
      'x-forwarded-proto',
    ]);
  });

  it('leave the announcement that trailers are welcome', () => {
    expect(forwarded(['TE', 'gzip, Trailers'])['te']).toEqual(['trailers']);
  });

  it('cannot remove what the message needs', () => {
    const fields = forwarded(['Connection', 'Host, Content-Type', 'Content-Type', 'text/plain']);
    expect(fields).toMatchObject({ host: ['example.test:8443'], 'content-type': ['text/plain'] });
  });
});

describe('cookies', () => {
  it('of HTTP/2 become one field, where the first was', () => {
    const crumbs = ['cookie', 'a=1', 'x-after', '', 'cookie', 'b=2', 'cookie', 'c=3'];
    const fields = forwarded(crumbs, { protocol: 'HTTP/2' });
    expect(fields['cookie']).toEqual(['a=1; b=2; c=3']);
    expect(Object.keys(fields).indexOf('cookie')).toBeLessThan(Object.keys(fields).indexOf('x-after'));
  });

  it('of HTTP/1.1 stay as they are', () => {
    expect(forwarded(['Cookie', 'a=1', 'Cookie', 'b=2'])['cookie']).toEqual(['a=1', 'b=2']);
  });
});

describe('nothing is made up', () => {
  it('no User-Agent, no Via, no Accept', () => {
    expect(Object.keys(forwarded([]))).toEqual([
      'host',
      'x-forwarded-for',
      'x-forwarded-host',
      'x-forwarded-proto',
    ]);
  });
});

describe('trusted peers', () => {
  it.each([
    ['10.1.2.3', ['10.0.0.0/8'], true],
    ['11.1.2.3', ['10.0.0.0/8'], false],
    ['10.1.2.3', ['10.1.2.3'], true],
    ['2001:db8::1', ['2001:db8::/32'], true],
    ['fe80::1%eth0', ['fe80::/10'], true],
    ['2001:db9::1', ['2001:db8::/32'], false],
    ['10.1.2.3', ['nonsense', '10.0.0.0/99'], false],
    ['10.1.2.3', [], false],
  ])('%s in %j: %s', (address, trustedProxies, expected) => {
    expect(isTrusted(plainAddress(address), { trustedProxies, httpsPort: null, accessLog: null })).toBe(
      expected,
    );
  });
});
