import { describe, expect, it } from 'vitest';
import { IssuerChoice } from '../../src/config/issuer-choice.ts';
import { codesOf, problemsOf, valid } from './parse-text.ts';

const DNS = 'challenge dns-01 cloudflare token=t';

function issuersOf(text: string): string[] {
  return valid(`${text}\nroute a.test\nupstream a`).issuers.map(({ name, scope }) => `${name} ${scope}`);
}

/** Names of the issuers that are asked for a certificate with `names`. */
function chosen(text: string, names: string, provider: string | null = null): string[] {
  const { issuers } = valid(`${text}\nroute a.test\nupstream a`);
  return new IssuerChoice(issuers).for(provider, names.split(' ')).map(({ name }) => name);
}

describe('the issuers', () => {
  it.each([
    ['without a section', '', ['letsencrypt all', 'internal private']],
    ['with one', 'issuer le', ['le all', 'internal private']],
    ['in order of appearance', 'issuer b\nissuer a', ['b all', 'a all', 'internal private']],
    ['with a section for the local CA', 'issuer internal\nissuer le', ['le all', 'internal private']],
    [
      'with a second local CA',
      'issuer le\nissuer lab\ntype internal',
      ['le all', 'lab private', 'internal private'],
    ],
    [
      'in the order that is wished',
      'global\nissuers a b\nissuer b\nissuer a\nissuer c',
      ['a all', 'b all', 'c named', 'internal private'],
    ],
    [
      'with the local CA among the preferred',
      'global\nissuers letsencrypt internal',
      ['letsencrypt all', 'internal all'],
    ],
    [
      "with Tailscale, which is for its own names only: Let's Encrypt stays",
      'issuer tailnet\ntype tailscale',
      ['letsencrypt all', 'tailnet tailnet', 'internal private'],
    ],
    [
      'with Tailscale wherever it is preferred',
      'global\nissuers tailnet b\nissuer a\nissuer b\nissuer tailnet\ntype tailscale',
      ['b all', 'a named', 'tailnet tailnet', 'internal private'],
    ],
    ['with names in any case', 'global\nissuers LE\nissuer Le', ['le all', 'internal private']],
  ])('%s', (_, text, expected) => {
    expect(issuersOf(text)).toEqual(expected);
  });

  it('have defaults', () => {
    const [acme, internal] = valid('').issuers;
    expect(acme).toEqual({
      name: 'letsencrypt',
      scope: 'all',
      type: 'acme',
      keyType: 'p256',
      directory: 'https://acme-v02.api.letsencrypt.org/directory',
      email: null,
      eab: null,
      profile: null,
      preferredChain: null,
      mustStaple: false,
      challenges: [{ type: 'http-01' }, { type: 'tls-alpn-01' }],
      caRoot: null,
      resolvers: [],
      propagation: { mode: 'check', delayMs: 10_000, timeoutMs: 120_000 },
      requestRate: 18,
      obtainIntervalMs: 0,
      timeoutMs: 600_000,
      ocsp: null,
      socket: null,
    });
    expect(internal).toMatchObject({ name: 'internal', type: 'internal', directory: null, challenges: [] });
  });

  it('do not use http-01 by themselves when there is no plain listener', () => {
    const text = 'global\nhttp off\nissuer le\nroute a.example.com\nupstream a';
    expect(valid(text).issuers[0]?.challenges).toEqual([{ type: 'tls-alpn-01' }]);
    expect(codesOf(text)).toEqual([]);
    expect(problemsOf(text.replace('issuer le', 'issuer le\nchallenge http-01'))).toEqual([
      '4:1 challenge-needs-http',
    ]);
  });
});

describe('Tailscale', () => {
  const section = 'issuer tailnet\ntype tailscale';

  it.each([
    ['box.tail1.ts.net', ['tailnet']],
    ['www.example.com', ['letsencrypt']],
    ['box', ['internal']],
    ['box.tail1.ts.net www.example.com', ['letsencrypt']],
  ])('is asked for names of the tailnet alone: %s', (names, expected) => {
    expect(chosen(section, names)).toEqual(expected);
  });

  it('is asked for any name by those who name it', () => {
    expect(chosen(section, 'box.headscale.example', 'tailnet')).toEqual(['tailnet']);
  });

  it('is not asked where there is no such issuer', () => {
    expect(chosen('', 'box.tail1.ts.net')).toEqual(['letsencrypt']);
  });

  it('has the socket of the tailnet that is served, unless it has its own', () => {
    const text = `global\ntailscale /run/a.sock\n${section}\nissuer other\ntype tailscale\nsocket /run/b.sock`;
    const sockets = valid(text).issuers.map(({ socket }) => socket);
    expect(sockets.filter((socket) => socket !== null)).toEqual(['/run/a.sock', '/run/b.sock']);
  });

  it.each([
    ['route box.t.ts.net\nupstream a', []],
    ['route box.t.ts.net www.example.com\nupstream a', ['tailscale-needs-one-name']],
    ['route box.t.ts.net www.example.com\nupstream a\nprovider letsencrypt', []],
    ['route a.example.com b.example.com\nupstream a\nprovider tailnet', ['tailscale-needs-one-name']],
    ['route box.t.ts.net b.t.ts.net\nupstream a\nsubject box.t.ts.net', ['subject-misses-name']],
    ['route *.box.t.ts.net\nupstream a', []],
  ])('certifies one name at a time: %j', (route, expected) => {
    expect(codesOf(`${section}\n${route}`)).toEqual(expected);
  });
});

