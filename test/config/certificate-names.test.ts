import { expect, it } from 'vitest';
import { certificateNames } from '../../src/config/issuer-choice.ts';

it.each<[string, { names: string; subjects?: string }, string, string]>([
  ['are those of the route', { names: 'a.com www.a.com' }, '', 'a.com www.a.com'],
  ['are the subjects if there are any', { names: 'a.com', subjects: 'b.com c.com' }, '', 'b.com c.com'],
  ['become the wildcard below its domain', { names: 'x.a.com y.a.com' }, 'a.com', '*.a.com'],
  [
    'stay at the domain itself and two labels below',
    { names: 'a.com x.y.a.com' },
    'a.com',
    'a.com x.y.a.com',
  ],
  ['may be both', { names: 'a.com x.a.com' }, 'a.com', 'a.com *.a.com'],
  ['become it among the subjects', { names: 'z.com', subjects: 'x.a.com' }, 'a.com', '*.a.com'],
  ['are there once each', { names: 'a.com b.com a.com' }, '', 'a.com b.com'],
  ['may be a wildcard already', { names: '*.a.com' }, 'a.com', '*.a.com'],
])('the names of a certificate %s', (_, { names, subjects = '' }, domains, expected) => {
  const route = { names: words(names), subjects: words(subjects) };
  expect(certificateNames(route, new Set(words(domains))).join(' ')).toBe(expected);
});

function words(text: string): string[] {
  return text === '' ? [] : text.split(' ');
}
