import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { RouteConfig } from '../../src/config/config.ts';
import { UNREACHABLE } from '../../src/config/values/upstream.ts';
import { codesOf, parse, routeWith, valid } from './parse-text.ts';

/** What Centauri 2.8 makes of route files: each oddity of its parser is a row here. */

function only(text: string): RouteConfig {
  const [route, ...more] = valid(text).routes;
  if (route === undefined || more.length > 0) throw new Error('not one route');
  return route;
}

describe('what Centauri accepts means the same', () => {
  const upstream = { scheme: 'http', host: 'app', port: 8080 } as const;

  it.each<[string, string, Partial<RouteConfig>, string[]]>([
    // Lines and directives.
    ['directives in any case', 'RoUtE a.com\nuPsTrEaM app:8080', { names: ['a.com'] }, []],
    ['a file with CRLF', 'route a.com\r\n\tupstream app:8080\r\n', { upstreams: [upstream] }, []],
    [
      'white space of Unicode around a line',
      '\u3000route a.com\u00a0\n\u2003upstream app:8080\u0085',
      {},
      [],
    ],
    ['directives before the upstream', 'route a.com\nfallback\nupstream app:8080', { fallback: true }, []],
    ['# as a word', '# one\n#\nroute a.com\n# two\nupstream app:8080', {}, []],
    // Names.
    ['upper case', 'route A.Example.COM\nupstream app:8080', { names: ['a.example.com'] }, []],
    ['an underscore', 'route _x.a_b.com\nupstream app:8080', { names: ['_x.a_b.com'] }, []],
    ['a numeric top-level domain', 'route foo.123\nupstream app:8080', { names: ['foo.123'] }, []],
    ['a name without a dot', 'route localhost\nupstream app:8080', { names: ['localhost'] }, []],
    ['a final dot', 'route a.com b.com.\nupstream app:8080', { names: ['a.com'] }, ['name-never-matches']],
    // Upstreams.
    ['no port', 'route a.com\nupstream app', { upstreams: [{ ...upstream, port: 80 }] }, []],
    ['an empty port', 'route a.com\nupstream app:', { upstreams: [{ ...upstream, port: 80 }] }, []],
    ['no upstream address', 'route a.com\nupstream', { upstreams: [UNREACHABLE] }, ['empty-upstream']],
    ['two addresses', 'route a.com\nupstream a b', { upstreams: [UNREACHABLE] }, ['unusable-upstream']],
    ['a user', 'route a.com\nupstream u@a', { upstreams: [UNREACHABLE] }, ['unusable-upstream']],
    ['bare IPv6', 'route a.com\nupstream ::1', { upstreams: [UNREACHABLE] }, ['unusable-upstream']],
    ['a port too far', 'route a.com\nupstream a:65536', { upstreams: [UNREACHABLE] }, ['unusable-upstream']],
    ['port 0', 'route a.com\nupstream a:0', { upstreams: [UNREACHABLE] }, ['unusable-upstream']],
    ['a named port', 'route a.com\nupstream a:http', { upstreams: [UNREACHABLE] }, ['unusable-upstream']],
    ['a path', 'route a.com\nupstream a/b', { upstreams: [UNREACHABLE] }, ['unusable-upstream']],
    [
      'http:// and a path',
      'route a.com\nupstream http://a/b',
      { upstreams: [UNREACHABLE] },
      ['unusable-upstream'],
    ],
    [
      'several, a useless one among them',
      'route a.com\nupstream app:8080\nupstream',
      { upstreams: [upstream, UNREACHABLE] },
      ['empty-upstream'],
    ],
    // Header rules.
    [
      'a value with spaces',
      routeWith('header add X a  b   c'),
      { headerRules: [{ action: 'add', name: 'X', value: 'a  b   c' }] },
      [],
    ],
    [
      'a value that begins with a space',
      routeWith('header add X  v'),
      { headerRules: [{ action: 'add', name: 'X', value: ' v' }] },
      [],
    ],
    [
      'a value with #',
      routeWith('header add X v # w'),
      { headerRules: [{ action: 'add', name: 'X', value: 'v # w' }] },
      [],
    ],
    [
      'a value that is #',
      routeWith('header default X #'),
      { headerRules: [{ action: 'default', name: 'X', value: '#' }] },
      [],
    ],
    [
      'a value with quotes',
      routeWith(`header add X "\${A}"`),
      { headerRules: [{ action: 'add', name: 'X', value: `"\${A}"` }] },
      [],
    ],
    [
      'an action in any case',
      routeWith('header DeLeTe X'),
      { headerRules: [{ action: 'delete', name: 'X' }] },
      [],
    ],
    [
      'a name as it is written',
      routeWith('header add x-fOO v'),
      { headerRules: [{ action: 'add', name: 'x-fOO', value: 'v' }] },
      [],
    ],
    ['an empty name', routeWith('header add  X v'), { headerRules: [] }, ['header-without-effect']],
    ['a name with a tab', routeWith('header add X\tv w'), { headerRules: [] }, ['header-without-effect']],
    ['a name that is none', routeWith('header delete Ü'), { headerRules: [] }, ['header-without-effect']],
    ['a line end in a value', routeWith('header add X a\rb'), { headerRules: [] }, ['header-without-effect']],
    ['a length', routeWith('header add Content-Length 5'), { headerRules: [] }, ['header-without-effect']],
    [
      'rules in their order',
      routeWith('header delete A', 'header add A b'),
      {
        headerRules: [
          { action: 'delete', name: 'A' },
          { action: 'add', name: 'A', value: 'b' },
        ],
      },
      [],
    ],
    // on_error.
    [
      'tabs',
      routeWith('on_error \t404\t errors'),
      { onError: [{ status: 404, upstream: { scheme: 'http', host: 'errors', port: 80 }, path: null }] },
      [],
    ],
    [
      'a sign and a zero',
      routeWith('on_error +0502 app:8080'),
      { onError: [{ status: 502, upstream, path: null }] },
      [],
    ],
    [
      'a slash',
      routeWith('on_error 404 app:8080/'),
      { onError: [{ status: 404, upstream, path: null }] },
      [],
    ],
    [
      'path and query',
      routeWith('on_error 404 app:8080/a?b=c?d'),
      { onError: [{ status: 404, upstream, path: '/a?b=c?d' }] },
      [],
    ],
    [
      'an escaped slash',
      routeWith('on_error 404 app:8080/a%2Fb'),
      { onError: [{ status: 404, upstream, path: '/a/b' }] },
      [],
    ],
    [
      'characters that Go escapes',
      routeWith('on_error 404 app:8080/a!é'),
      { onError: [{ status: 404, upstream, path: '/a%21%C3%A9' }] },
      [],
    ],
    [
      'a fragment',
      routeWith('on_error 404 app:8080/a#b'),
      { onError: [{ status: 404, upstream, path: '/a' }] },
      ['ignored-part'],
    ],
    [
      'two slashes',
      routeWith('on_error 404 app:8080//a'),
      { onError: [{ status: 404, upstream, path: null }] },
      ['ignored-part'],
    ],
    [
      'two slashes and a path',
      routeWith('on_error 404 app:8080//a/b'),
      { onError: [{ status: 404, upstream, path: '/b' }] },
      ['ignored-part'],
    ],
    [
      'three slashes',
      routeWith('on_error 404 app:8080///a'),
      { onError: [{ status: 404, upstream, path: '///a' }] },
      [],
    ],
    [
      'a URL',
      routeWith('on_error 404 http://h/p'),
      { onError: [{ status: 404, upstream: { scheme: 'http', host: 'http', port: 80 }, path: '/p' }] },
      ['unusable-upstream'],
    ],
    [
      'no usable host',
      routeWith('on_error 404 a:b/p'),
      { onError: [{ status: 404, upstream: UNREACHABLE, path: '/p' }] },
      ['unusable-upstream'],
    ],
    [
      'the first of a status',
      routeWith('on_error 404 app:8080', 'on_error 404 other'),
      { onError: [{ status: 404, upstream, path: null }] },
      ['repeated-status'],
    ],
    // The rest.
    ['no provider', routeWith('provider', 'provider lego'), { provider: 'letsencrypt' }, ['empty-provider']],
    ['selfsigned', routeWith('provider selfsigned'), { provider: 'internal' }, []],
    ['words after fallback', routeWith('fallback example.com'), { fallback: true }, ['ignored-argument']],
    [
      'words after redirect-to-primary',
      routeWith('redirect-to-primary a'),
      { redirectToPrimary: true },
      ['ignored-argument'],
    ],
    [
      'subjects in several lines',
      routeWith('subject a.example.com', 'subject B.example.com'),
      { subjects: ['a.example.com', 'b.example.com'] },
      [],
    ],
    [
      'a wildcard subject',
      routeWith('provider internal', 'subject *.example.com'),
      { subjects: ['*.example.com'] },
      [],
    ],
    [
      'a subject with a port',
      routeWith('subject a.example.com b.example.com c:80'),
      { subjects: ['a.example.com', 'b.example.com'] },
      ['unusable-subject'],
    ],
    [
      'a subject with a dot',
      routeWith('subject a.example.com b.example.com.'),
      { subjects: ['a.example.com', 'b.example.com'] },
      ['unusable-subject'],
    ],
    [
      'a redirect to the same name',
      'route a.com A.com\nupstream app\nredirect-to-primary',
      { names: ['a.com'], redirectToPrimary: true },
      ['duplicate-name', 'redirect-without-effect'],
    ],
  ])('%s', (_, text, expected, codes) => {
    expect(only(text)).toMatchObject(expected);
    expect(codesOf(text)).toEqual(codes);
  });

  it('an empty file, a file of comments', () => {
    expect(valid('').routes).toEqual([]);
    expect(codesOf('')).toEqual(['no-routes']);
    expect(codesOf('# nothing\n\n  #\n')).toEqual(['no-routes']);
  });

  it('of two routes with the same name the later one gets it', () => {
    const text = 'route a.com b.com\nupstream one\nroute B.com\nupstream two';
    expect(valid(text).routes.map(({ names }) => names)).toEqual([['a.com'], ['b.com']]);
    expect(codesOf(text)).toEqual(['duplicate-name']);
  });

  it('a route that has lost all its names is gone', () => {
    const text = 'route a.com\nupstream one\nroute a.com\nupstream two';
    expect(valid(text).routes).toMatchObject([{ names: ['a.com'], line: 3 }]);
    expect(codesOf(text)).toEqual(['unreachable-route', 'duplicate-name']);
  });

  it('unless it is the fallback, which keeps its certificate', () => {
    const text = 'route a.com\nupstream one\nfallback\nroute a.com\nupstream two';
    const [fallback] = valid(text).routes;
    expect(fallback).toMatchObject({ names: [], primary: 'a.com', subjects: ['a.com'], fallback: true });
  });

  it('a fallback whose names no request can carry has a certificate for them', () => {
    const [fallback] = valid('route a.com. a.com. b.com.\nupstream one\nfallback').routes;
    expect(fallback).toMatchObject({ names: [], primary: 'a.com', subjects: ['a.com', 'b.com'] });
  });

  it('a redirect still leads to a primary name that a later route has', () => {
    const text = 'route a.com b.com\nupstream one\nredirect-to-primary\nroute a.com\nupstream two';
    expect(valid(text).routes[0]).toMatchObject({ names: ['b.com'], primary: 'a.com' });
  });

  it('a file as Centauri has them', () => {
    const text = readFileSync(new URL('centauri.conf', import.meta.url), 'utf8');
    expect(parse(text).diagnostics).toEqual([]);
    expect(valid(text).routes).toMatchObject([
      { names: ['example.com', 'www.example.com'], redirectToPrimary: true },
      { names: ['api.example.com'], onError: [{ status: 502 }, { status: 404, path: '/missing?from=api' }] },
      { names: ['example.net'], provider: 'internal' },
      { names: ['placeholder.example.com'], fallback: true, upstreams: [{ port: 8082 }, { port: 8083 }] },
    ]);
  });
});

