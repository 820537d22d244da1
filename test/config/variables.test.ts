import { describe, expect, it } from 'vitest';
import { parse, problemsOf, valid } from './parse-text.ts';

const ROUTE = 'route a.example.com\n  upstream app:8080\n  provider internal';

function issuer(line: string): string {
  return `issuer ca\n${line}\n${ROUTE}`;
}

function chainOf(line: string, env: Record<string, string>): string | null | undefined {
  return valid(issuer(line), { env: { HOME: '/', ...env } }).issuers[0]?.preferredChain;
}

describe('a variable', () => {
  it.each([
    ['is replaced', `\${A}`, { A: 'x' }, 'x'],
    ['may stand in a word', `a\${A}b\${B}`, { A: '1', B: '2' }, 'a1b2'],
    ['may be empty', `a\${A}b`, { A: '' }, 'ab'],
    ['has a default when it is not set', `\${A:-x}`, {}, 'x'],
    ['has a default when it is empty', `\${A:-x}`, { A: '' }, 'x'],
    ['is preferred to its default', `\${A:-x}`, { A: 'y' }, 'y'],
    ['may have a default with spaces and #', `\${A:-x  # y}`, {}, 'x  # y'],
    ['is not split', `\${A}`, { A: 'x  y' }, 'x  y'],
    ['is no comment', `\${A}`, { A: '# x' }, '# x'],
    ['is not replaced again', `\${A}`, { A: `\${B} "x" \\` }, `\${B} "x" \\`],
    ['is replaced in quotes', `"a \${A}"`, { A: 'b' }, 'a b'],
    ['is none after a backslash in quotes', `"\\\${A}"`, {}, `\${A}`],
    ['is none without braces', '$A', {}, '$A'],
  ])('%s', (_, written, env, expected) => {
    expect(chainOf(`preferred-chain ${written}`, env)).toBe(expected);
  });

  it.each([
    ['that is not set', `email \${A}`, '2:7 variable-unset'],
    ['that only every object has', `email \${constructor}`, '2:7 variable-unset'],
    ['with a line end in its value', `email \${NEWLINE}`, '2:7 invalid-variable'],
    ['with a name that is none', `email \${1A}`, '2:7 invalid-variable'],
    ['without a name', `email x\${}`, '2:8 invalid-variable'],
    ['that is not closed', `email x\${A`, '2:8 unterminated'],
    ['in a quoted text that is not closed', `email "\${A:-b}`, '2:7 unterminated'],
  ])('%s is an error', (_, line, problem) => {
    expect(problemsOf(issuer(line), { env: { HOME: '/', NEWLINE: 'x\n' } })).toEqual([problem]);
  });

  it('is not replaced in a route', () => {
    const text = `route a.com\nupstream \${A}:80\nheader add X \${A}\nsubject \${A}`;
    const { diagnostics } = parse(text, { env: { HOME: '/', A: 'secret' } });
    expect(diagnostics.map(({ code }) => code)).toEqual(['unusable-upstream', 'unusable-subject']);
  });

  it('is not replaced in the name of an issuer', () => {
    expect(problemsOf(`issuer \${A}\n${ROUTE}`, { env: { HOME: '/', A: 'a' } })).toEqual([
      '1:8 invalid-text',
    ]);
  });
});

describe('a check without the environment of the daemon', () => {
  const check = (text: string, needed: readonly string[] = []) =>
    parse(text, { mode: 'check', env: {}, needed });

  it('warns of variables that are not set, and of nothing that follows from it', () => {
    const lines = [
      'global',
      `http \${HTTP}`,
      `store redis \${REDIS}`,
      `workers \${N}`,
      'issuer ca',
      `directory \${URL}`,
      `email \${MAIL}`,
      `eab \${KID} \${HMAC}`,
      `challenge dns-01 cloudflare token=\${TOKEN} ttl=\${TTL}`,
      `propagation check timeout=\${T}`,
      'route *.example.com',
      'upstream a',
    ];
    const { config, diagnostics } = check(lines.join('\n'));
    expect(config).not.toBeNull();
    const others = diagnostics.filter(({ code }) => code !== 'variable-unset');
    expect(others.map(({ code }) => code)).toEqual(['no-store-directory']);
    expect(diagnostics.every(({ severity }) => severity === 'warning')).toBe(true);
    expect(diagnostics.length).toBe(11);
    expect(config?.issuers[0]?.challenges).toMatchObject([{ type: 'dns-01', provider: 'cloudflare' }]);
  });

  it('is an error all the same in what the caller goes by', () => {
    const text = `global\nstore redis redis://:\${PASSWORD}@redis\nworkers \${N}\nroute a.com\nupstream a`;
    const { config, diagnostics } = check(text, ['store']);
    expect(config).toBeNull();
    expect(diagnostics.map(({ line, code, severity }) => [line, code, severity])).toEqual([
      [0, 'no-store-directory', 'error'],
      [2, 'variable-unset', 'error'],
      [3, 'variable-unset', 'warning'],
    ]);
  });

  it('still finds what is wrong with the rest of the line', () => {
    const text = `issuer ca\nchallenge dns-01 cloudflare token=\${T} tll=60\nroute a.com\nupstream a`;
    expect(check(text).diagnostics.map(({ code }) => code)).toContain('unknown-option');
  });

  it('does not ask for options that may come from the environment', () => {
    const { config, diagnostics } = check('issuer ca\nchallenge dns-01 cloudflare\nroute a.com\nupstream a');
    expect(config).not.toBeNull();
    expect(diagnostics).toContainEqual(
      expect.objectContaining({ code: 'missing-option', severity: 'warning' }),
    );
  });
});

describe('quotes', () => {
  it.each([
    ['keep spaces', '"a  b"', 'a  b'],
    ['keep #', '"# a"', '# a'],
    ['may stand inside of a word', 'a"b c"d', 'ab cd'],
    ['may hold quotes and backslashes', '"a\\"b\\\\c\\d"', 'a"b\\c\\d'],
  ])('%s', (_, written, expected) => {
    expect(chainOf(`preferred-chain ${written}`, {})).toBe(expected);
  });
});

describe('comments', () => {
  it.each([
    ['global # note\nlog info # note\n', { level: 'info' }],
    ['global\nlog info #note', { level: 'info' }],
    ['#global\nglobal\n#log debug\nlog info', { level: 'info' }],
  ])('%j', (text, log) => {
    expect(valid(`${text}\n${ROUTE} # note`).global.log).toMatchObject(log);
  });

  it('do not begin inside of a word', () => {
    expect(valid(`global\nstore file /a#b\n${ROUTE}`).global.store).toMatchObject({ dir: '/a#b' });
  });
});
