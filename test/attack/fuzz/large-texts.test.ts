import { expect, it } from 'vitest';
import { splitPem } from '../../../src/x509/pem.ts';
import { parse } from '../../config/parse-text.ts';

/*
 * A mebibyte of anything is read in seconds: whatever took a time that grows with the square of it would not be done
 * by the end of this test.
 */
const MIB = 2 ** 20;
const fill = (text: string) => text.repeat(Math.ceil(MIB / text.length));

it.each([
  ['one word', fill('a')],
  ['one word behind a directive', `route ${fill('a')}`],
  ['white space', fill(' ')],
  ['white space behind a directive', `global\nhttp${fill(' ')}`],
  ['tabs and carriage returns', fill('\t\r')],
  ['empty lines', fill('\n')],
  ['short lines', fill('x\n')],
  ['routes', fill('route a\nupstream b\n')],
  [
    'routes of different names',
    Array.from({ length: 30_000 }, (_, n) => `route n${n}.test\nupstream b`).join('\n'),
  ],
  [
    'names of one route',
    `route ${Array.from({ length: 80_000 }, (_, n) => `n${n}.test`).join(' ')}\nupstream b`,
  ],
  ['names alike', `route ${fill('a.test ')}\nupstream b`],
  ['directives that are nearly one', fill('upstraem a\n')],
  ['words that are nearly a directive', `global\n${fill('acess-log-stdou')}`],
  ['variables', `global\n${fill(`log \${A}\n`)}`],
  ['a variable without end', `global\nlog \${${fill('A')}`],
  ['variables in variables', `global\nlog ${fill(`\${A:-`)}`],
  ['quotes', `route ${fill('"')}`],
  ['backslashes', `route ${fill('\\')}`],
  ['a header rule', `route a.test\nupstream b\nheader add X ${fill('y z ')}`],
  ['header rules', `route a.test\nupstream b\n${fill('header add X y\n')}`],
  ['addresses', `global\ntrusted-proxies ${fill('10.0.0.0/8 ')}`],
  ['colons', `global\nhttp ${fill(':')}`],
  ['dots', `route ${fill('.')}`],
  ['labels', `route ${fill('a.')}`],
  ['hyphens', `route ${fill('-')}.test`],
  ['letters of other scripts', `route ${fill('ü')}`],
  ['NUL', fill('\0')],
  [
    'issuers',
    `${Array.from({ length: 20_000 }, (_, n) => `issuer i${n}\nemail a@b.test`).join('\n')}\nroute a.test\nupstream b`,
  ],
])(
  'a configuration of a mebibyte is read: %s',
  (_, text) => {
    const { config, diagnostics } = parse(text, { mode: 'check' });
    expect(config !== null || diagnostics.length > 0).toBe(true);
  },
  60_000,
);

it.each([
  ['beginnings', fill('-----BEGIN A-----\n')],
  ['one beginning and base64', `-----BEGIN A-----\n${fill('AAAA')}`],
  ['a label without end', `-----BEGIN ${fill('A')}`],
  ['hyphens', fill('-')],
  ['ends', `-----BEGIN A-----${fill('-----END B-----')}`],
  ['white space', `-----BEGIN A-----${fill('\n ')}`],
])('a PEM text of a mebibyte is read: %s', (_, text) => {
  expect(splitPem(text)).toEqual([]);
});
