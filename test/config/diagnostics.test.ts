import { describe, expect, it } from 'vitest';
import { parse, problemsOf, valid } from './parse-text.ts';

describe('a file with many mistakes', () => {
  const text = `http :80
global
  htp :8080
  log loud json now
issuer le
  email nobody
  challenge dns-01 cloudfare token=x
route example.com:80 good.example.com
  upsteam app:8080
  on_error 302 errors
  header remove Server
  provider letsencript
`;

  it('has each of them reported, where it is', () => {
    expect(problemsOf(text)).toEqual([
      '1:1 outside-section',
      '3:3 unknown-directive',
      '4:7 invalid-keyword',
      '4:17 extra-argument',
      '6:9 invalid-email',
      '7:20 invalid-keyword',
      '8:1 no-upstream',
      '8:7 invalid-name',
      '9:3 unknown-directive',
      '10:12 invalid-status',
      '11:10 invalid-keyword',
      '12:12 unknown-issuer',
    ]);
  });

  it('has a way out for each of them', () => {
    const hints = parse(text).diagnostics.map(({ hint }) => hint);
    expect(hints).toEqual([
      'put it below a line "global"',
      'did you mean "http"?',
      null,
      'write it like: log debug|info|warn|error [text|json]',
      'write it like admin@example.com',
      'did you mean "cloudflare"?',
      'add a line like: upstream localhost:8080',
      'did you mean "example.com"?',
      'did you mean "upstream"?',
      'only answers with these can be replaced',
      'did you mean "delete"?',
      'name an issuer section, or internal for the local CA',
    ]);
  });

  it('gives no configuration', () => {
    expect(parse(text).config).toBeNull();
  });
});

describe('places', () => {
  it.each([
    [
      'are counted in code points',
      'route a.com\nupstream a\nheader add X 😀😀\n😀 x\nroute 😀.😀 b.com:1',
      ['4:1 unknown-directive', '5:1 no-upstream', '5:11 invalid-name'],
    ],
    ['count a tab as one', 'route a.com\n\t\tupstrem a', ['1:1 no-upstream', '2:3 unknown-directive']],
    ['do not count a byte order mark', '\ufeffrute a.com', ['1:1 unknown-directive']],
    ['are the same with CRLF', 'route a.com\r\nupstream a\r\n\r\nfoo\r\n', ['4:1 unknown-directive']],
    ['take a lone CR for white space', 'route a.com\rupstream a', ['1:1 no-upstream']],
    ['do not need a final line end', 'route a.com', ['1:1 no-upstream']],
  ])('%s', (_, text, expected) => {
    const found = problemsOf(text);
    for (const problem of expected) expect(found).toContain(problem);
  });
});

describe('sections', () => {
  it.each([
    ['a directive of another section', 'global\nemail a@example.com', '2:1 wrong-section'],
    ['a setting in a route', 'route a.com\nupstream a\nhttp :80', '3:1 wrong-section'],
    ['an issuer without name', 'issuer', '1:1 missing-argument'],
    ['an issuer with two names', 'issuer a b', '1:10 extra-argument'],
    ['an issuer with a name that cannot be a folder', 'issuer ../x', '1:8 invalid-text'],
    ['two issuers with a name', 'issuer a\nissuer A', '2:8 duplicate-issuer'],
    ['an ACME issuer named internal', 'issuer internal\ntype acme', '2:1 reserved-issuer'],
    ['words behind global', 'global x', '1:8 extra-argument'],
    ['an unknown word', 'server a', '1:1 unknown-directive'],
    [
      'a responder without a URL',
      'issuer acme\nissuer a\ntype internal\nocsp unix:/run/ocsp.sock',
      '4:6 unnamed-responder',
    ],
    ['ocsp of an ACME issuer', 'issuer a\nocsp :9181', '2:1 wrong-issuer-type'],
  ])('%s', (_, text, problem) => {
    expect(problemsOf(`${text}\nroute a.example.com\nupstream a`)).toEqual([problem]);
  });

  it('global may stand twice, and its directives still once', () => {
    const text = 'global\nlog info\nroute a.com\nupstream a\nGlobal\nworkers 2\nlog info';
    expect(problemsOf(text)).toEqual(['7:1 duplicate-directive']);
  });

  it('the lines of a section that cannot be used are checked all the same', () => {
    expect(problemsOf('issuer ../x\nemail y\nroute\nfoo')).toEqual([
      '1:8 invalid-text',
      '2:7 invalid-email',
      '3:1 no-names',
      '3:1 no-upstream',
      '4:1 unknown-directive',
    ]);
  });
});

