import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { type Daemon, eventually, freePorts, RIGIL, startDaemon } from './daemon.ts';

/** A drain without requests, with certificate work that does not land, and a slow machine. */
const BOUND_MS = 45_000;
const TIMEOUT = 2 * BOUND_MS;
const ROUTE =
  'issuer internal\n  type internal\nroute one.test\n  upstream 127.0.0.1:9\n  provider internal\n';

/** Reading such a file never ends, as on a network file system whose server is gone, and cannot be called off. */
describe('a store that hangs', { timeout: TIMEOUT }, () => {
  let child: ChildProcess | undefined;
  let folder: string | undefined;
  afterEach(() => {
    child?.kill('SIGKILL');
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  async function withHungRead(): Promise<Daemon> {
    const daemon = await startDaemon(ROUTE, { workers: 1 });
    child = daemon.child;
    hang(join(daemon.store, 'journal/hung.test.json'));
    daemon.configure(`${ROUTE}route hung.test\n  upstream 127.0.0.1:9\n  provider internal\n`);
    await daemon.reload();
    await eventually(
      'work on it',
      async () => (await daemon.status()).work.some(({ id }) => id === 'hung.test') || undefined,
    );
    return daemon;
  }

  it('lets a daemon end with 0 on SIGTERM, when all is drained and told', async () => {
    await using daemon = await withHungRead();
    expect(await within(daemon.stop())).toBe(0);
    expect(daemon.events().at(-1)?.event).toBe('daemon.stopped');
    expect(daemon.events().map(({ event }) => event)).toContain('drain.finished');
    expect(existsSync(join(daemon.store, 'locks/daemon.lock'))).toBe(false);
    expect(daemon.notes()).toBe('');
  });

  it('lets a daemon end at once on the second SIGTERM', async () => {
    await using daemon = await withHungRead();
    daemon.child.kill('SIGTERM');
    await daemon.event('drain.started');
    expect(await within(daemon.stop())).toBe(1);
  });

  it('lets a daemon end with 0 on SIGTERM while it starts', async () => {
    folder = mkdtempSync(join(tmpdir(), 'rigil-hung-'));
    const [https, admin] = await freePorts(2);
    const config = join(folder, 'rigil.conf');
    const store = join(folder, 'store');
    writeFileSync(
      config,
      `global\n  https 127.0.0.1:${https}\n  http off\n  admin 127.0.0.1:${admin}\n  store file ${store}\n  workers 1\n  log info json\n${ROUTE}`,
    );
    hang(join(store, 'routes/sticky-secret'));
    child = spawn(process.execPath, [RIGIL, 'serve', '-c', config], { stdio: ['ignore', 'pipe', 'pipe'] });
    let log = '';
    child.stderr?.on('data', (data) => {
      log += data;
    });
    child.stdout?.on('data', (data) => {
      log += data;
    });
    const ended = once(child, 'exit');
    await eventually('its lock', () => existsSync(join(store, 'locks/daemon.lock')) || undefined);
    await delay(500);
    child.kill('SIGTERM');
    expect((await within(ended))[0], log).toBe(0);
    expect(log).toContain('daemon.stopped');
  });

  it('is left by a command that is told to end', async () => {
    folder = mkdtempSync(join(tmpdir(), 'rigil-hung-'));
    const config = join(folder, 'rigil.conf');
    writeFileSync(config, `global\n  store file ${folder}/store\n${ROUTE}`);
    hang(join(folder, 'store/authorities/internal/root.pem'));
    child = spawn(process.execPath, [RIGIL, 'certs', 'obtain', '-c', config], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let notes = '';
    child.stderr?.on('data', (data) => {
      notes += data;
    });
    const ended = once(child, 'exit');
    await eventually('its work', () => notes.includes('obtaining') || undefined);
    child.kill('SIGTERM');
    expect((await within(ended))[0], notes).toBe(1);
    expect(notes).toContain('broken off');
  });
});

function hang(path: string): void {
  mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 });
  execFileSync('mkfifo', [path]);
}

async function within<Result>(end: Promise<Result>): Promise<Result> {
  const late = delay(BOUND_MS, undefined, { ref: false }).then(() => {
    throw new Error(`it has not ended after ${BOUND_MS / 1000} s`);
  });
  return Promise.race([end, late]);
}
