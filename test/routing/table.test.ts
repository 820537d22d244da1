import { describe, expect, it } from 'vitest';
import type { Route } from '../../src/routing/route.ts';
import { RoutingTable } from '../../src/routing/table.ts';

describe('RoutingTable', () => {
  const exact = route('example.com', 'www.example.com');
  const wildcard = route('*.example.com');
  const other = route('other.test');

  it('prefers an exact name to a wildcard, and a wildcard to the fallback', () => {
    const table = new RoutingTable([wildcard, exact, other], 2);
    expect(table.match('www.example.com')).toBe(exact);
    expect(table.match('api.example.com')).toBe(wildcard);
    expect(table.match('unknown.test')).toBe(other);
  });

  it('lets a wildcard stand for exactly one label', () => {
    const table = new RoutingTable([wildcard]);
    expect(table.match('a.b.example.com')).toBeNull();
    expect(table.match('example.com')).toBeNull();
    expect(table.match('.example.com')).toBeNull();
  });

  it('answers nothing for unknown hosts without a fallback', () => {
    expect(new RoutingTable([exact]).match('unknown.test')).toBeNull();
    expect(new RoutingTable([]).match('example.com')).toBeNull();
  });

  it('lets the later of two routes with one name win', () => {
    const later = route('example.com');
    expect(new RoutingTable([exact, later]).match('example.com')).toBe(later);
  });

  it('tells named hosts from those that only the fallback answers', () => {
    const table = new RoutingTable([exact, other], 1);
    expect(table.named('unknown.test')).toBeNull();
    expect(table.named('other.test')).toBe(other);
    expect(table.fallbackIndex).toBe(1);
  });
});

function route(...names: string[]): Route {
  return {
    label: names[0] ?? '',
    primary: names[0] ?? '',
    names,
    certificate: names[0] ?? '',
    upstreams: [{ scheme: 'http', host: 'localhost', port: 80 }],
    errorPages: [],
    headerRules: [],
    redirectToPrimary: false,
  };
}
