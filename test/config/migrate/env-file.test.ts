import { describe, expect, it } from 'vitest';
import { parseEnvFile } from '../../../src/config/migrate/env-file.ts';
import { parseGoBool, parseGoDuration } from '../../../src/config/migrate/go-values.ts';

describe('an environment file', () => {
  it.each<[string, Record<string, string>]>([
    ['A=1\nB=two words\n', { A: '1', B: 'two words' }],
    ['# c\n; d\n\n  A=1  \r\nB=2\r\n', { A: '1', B: '2' }],
    ['export A=1', { A: '1' }],
    [`A="x \\"y\\" \\$z"\nB='a "b"'`, { A: 'x "y" $z', B: 'a "b"' }],
    ['A=x=y#z', { A: 'x=y#z' }],
    ['A=', { A: '' }],
    ['A=1\nA=2', { A: '2' }],
    ['A=one \\\n  two\nB=3', { A: 'one two', B: '3' }],
    ['\ufeffA=1', { A: '1' }],
    ['A="open', { A: '"open' }],
  ])('%j', (text, variables) => {
    expect(parseEnvFile(text)).toEqual({ variables, unread: [] });
  });

  it('says which lines it could not read', () => {
    expect(parseEnvFile('A=1\nnonsense\n=3\n1A=2\n')).toEqual({ variables: { A: '1' }, unread: [2, 3, 4] });
  });
});

describe('values as Go reads them', () => {
  it.each<[string, number | null]>([
    ['10s', 10_000],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['.5s', 500],
    ['500ms', 500],
    ['2000us', 2],
    ['0', 0],
    ['-5s', -5000],
    ['+5s', 5000],
    ['5', null],
    ['', null],
    ['1d', null],
    ['5s ', null],
  ])('the time %j', (text, ms) => {
    expect(parseGoDuration(text)).toBe(ms);
  });

  it.each([
    ['1', true],
    ['T', true],
    ['true', true],
    ['FALSE', false],
    ['0', false],
    ['yes', null],
    ['tRue', null],
  ])('the truth value %j', (text, value) => {
    expect(parseGoBool(text)).toBe(value);
  });
});
