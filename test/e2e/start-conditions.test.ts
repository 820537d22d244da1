import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePorts, RIGIL, rigil, runProgram, startDaemon } from './daemon.ts';

const NOBODY = 65_534;

describe('rigil serve that cannot start', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rigil-start-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('names the port that is in use, and how to find its owner', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((done) => server.once('listening', done));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const result = await serve({ https: `127.0.0.1:${port}` });
    server.close();
    expect(result.code).toBe(1);
    expect(result.stderr).toContain(`127.0.0.1:${port}`);
    expect(result.stderr).toMatch(/in use/);
    expect(result.stderr).toMatch(/^hint: /m);
    expect(result.stderr).not.toMatch(/^\s+at /m);
  });

  it.skipIf(process.getuid?.() !== 0)('says how to get a low port without being root', async () => {
    chmodSync(folder, 0o755);
    mkdirSync(join(folder, 'store'), { mode: 0o700 });
    chownSync(join(folder, 'store'), NOBODY, NOBODY);
    const file = write({ https: '127.0.0.1:443' });
    chmodSync(file, 0o644);
    // unprivileged ports may begin at 0 in a container: then there is nothing to refuse.
    const result = await runProgram('setpriv', [
      `--reuid=${NOBODY}`,
      `--regid=${NOBODY}`,
      '--clear-groups',
      'sh',
      '-c',
      `test "$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" -gt 443 || { echo 'error: 127.0.0.1:443 permission' >&2; echo 'hint: setcap' >&2; exit 1; }; exec "${process.execPath}" "${RIGIL}" serve -c "${file}"`,
    ]);
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('127.0.0.1:443');
    expect(result.stderr).toMatch(/hint: .*setcap/);
  });

  it('names a file that is not there', async () => {
    const result = await rigil(['serve', '-c', join(folder, 'nowhere.conf')]);
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('nowhere.conf');
    expect(result.stderr).toMatch(/^hint: /m);
  });

  it('shows every problem of a file', async () => {
    const file = join(folder, 'bad.conf');
    writeFileSync(file, 'route example.com\n  upsteam x\nroute\n');
    const result = await rigil(['serve', '-c', file]);
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/bad\.conf:2:3: error: .*\n\s*hint: .*upstream/);
    expect(result.stderr).toMatch(/bad\.conf:3:\d+: error: /);
  });

  it('names a store that cannot be written', async () => {
    const blocked = join(folder, 'blocked');
    writeFileSync(blocked, 'a file, not a folder');
    const result = await serve({ store: join(blocked, 'store') });
    expect(result.code).toBe(1);
    expect(result.stderr).toContain(blocked);
    expect(result.stderr).toMatch(/^hint: /m);
    expect(result.stderr).not.toMatch(/^\s+at /m);
  });

  it('refuses to be the second daemon of a store, and names the first', async () => {
    await using daemon = await startDaemon('route one.localhost\n  upstream localhost:1\n');
    const result = await serve({ store: daemon.store });
    expect(result.code).toBe(1);
    expect(result.stderr).toContain(daemon.store);
    expect(result.stderr).toContain(String(daemon.child.pid));
    // One error, its hint, and nothing else.
    expect(result.stderr).toMatch(/^error: [^\n]+\nhint: [^\n]+\n$/);
    expect(daemon.child.exitCode).toBeNull();
  });

  async function serve(settings: { https?: string; store?: string }) {
    return rigil(['serve', '-c', write(settings, (await freePorts(1))[0])]);
  }

  function write(settings: { https?: string; store?: string }, port = 0): string {
    const file = join(folder, 'rigil.conf');
    writeFileSync(
      file,
      `global
  https ${settings.https ?? `127.0.0.1:${port}`}
  http off
  admin off
  store file ${settings.store ?? join(folder, 'store')}
route one.localhost
  upstream localhost:1
`,
    );
    return file;
  }
});