describe('what Centauri rejects', () => {
  it.each([
    ['a route without names', 'route\nupstream a', 'no-names'],
    ['a route without upstream', 'route a.com\nroute b.com\nupstream a', 'no-upstream'],
    ['a last route without upstream', 'route a.com', 'no-upstream'],
    ['a directive before any route', 'upstream a\nroute a.com\nupstream a', 'outside-section'],
    ['an unknown line', routeWith('uptream a'), 'unknown-directive'],
    ['an unknown header action', routeWith('header remove X'), 'invalid-keyword'],
    ['header alone', routeWith('header'), 'invalid-keyword'],
    ['a header without value', routeWith('header add X'), 'missing-argument'],
    ['a header without name', routeWith('header delete'), 'missing-argument'],
    ['two headers to delete', routeWith('header delete X Y'), 'extra-argument'],
    ['a comment behind a header to delete', routeWith('header delete X # c'), 'extra-argument'],
    ['on_error with one word', routeWith('on_error 404'), 'missing-argument'],
    ['on_error with three words', routeWith('on_error 404 a b'), 'extra-argument'],
    ['a status that is no error', routeWith('on_error 302 a'), 'invalid-status'],
    ['a status above 599', routeWith('on_error 600 a'), 'invalid-status'],
    ['a status in words', routeWith('on_error teapot a'), 'invalid-status'],
    ['a target without host', routeWith('on_error 404 /a'), 'invalid-target'],
    ['a query without path', routeWith('on_error 404 a?b'), 'invalid-target'],
    ['an empty query', routeWith('on_error 404 a/b?'), 'invalid-target'],
    ['an escape that is none', routeWith('on_error 404 a/%zz'), 'invalid-target'],
    ['two providers', routeWith('provider lego', 'provider selfsigned'), 'duplicate-directive'],
    ['a second provider that is empty', routeWith('provider lego', 'provider'), 'duplicate-directive'],
    ['two fallbacks', `${routeWith('fallback')}\nroute c.com\nupstream a\nfallback`, 'multiple-fallbacks'],
    ['two fallbacks in a route', routeWith('fallback', 'fallback'), 'duplicate-directive'],
    ['two redirects', routeWith('redirect-to-primary', 'redirect-to-primary'), 'duplicate-directive'],
    ['a redirect with one name', 'route a.com\nupstream a\nredirect-to-primary', 'redirect-needs-names'],
    ['a subject without name', routeWith('subject'), 'missing-argument'],
    ['a name with a port', 'route a.com:80\nupstream a', 'invalid-name'],
    ['a name with an empty label', 'route a..com\nupstream a', 'invalid-name'],
    ['a name with a hyphen at the end', 'route a-.com\nupstream a', 'invalid-name'],
    ['a label of 64 characters', `route ${'a'.repeat(64)}.com\nupstream a`, 'invalid-name'],
    ['a name of digits', 'route 1.2.3\nupstream a', 'invalid-name'],
  ])('%s', (_, text, code) => {
    expect(parse(text).config).toBeNull();
    expect(codesOf(text)).toContain(code);
  });
});

