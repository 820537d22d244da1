import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rigil } from '../e2e/daemon.ts';

const VALID = 'route example.com\n  upstream app:8080\n';
const DOUBTFUL = `${VALID}route example.com\n  upstream other:8080\n`;
const INVALID = 'route example.com:80\n  upsteam app:8080\n';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rigil-commands-'));
  writeFileSync(join(folder, 'valid.conf'), VALID);
  writeFileSync(join(folder, 'doubtful.conf'), DOUBTFUL);
  writeFileSync(join(folder, 'invalid.conf'), INVALID);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs `rigil config …` in the folder with the files. */
function config(args: string, options: { input?: string; env?: NodeJS.ProcessEnv } = {}) {
  return rigil(['config', ...args.split(' ')], { cwd: folder, ...options });
}

describe('rigil config check', () => {
  it('is silent about a valid file, but for a summary', async () => {
    expect(await config('check -c valid.conf')).toEqual({
      code: 0,
      stdout: '',
      stderr: 'valid.conf is valid: 1 route\n',
    });
  });

  it('shows what is wrong and ends with 1', async () => {
    const { code, stdout, stderr } = await config('check -c invalid.conf');
    expect(code).toBe(1);
    expect(stdout.split('\n').filter((line) => line.startsWith('invalid.conf:'))).toEqual([
      'invalid.conf:1:1: error: the route has no upstream [no-upstream]',
      'invalid.conf:1:7: error: "example.com:80" is not a host name: names have no port [invalid-name]',
      'invalid.conf:2:3: error: there is no directive "upsteam" [unknown-directive]',
    ]);
    expect(stdout).toContain('  hint: did you mean "upstream"?\n');
    expect(stderr).toBe('invalid.conf is invalid: 3 errors\n');
  });

  it('ends with 0 when there are warnings, with --strict with 1', async () => {
    const lax = await config('check -c doubtful.conf');
    expect(lax).toMatchObject({ code: 0, stderr: 'doubtful.conf is valid: 1 route, 2 warnings\n' });
    expect(await config('check -c doubtful.conf --strict')).toMatchObject({ code: 1, stdout: lax.stdout });
    expect(await config('check -c valid.conf --strict')).toMatchObject({ code: 0 });
  });

  it.each(['--json', '--format json', '--format=json', '--json --format json'])(
    'prints one JSON document: %s',
    async (flags) => {
      const { code, stdout } = await config(`check -c invalid.conf ${flags}`);
      expect(code).toBe(1);
      const report = JSON.parse(stdout);
      expect(Object.keys(report)).toEqual(['valid', 'files', 'routes', 'diagnostics']);
      expect(report).toMatchObject({ valid: false, files: ['invalid.conf'], routes: 0 });
      for (const diagnostic of report.diagnostics) {
        expect(Object.keys(diagnostic)).toEqual([
          'file',
          'line',
          'column',
          'severity',
          'code',
          'message',
          'hint',
        ]);
      }
    },
  );

  it('prints a SARIF log', async () => {
    const { code, stdout } = await config('check -c invalid.conf --format sarif');
    expect(code).toBe(1);
    expect(JSON.parse(stdout).runs[0].results.length).toBe(3);
  });

  it('prints workflow commands', async () => {
    const { stdout } = await config('check -c invalid.conf --format github');
    const lines = stdout.trimEnd().split('\n');
    expect(lines.length).toBe(3);
    for (const line of lines)
      expect(line).toMatch(/^::error file=invalid\.conf,line=\d,col=\d,title=[a-z-]+::/);
  });

  it('reads standard input', async () => {
    const { code, stdout } = await config('check -c - --json', { input: INVALID });
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      files: ['<stdin>'],
      diagnostics: [{ file: '<stdin>' }, {}, {}],
    });
    expect(await config('check -c -', { input: VALID })).toMatchObject({ code: 0 });
  });

  it('finds the file by RIGIL_CONFIG', async () => {
    expect(await config('check', { env: { RIGIL_CONFIG: 'valid.conf' } })).toMatchObject({ code: 0 });
  });

  it('needs no secrets', async () => {
    const input = `issuer ca\n  challenge dns-01 cloudflare token=\${RIGIL_TEST_TOKEN}\n${VALID}`;
    const { code, stdout } = await config('check -c -', { input });
    expect(code).toBe(0);
    expect(stdout).toContain(
      '<stdin>:2:37: warning: the variable RIGIL_TEST_TOKEN is not set [variable-unset]',
    );
  });

  it('says that there is no such file, in JSON too', async () => {
    const plain = await config('check -c nothing.conf');
    expect(plain).toMatchObject({ code: 1, stdout: '' });
    expect(plain.stderr).toMatch(/^error: there is no file nothing\.conf\nhint: /);
    const json = await config('check -c nothing.conf --format json');
    expect(json.code).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({ error: { code: 'config-unreadable' } });
  });

  it.each(['--format xml', '--jsn', '--json --format sarif', 'rigil.conf'])(
    'is used wrongly with %s',
    async (args) => {
      expect(await config(`check -c valid.conf ${args}`)).toMatchObject({ code: 2 });
    },
  );

  it('is coloured only where that is wanted', async () => {
    const plain = await config('check -c invalid.conf', { env: { NO_COLOR: '1' } });
    const coloured = await config('check -c invalid.conf', { env: { FORCE_COLOR: '1' } });
    expect(plain.stdout).not.toContain('\u001b');
    expect(coloured.stdout).toContain('\u001b[31merror:');
  });
});

describe('rigil config show', () => {
  const input = `global
  store redis redis://rigil:\${REDIS_PASSWORD}@localhost
route example.com
  upstream app
`;
  const env = { REDIS_PASSWORD: 'hunter2' };

  it('prints a configuration that is valid itself, without secrets', async () => {
    const { code, stdout, stderr } = await config('show -c -', { input, env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('  store redis redis://rigil:***@localhost prefix=rigil\n');
    expect(stdout).toContain('route example.com\n  upstream app:80\n');
    expect(await config('check -c - --strict', { input: stdout })).toMatchObject({ code: 0 });
  });

  it('prints it as JSON', async () => {
    const { stdout } = await config('show -c - --json', { input, env });
    expect(stdout).not.toContain('hunter2');
    expect(JSON.parse(stdout)).toMatchObject({
      file: '<stdin>',
      global: { https: [{ kind: 'tcp', host: null, port: 443 }] },
      routes: [{ names: ['example.com'], upstreams: [{ scheme: 'http', host: 'app', port: 80 }] }],
    });
  });

  it('shows nothing of an invalid file but its problems', async () => {
    const { code, stdout, stderr } = await config('show -c invalid.conf');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('invalid.conf:2:3: error: there is no directive "upsteam" [unknown-directive]');
    expect(stderr).toContain('error: invalid.conf is invalid\nhint: rigil config check');
  });
});