describe('limits', () => {
  const route = 'route a.example.com\nupstream a\n';

  it('a text of 16 MiB', () => {
    const space = (bytes: number) => ' '.repeat(bytes - route.length) + route;
    expect(problemsOf(space(16 * 1024 * 1024 + 1))).toEqual(['0:0 file-too-large']);
    expect(problemsOf(`${route}${'#\n'.repeat(100)}`)).toEqual([]);
  });

  it('a line of 64 KiB, in bytes', () => {
    const line = (value: string) => `${route}header add X ${value}`;
    expect(problemsOf(line('a'.repeat(65_536 - 13)))).toEqual([]);
    expect(problemsOf(line('a'.repeat(65_536 - 12)))).toEqual(['3:1 line-too-long']);
    expect(problemsOf(line('é'.repeat(32_762)))).toEqual(['3:1 line-too-long']);
  });

  it('a line that opens a section and is too long is one problem', () => {
    expect(problemsOf(`route ${'a.com '.repeat(11_000)}\nupstream a\nredirect-to-primary`)).toEqual([
      '1:1 line-too-long',
    ]);
  });

  it('100 000 routes', () => {
    const routes = Array.from({ length: 100_001 }, (_, index) => `route a${index}.test\nupstream a`);
    expect(problemsOf(`${routes.join('\n')}\nfoo`)).toEqual(['200001:1 too-many-routes']);
  });

  it('10 000 problems', () => {
    const { diagnostics } = parse('x\n'.repeat(10_005));
    expect(diagnostics.length).toBe(10_001);
    expect(diagnostics[0]).toMatchObject({ line: 0, code: 'too-many-problems', severity: 'error' });
  });

  it('and nothing is read in vain after that', () => {
    const { diagnostics } = parse(`${'x\n'.repeat(1_000_000)}route a.test`);
    expect(diagnostics.at(-1)).toMatchObject({ line: 10_000 });
  });

  it('many warnings are no error', () => {
    const { config, diagnostics } = parse(`route a.com\n${'upstream\n'.repeat(10_005)}`);
    expect(config).not.toBeNull();
    expect(diagnostics[0]).toMatchObject({ code: 'too-many-problems', severity: 'warning' });
  });

  it('an error after too many warnings is an error', () => {
    const { config, diagnostics } = parse(`route a.com\n${'upstream\n'.repeat(10_005)}foo`);
    expect(config).toBeNull();
    expect(diagnostics[0]).toMatchObject({ code: 'too-many-problems', severity: 'error' });
  });
});

describe('messages', () => {
  it('are harmless to a terminal, on one line, and not long', () => {
    const { diagnostics } = parse(`route \u001b]0;x\u0007\u202e${'a'.repeat(1000)}\nupstream a\n\u001b[2J`);
    for (const { message, hint } of diagnostics) {
      expect(message + (hint ?? '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      expect(message.length).toBeLessThan(300);
    }
    expect(diagnostics.length).toBe(2);
  });

  it('never hold the value of a variable', () => {
    const text = `global\nstore redis \${A}\nhttp \${A}\nissuer x\neab kid \${A}\nemail a\${A}\nchallenge dns-01 rfc2136 secret=\${A} server=\${A}`;
    const { diagnostics } = parse(text, { env: { A: 'hunter2!' } });
    expect(diagnostics.map(({ line }) => line)).toEqual([0, 2, 3, 5, 6, 7, 7]);
    expect(JSON.stringify(diagnostics)).not.toContain('hunter2');
  });

  it('do not quote secrets that are written down either', () => {
    const { diagnostics } = parse('global\nstore redis http://u:hunter2@h\nissuer x\neab kid hunter2!');
    expect(diagnostics.length).toBe(2);
    expect(JSON.stringify(diagnostics)).not.toContain('hunter2');
  });
});

describe('the configuration', () => {
  it('cannot be changed', () => {
    const config = valid('issuer a\nchallenge http-01\nroute a.com\nupstream a\nheader delete X');
    const parts = [
      config,
      config.global.http,
      config.issuers[0]?.challenges[0],
      config.routes[0]?.headerRules,
    ];
    for (const part of parts) expect(Object.isFrozen(part)).toBe(true);
  });
});
