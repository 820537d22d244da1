import { describe, expect, it } from 'vitest';
import { codeOf } from '../../src/errors.ts';
import { parseServername, parseTarget } from '../../src/ocsp/target.ts';

describe('parseTarget', () => {
  it.each([
    ['example.com', 'example.com', 443],
    ['example.com:8443', 'example.com', 8443],
    ['EXAMPLE.com', 'example.com', 443],
    ['bücher.example:1', 'xn--bcher-kva.example', 1],
    ['localhost', 'localhost', 443],
    ['192.0.2.1:65535', '192.0.2.1', 65_535],
    ['[2001:db8::1]:8443', '2001:db8::1', 8443],
    ['[::1]', '::1', 443],
    ['2001:db8::1', '2001:db8::1', 443],
    ['https://example.com/path?x', 'example.com', 443],
    ['https://[::1]:8443', '::1', 8443],
  ])('takes %s for a server', (text, host, port) => {
    expect(parseTarget(text, { stored: false })).toEqual({ kind: 'server', host, port });
  });

  it.each([
    ['/etc/cert', '/etc/cert'],
    ['./x', './x'],
    ['cert.pem', 'cert.pem'],
    ['cert.DER', 'cert.DER'],
    ['-', '/dev/stdin'],
  ])('takes %s for a file', (text, path) => {
    expect(parseTarget(text, { stored: false })).toEqual({ kind: 'file', path });
  });

  it('takes what can be nothing else, and what it is told to, for a name of the store', () => {
    expect(parseTarget('*.Example.com', { stored: false })).toEqual({
      kind: 'stored',
      name: '*.example.com',
    });
    expect(parseTarget('example.com', { stored: true })).toEqual({ kind: 'stored', name: 'example.com' });
  });

  it.each(
    [
      '',
      ' ',
      'a b',
      'host:',
      'host:0',
      'host:65536',
      'host:https',
      'a:b:c',
      '[example.com]:1',
      '[::1]x',
    ].concat(['http://example.com', 'https://', 'ftp://example.com', '-x', 'x\u0000y']),
  )('refuses %j', (text) => {
    expect(codeOf(thrownBy(() => parseTarget(text, { stored: false })))).toBe('usage');
  });
});

describe('parseServername', () => {
  it('takes names, as A-labels, and no addresses', () => {
    expect(parseServername('Bücher.example')).toBe('xn--bcher-kva.example');
    for (const text of ['', '192.0.2.1', '::1', 'a b']) {
      expect(codeOf(thrownBy(() => parseServername(text)))).toBe('usage');
    }
  });
});

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return null;
}