describe('the issuers of a certificate', () => {
  const corp = 'issuer corp\ndirectory https://ca.corp.internal/acme';

  it.each([
    ['a public name, without sections', '', 'a.example.com', ['letsencrypt']],
    ['a private name, without sections', '', 'a.test', ['internal']],
    ['both, without sections', '', 'a.example.com localhost', ['internal']],
    ['a private address', '', '192.168.1.1', ['internal']],
    ['a public name', 'issuer a\nissuer b', 'a.example.com', ['a', 'b']],
    ['a private name', 'issuer a\nissuer b', 'a.test', ['internal']],
    ['a private name and an ACME server inside', `${corp}\nissuer le`, 'a.internal', ['corp', 'internal']],
    ['a public name and an ACME server inside', `${corp}\nissuer le`, 'a.example.com', ['corp', 'le']],
    [
      'a private name and a CA with a root of its own',
      'issuer x\ndirectory https://ca.example.com\nca-root r.pem',
      'a.test',
      ['x', 'internal'],
    ],
    ['a public name and only the local CA', 'issuer internal', 'a.example.com', ['internal']],
    [
      'a public name, the local CA being preferred too',
      'global\nissuers letsencrypt internal',
      'a.example.com',
      ['letsencrypt', 'internal'],
    ],
    [
      'a public name, one issuer being left out',
      'global\nissuers a\nissuer a\nissuer b',
      'a.example.com',
      ['a'],
    ],
  ])('%s', (_, text, names, expected) => {
    expect(chosen(text, names)).toEqual(expected);
  });

  it('are the one that the route names', () => {
    expect(chosen('global\nissuers a\nissuer a\nissuer b', 'a.example.com', 'b')).toEqual(['b']);
  });
});

describe('provider', () => {
  const provider = (word: string, sections = '') =>
    valid(`${sections}\nroute a.example.com\nupstream a\nprovider ${word}`).routes[0]?.provider;

  it.each([
    ['the first ACME issuer', 'lego', 'issuer lab\ntype internal\nissuer b\nissuer a', 'b'],
    ['the local CA', 'selfsigned', 'issuer a', 'internal'],
    ['the local CA by its name', 'INTERNAL', 'issuer a', 'internal'],
    ['an issuer named like a word of Centauri', 'lego', 'issuer a\nissuer lego', 'lego'],
    ['an issuer that is not preferred', 'b', 'global\nissuers a\nissuer a\nissuer b', 'b'],
  ])('means %s', (_, word, sections, expected) => {
    expect(provider(word, sections)).toBe(expected);
  });

  it.each([
    ['no issuer', 'route a.test\nupstream a\nprovider nobody', '3:10 unknown-issuer'],
    ['no ACME issuer', 'issuer internal\nroute a.test\nupstream a\nprovider lego', '4:10 unknown-issuer'],
    [
      'an issuer of a route that nobody reaches',
      'route a.test\nupstream a\nprovider x\nroute a.test\nupstream a',
      '3:10 unknown-issuer',
    ],
  ])('may mean %s', (_, text, problem) => {
    expect(problemsOf(text)).toContain(problem);
  });
});

describe('warnings about certificates', () => {
  it.each([
    ['a wildcard without dns-01', 'route *.example.com\nupstream a', ['1:7 wildcard-needs-dns-01']],
    ['a wildcard with dns-01', `issuer a\n${DNS}\nroute *.example.com\nupstream a`, []],
    [
      'a wildcard with dns-persist-01',
      'issuer a\nchallenge dns-persist-01\nroute *.example.com\nupstream a',
      [],
    ],
    [
      'a wildcard and a second issuer with dns-01',
      `issuer a\nissuer b\n${DNS}\nroute *.example.com\nupstream a`,
      [],
    ],
    ['a wildcard of the local CA', 'route *.example.com\nupstream a\nprovider internal', []],
    ['a private wildcard', 'route *.example.test\nupstream a', []],
    [
      'a wildcard among the subjects',
      'route a.example.com\nupstream a\nsubject *.example.com',
      ['1:1 wildcard-needs-dns-01'],
    ],
    [
      'a wildcard domain, once',
      'global\nwildcard-domains example.com\nroute a.example.com\nupstream a\nroute b.example.com\nupstream a',
      ['2:18 wildcard-needs-dns-01'],
    ],
    [
      'a subject that leaves a name out',
      'route a.example.com b.example.com\nupstream a\nsubject a.example.com',
      ['1:21 subject-misses-name'],
    ],
    ['public and private names', 'route a.example.com localhost\nupstream a', ['1:1 mixed-names']],
    [
      'public and private names on purpose',
      'route a.example.com localhost\nupstream a\nprovider internal',
      [],
    ],
    [
      'public names and no ACME issuer',
      'issuer internal\nroute a.example.com\nupstream a',
      ['2:1 no-acme-issuer'],
    ],
  ])('%s', (_, text, expected) => {
    expect(problemsOf(text)).toEqual(expected);
  });

  it('do not stop anything', () => {
    expect(valid('route *.example.com 192.0.2.1 localhost\nupstream a').routes.length).toBe(1);
  });
});
