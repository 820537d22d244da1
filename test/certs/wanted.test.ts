import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type WantedInput, wantedCertificates } from '../../src/certs/wanted.ts';

type Route = WantedInput['routes'][number];

function route(names: string, parts: Partial<Route> = {}): Route {
  return { names: names.split(' '), subjects: [], provider: null, ...parts };
}

function input(routes: readonly Route[], parts: Partial<WantedInput> = {}): WantedInput {
  const issuers = [
    { name: 'letsencrypt', type: 'acme' },
    { name: 'internal', type: 'internal' },
  ] as const;
  return { routes, wildcardDomains: [], issuers, implicitIssuers: true, ...parts };
}

/** `id: names` of every wanted certificate. */
function summary(given: WantedInput): string[] {
  return wantedCertificates(given).wanted.map(({ id, names }) => `${id}: ${names.join(' ')}`);
}

describe('the names of a certificate', () => {
  it.each<[string, Route, readonly string[], string]>([
    ['are those of the route', route('a.com www.a.com'), [], 'a.com: a.com www.a.com'],
    [
      'are the subjects if there are any',
      route('a.com', { subjects: ['b.com', 'c.com'] }),
      [],
      'b.com: b.com c.com',
    ],
    ['become the wildcard below its domain', route('x.a.com y.a.com'), ['a.com'], '*.a.com: *.a.com'],
    ['become it with a leading dot too', route('x.a.com'), ['.a.com'], '*.a.com: *.a.com'],
    [
      'stay at the domain itself and two labels below',
      route('a.com x.y.a.com'),
      ['a.com'],
      'a.com: a.com x.y.a.com',
    ],
    ['may be both', route('a.com x.a.com'), ['a.com'], 'a.com: a.com *.a.com'],
    [
      'become it among the subjects',
      route('z.com', { subjects: ['x.a.com'] }),
      ['a.com'],
      '*.a.com: *.a.com',
    ],
    ['are there once each', route('a.com b.com a.com'), [], 'a.com: a.com b.com'],
    ['may be a wildcard already', route('*.a.com'), ['a.com'], '*.a.com: *.a.com'],
  ])('%s', (_, given, wildcardDomains, expected) => {
    expect(summary(input([given], { wildcardDomains }))).toEqual([expected]);
  });
});

describe('the ids', () => {
  it('are shared by routes with the same names, in any order', () => {
    const given = input([route('a.com b.com'), route('b.com a.com'), route('c.com')]);
    expect(wantedCertificates(given).idOfRoute).toEqual(['a.com', 'a.com', 'c.com']);
    expect(summary(given)).toHaveLength(2);
  });

  it('have a suffix where the first name is taken', () => {
    const { idOfRoute, wanted } = wantedCertificates(input([route('a.com'), route('a.com b.com')]));
    expect(idOfRoute[0]).toBe('a.com');
    expect(idOfRoute[1]).toMatch(/^a\.com~[0-9a-f]{8}$/);
    expect(wanted.map(({ id }) => id)).toEqual(idOfRoute);
  });

  it('differ for the same names from another issuer', () => {
    const given = input([route('a.com'), route('a.com', { provider: 'internal' })]);
    expect(new Set(wantedCertificates(given).idOfRoute).size).toBe(2);
  });

  it('lead every route to a certificate with its names, whatever the routes are', () => {
    const name = fc.constantFrom('a.com', 'b.com', 'x.a.com', 'y.a.com', '*.a.com', 'x.y.a.com');
    const routes = fc.array(fc.array(name, { minLength: 1 }).map((names) => route(names.join(' '))));
    fc.assert(
      fc.property(routes, fc.subarray(['a.com', 'b.com']), (routes, wildcardDomains) => {
        const { wanted, idOfRoute } = wantedCertificates(input(routes, { wildcardDomains }));
        expect(new Set(wanted.map(({ id }) => id)).size).toBe(wanted.length);
        for (const [index, { names }] of routes.entries()) {
          const found = wanted.find(({ id }) => id === idOfRoute[index])?.names ?? [];
          const covered = names.every(
            (each) => found.includes(each) || found.includes(each.replace(/^[^.]+/, '*')),
          );
          expect(covered).toBe(true);
          expect(new Set(found).size).toBe(found.length);
        }
      }),
    );
  });
});

describe('the issuers', () => {
  const issuersOf = (given: WantedInput) => wantedCertificates(given).wanted.map(({ issuers }) => issuers);

  it('without a section: the CA for public names, the internal one for the rest', () => {
    const names = ['a.com', 'localhost', 'x.test', 'a.com localhost', '10.0.0.1'];
    expect(issuersOf(input(names.map((each) => route(each))))).toEqual([
      ['letsencrypt'],
      ['internal'],
      ['internal'],
      ['internal'],
      ['internal'],
    ]);
  });

  it('with sections: all of them in their order', () => {
    expect(issuersOf(input([route('a.com'), route('localhost')], { implicitIssuers: false }))).toEqual([
      ['letsencrypt', 'internal'],
      ['letsencrypt', 'internal'],
    ]);
  });

  it('with a provider: that one', () => {
    expect(issuersOf(input([route('a.com', { provider: 'internal' })]))).toEqual([['internal']]);
  });
});