describe('what Centauri rejects and rigil takes', () => {
  it.each<[string, string, Partial<RouteConfig>]>([
    ['#comment', '#c\nroute a.com\n #c\nupstream a', {}],
    ['a comment behind names', 'route a.com # b.com', { names: ['a.com'] }],
    [
      'a comment behind an upstream',
      'route a.com\nupstream a:8080 # c',
      { upstreams: [{ scheme: 'http', host: 'a', port: 8080 }] },
    ],
    ['a byte order mark', '\ufeffroute a.com', { names: ['a.com'] }],
    [
      'tabs',
      'route\ta.com\tb.com\nupstream\ta\nheader\tadd\tX\tv w',
      { names: ['a.com', 'b.com'], headerRules: [{ action: 'add', name: 'X', value: 'v w' }] },
    ],
    [
      'runs of spaces',
      'route  a.com   b.com\nheader  add X v',
      { names: ['a.com', 'b.com'], headerRules: [{ action: 'add', name: 'X', value: 'v' }] },
    ],
    [
      'http://',
      'route a.com\nupstream http://a:81/',
      { upstreams: [{ scheme: 'http', host: 'a', port: 81 }] },
    ],
    [
      'https://',
      'route a.com\nupstream https://A',
      { upstreams: [{ scheme: 'https', host: 'a', port: 443 }] },
    ],
    [
      'https:// with IPv6',
      'route a.com\nupstream https://[2001:DB8::1]:8443',
      { upstreams: [{ scheme: 'https', host: '2001:db8::1', port: 8443 }] },
    ],
    [
      'h2c://',
      'route a.com\nupstream H2C://app:50051/',
      { upstreams: [{ scheme: 'h2c', host: 'app', port: 50051 }] },
    ],
    [
      'h2c:// without a port',
      'route a.com\nupstream h2c://[::1]',
      { upstreams: [{ scheme: 'h2c', host: '::1', port: 80 }] },
    ],
    [
      'unix:',
      'route a.com\nupstream unix:/run/my app.sock',
      { upstreams: [{ scheme: 'unix', path: '/run/my app.sock' }] },
    ],
    [
      'unix: with a relative path',
      'route a.com\nupstream unix:app.sock',
      { upstreams: [{ scheme: 'unix', path: '/etc/rigil/app.sock' }] },
    ],
    ['a wildcard', 'route *.a.test', { names: ['*.a.test'] }],
    ['an international name', 'route BÜCHER.example', { names: ['xn--bcher-kva.example'] }],
    ['an IPv4 address', 'route 192.0.2.1\nfallback', { names: ['192.0.2.1'] }],
    ['an IPv6 address', 'route [2001:DB8:0::1]\nfallback', { names: ['2001:db8::1'] }],
  ])('%s', (_, text, expected) => {
    const whole = text.includes('upstream') ? text : `${text}\nupstream a`;
    expect(only(whole)).toMatchObject(expected);
    expect(codesOf(whole)).toEqual([]);
  });
});
