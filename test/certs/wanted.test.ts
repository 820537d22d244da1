import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wantedCertificates } from '../../src/certs/wanted.ts';

function route(names: string, issuers: readonly string[] = ['letsencrypt']) {
  return { names: names.split(' '), issuers };
}

describe('the ids of wanted certificates', () => {
  it('are shared by routes with the same names, in any order', () => {
    const { wanted, idOfRoute } = wantedCertificates([
      route('a.com b.com'),
      route('b.com a.com'),
      route('c.com'),
    ]);
    expect(idOfRoute).toEqual(['a.com', 'a.com', 'c.com']);
    expect(wanted).toHaveLength(2);
  });

  it('have a suffix where the first name is taken', () => {
    const { idOfRoute, wanted } = wantedCertificates([route('a.com'), route('a.com b.com')]);
    expect(idOfRoute[0]).toBe('a.com');
    expect(idOfRoute[1]).toMatch(/^a\.com~[0-9a-f]{8}$/);
    expect(wanted.map(({ id }) => id)).toEqual(idOfRoute);
  });

  it('differ for the same names from another issuer', () => {
    expect(new Set(wantedCertificates([route('a.com'), route('a.com', ['internal'])]).idOfRoute).size).toBe(
      2,
    );
  });

  it('lead every route to a certificate with its names, whatever the routes are', () => {
    const name = fc.constantFrom('a.com', 'b.com', 'x.a.com', 'y.a.com', '*.a.com', 'x.y.a.com');
    const routes = fc.array(fc.uniqueArray(name, { minLength: 1 }).map((names) => route(names.join(' '))));
    fc.assert(
      fc.property(routes, (given) => {
        const { wanted, idOfRoute } = wantedCertificates(given);
        const byId = new Map(wanted.map((each) => [each.id, each]));
        expect(byId.size).toBe(wanted.length);
        for (const [index, id] of idOfRoute.entries()) {
          expect(byId.get(id)?.names.toSorted()).toEqual(given[index]?.names.toSorted());
        }
      }),
    );
  });
});
