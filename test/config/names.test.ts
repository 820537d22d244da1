import { describe, expect, it } from 'vitest';
import { Fault } from '../../src/config/fault.ts';
import { parseRouteName } from '../../src/config/values/route-name.ts';

const LONG = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}`;

describe('a name of a route', () => {
  it.each([
    ['example.com', 'example.com'],
    ['Example.COM', 'example.com'],
    ['localhost', 'localhost'],
    ['_acme.example.com', '_acme.example.com'],
    ['a--b.example.com', 'a--b.example.com'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['0x7f.1', '0x7f.1'],
    ['*.Example.com', '*.example.com'],
    ['*.localhost', '*.localhost'],
    ['*.bücher.example', '*.xn--bcher-kva.example'],
    ['Bücher.Example', 'xn--bcher-kva.example'],
    ['ｅxample.com', 'example.com'],
    ['straße.example', 'xn--strae-oqa.example'],
    ['例え。テスト', 'xn--r8jz45g.xn--zckzah'],
    ['192.0.2.1', '192.0.2.1'],
    ['2001:DB8:0:0::1', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    [LONG, LONG],
  ])('%s is %s', (text, name) => {
    expect(parseRouteName(text)).toBe(name);
  });

  it.each([
    ['a port', 'example.com:443', 'did you mean "example.com"?'],
    ['a URL', 'https://example.com/', 'did you mean "example.com"?'],
    ['a path', 'example.com/a', 'did you mean "example.com"?'],
    ['a comma', 'a.com,b.com', 'separate names by spaces, not by commas'],
    ['a bare *', '*', 'a route for every other name is made with "fallback"'],
    ['two wildcards', '*.*.com', 'a wildcard is "*." and a host name: *.example.com'],
    ['a * inside', 'a*.com', 'a wildcard is "*." and a host name: *.example.com'],
    ['a wildcard of an address', '*.1.2.3.4', null],
    ['an empty label', 'a..com', null],
    ['a dot in front', '.a.com', null],
    ['a dot alone', '.', null],
    ['nothing', '', 'a host name has letters, digits, hyphens and dots'],
    ['a hyphen in front', '-a.com', null],
    ['a hyphen at the end of a label', 'a-.com', null],
    ['a hyphen in front of Unicode', '-ä.com', null],
    ['a label too long', `${'a'.repeat(64)}.com`, null],
    [
      'a label too long as A-label',
      `${'ä'.repeat(60)}.com`,
      'a host name has letters, digits, hyphens and dots',
    ],
    ['too many characters', `${LONG}e`, null],
    ['an address that is none', '1.2.3.256', null],
    ['full-width digits', '１２７.０.０.１', 'a host name has letters, digits, hyphens and dots'],
    ['a full-width slash', 'ä／b.com', 'a host name has letters, digits, hyphens and dots'],
    ['an escape', 'ä%2e.com', 'a host name has letters, digits, hyphens and dots'],
    ['an emoji that joins', '\u200d.com', 'a host name has letters, digits, hyphens and dots'],
    ['mixed directions', 'aש.com', 'a host name has letters, digits, hyphens and dots'],
    ['a lone surrogate', '\ud800.com', 'a host name has letters, digits, hyphens and dots'],
    ['an A-label that is none', 'xn--ä.com', 'a host name has letters, digits, hyphens and dots'],
    ['an address with a zone', '[fe80::1%eth0]', null],
    ['IPv4 in brackets', '[192.0.2.1]', 'a host name has letters, digits, hyphens and dots'],
    ['a quote', '"a.com"', 'a host name has letters, digits, hyphens and dots'],
  ])('is not one with %s', (_, text, hint) => {
    const fault = parseRouteName(text);
    expect(fault).toBeInstanceOf(Fault);
    expect(fault).toMatchObject({ code: 'invalid-name', hint });
  });

  it.each(['example.com.', '*.example.com.', 'bücher.example.'])(
    'is doubtful when it ends with a dot: %s',
    (text) => {
      expect(parseRouteName(text)).toMatchObject({ code: 'name-never-matches' });
    },
  );
});
