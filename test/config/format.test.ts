import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import type { Diagnostic } from '../../src/config/diagnostics.ts';
import { formatGithub } from '../../src/config/format/github.ts';
import { formatJson } from '../../src/config/format/json.ts';
import { formatSarif } from '../../src/config/format/sarif.ts';
import { formatText, placeOf } from '../../src/config/format/text.ts';
import { parse } from './parse-text.ts';

const problem: Diagnostic = {
  file: 'conf/rigil.conf',
  line: 3,
  column: 7,
  severity: 'error',
  code: 'invalid-name',
  message: '"a:1" is not a host name',
  hint: 'did you mean "a"?',
};
const whole: Diagnostic = {
  ...problem,
  line: 0,
  column: 0,
  severity: 'warning',
  code: 'no-routes',
  hint: null,
};

describe('text', () => {
  it('is what editors and people understand', () => {
    expect(formatText(problem)).toEqual([
      'conf/rigil.conf:3:7: error: "a:1" is not a host name [invalid-name]',
      '  hint: did you mean "a"?',
    ]);
    expect(formatText(whole)).toEqual(['conf/rigil.conf: warning: "a:1" is not a host name [no-routes]']);
  });

  it('leaves colours to others', () => {
    const mark = (sign: string) => (text: string) => `${sign}${text}${sign}`;
    const paint = {
      place: mark('p'),
      error: mark('e'),
      warning: mark('w'),
      code: mark('c'),
      hint: mark('h'),
    };
    expect(formatText({ ...problem, file: 'F', message: 'M', hint: 'H' }, paint)).toEqual([
      'pF:3:7:p ee' + 'rror:e M c[invalid-name]c',
      '  hhint:h H',
    ]);
  });

  it('leaves out the column of a whole line', () => {
    expect(placeOf({ file: 'a', line: 2, column: 0 })).toBe('a:2');
  });
});

describe('json', () => {
  it('has all fields and no others', () => {
    const report = formatJson('rigil.conf', parse('route a.test\nupstream\nfoo'));
    expect(report).toEqual({
      valid: false,
      files: ['rigil.conf'],
      routes: 0,
      diagnostics: [
        {
          file: 'rigil.conf',
          line: 2,
          column: 1,
          severity: 'warning',
          code: 'empty-upstream',
          message: 'an upstream is empty; every request sent to it is answered 502',
          hint: 'write it like upstream localhost:8080',
        },
        {
          file: 'rigil.conf',
          line: 3,
          column: 1,
          severity: 'error',
          code: 'unknown-directive',
          message: 'there is no directive "foo"',
          hint: expect.stringContaining('upstream'),
        },
      ],
    });
  });

  it('counts the routes of a valid file', () => {
    const report = formatJson('x', parse('route a.test\nupstream a\nroute b.test\nupstream b'));
    expect(report).toEqual({ valid: true, files: ['x'], routes: 2, diagnostics: [] });
  });
});

describe('github', () => {
  it('is a workflow command', () => {
    expect(formatGithub(problem)).toBe(
      '::error file=conf/rigil.conf,line=3,col=7,title=invalid-name::"a:1" is not a host name%0Ahint: did you mean "a"?',
    );
    expect(formatGithub(whole)).toBe(
      '::warning file=conf/rigil.conf,title=no-routes::"a:1" is not a host name',
    );
  });

  it('escapes what would end a value', () => {
    const line = formatGithub({ ...problem, file: 'a,b:c%\n', message: '100%\r\n::error::x', hint: null });
    expect(line).toBe('::error file=a%2Cb%3Ac%25%0A,line=3,col=7,title=invalid-name::100%25%0D%0A::error::x');
  });
});

describe('sarif', () => {
  const validate = new Ajv({ allErrors: true }).compile(
    JSON.parse(readFileSync(new URL('sarif.schema.json', import.meta.url), 'utf8')),
  );

  function logOf(file: string, diagnostics: readonly Diagnostic[]) {
    const log = formatSarif(file, diagnostics, '1.2.3');
    validate(log);
    expect(validate.errors ?? []).toEqual([]);
    return JSON.parse(JSON.stringify(log)).runs[0];
  }

  it('follows the schema and says all that there is', () => {
    const run = logOf(problem.file, [problem, whole]);
    expect(run.tool.driver).toMatchObject({ name: 'rigil', version: '1.2.3' });
    expect(run.columnKind).toBe('unicodeCodePoints');
    expect(run.results).toMatchObject([
      {
        ruleId: 'invalid-name',
        level: 'error',
        locations: [{ physicalLocation: { region: { startLine: 3, startColumn: 7 } } }],
      },
      { ruleId: 'no-routes', level: 'warning' },
    ]);
    expect(run.results[1].locations[0].physicalLocation.region).toBeUndefined();
    for (const { ruleId, ruleIndex } of run.results) expect(run.tool.driver.rules[ruleIndex].id).toBe(ruleId);
  });

  it('is a whole log without problems too', () => {
    expect(logOf('x', []).results).toEqual([]);
  });

  it.each([
    ['./a b/ä.conf', 'a%20b/%C3%A4.conf'],
    ['../rigil.conf', '../rigil.conf'],
    ['/etc/a%b.conf', 'file:///etc/a%25b.conf'],
    ['<stdin>', '%3Cstdin%3E'],
  ])('names the file %s as a URI', (file, uri) => {
    const run = logOf(file, [{ ...problem, file }]);
    expect(run.results[0].locations[0].physicalLocation.artifactLocation.uri).toBe(uri);
    expect(run.artifacts[0].location.uri).toBe(uri);
  });
});
