import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rigil, textOf } from '../e2e/daemon.ts';

describe('rigil config migrate', () => {
  let folder: string;
  const at = (name: string) => join(folder, name);

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'rigil-migrate-'));
    writeFileSync(
      at('centauri.env'),
      'HTTP_PORT=80\nHTTPS_PORT=443\nDNS_PROVIDER=cloudflare\nCF_DNS_API_TOKEN=hush-hush\nCERTIFICATE_STORE=/data/certs.json\nCONFIG=/nowhere\n',
    );
    writeFileSync(at('centauri.conf'), 'route example.com\n  upstream app:8080\n  provider lego\n');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const migrate = (...args: string[]) =>
    rigil(['config', 'migrate', '--from', 'centauri', ...args], { cwd: folder });

  it('writes what `config check` accepts, and says what to do next', async () => {
    const made = await migrate(
      '--env-file',
      'centauri.env',
      '--config',
      'centauri.conf',
      '--output',
      'rigil.conf',
    );
    expect(made, made.stderr).toMatchObject({ code: 0, stdout: '' });
    expect(made.stderr).toContain('rigil certs import /data/certs.json --from centauri -c rigil.conf');
    expect(made.stderr).toContain('CF_DNS_API_TOKEN');
    expect(`${made.stderr}${textOf(at('rigil.conf'))}`).not.toContain('hush-hush');
    const check = await rigil(['config', 'check', '--strict', '-c', at('rigil.conf')], {
      env: { CF_DNS_API_TOKEN: 'x' },
    });
    expect(check.code, check.stdout).toBe(0);
  });

  it('overwrites nothing unless it is told to', async () => {
    writeFileSync(at('mine.conf'), 'mine\n');
    const args = ['--env-file', 'centauri.env', '--config', 'centauri.conf', '--output', 'mine.conf'];
    expect(await migrate(...args)).toMatchObject({ code: 2, stderr: expect.stringContaining('--force') });
    expect(textOf(at('mine.conf'))).toBe('mine\n');
    expect((await migrate(...args, '--force')).code).toBe(0);
    expect(textOf(at('mine.conf'))).toContain('route example.com');
  });

  it('prints it, and nothing else, when no output is named', async () => {
    const made = await migrate('--env-file', 'centauri.env', '--config', 'centauri.conf');
    const check = await rigil(['config', 'check', '-c', '-'], { input: made.stdout });
    expect(check.code, check.stdout).toBe(0);
  });

  it('takes the environment of the command when no file is named', async () => {
    const made = await rigil(['config', 'migrate', '--from', 'centauri', '--json'], {
      cwd: folder,
      env: { CONFIG: 'centauri.conf', HTTPS_PORT: '9443', RIGIL_CONFIG: '/nowhere' },
    });
    expect(made.code, made.stderr).toBe(0);
    expect(JSON.parse(made.stdout)).toMatchObject({ valid: true, output: null, byHand: [] });
    expect(JSON.parse(made.stdout).text).toContain('https :9443');
  });

  it('names the file that it cannot read', async () => {
    const made = await migrate('--env-file', 'centauri.env');
    expect(made).toMatchObject({ code: 1, stderr: expect.stringContaining('/nowhere') });
    expect(made.stderr).toContain('--config');
  });

  it('ends with 1 for routes that Centauri would not take either', async () => {
    writeFileSync(at('bad.conf'), 'route example.com\n');
    const made = await migrate('--env-file', 'centauri.env', '--config', 'bad.conf');
    expect(made).toMatchObject({ code: 1, stderr: expect.stringContaining('no upstream') });
  });
});
