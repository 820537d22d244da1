import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually, freePorts, RIGIL } from './daemon.ts';

describe('a signal while rigil serve starts', () => {
  let folder: string;
  let config: string;
  let log: string;
  let child: ChildProcess;
  let ports: readonly number[];

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rigil-signals-'));
    config = join(folder, 'rigil.conf');
    ports = await freePorts(2);
    writeFileSync(
      config,
      `global
  https 127.0.0.1:${ports[0]}
  http off
  admin 127.0.0.1:${ports[1]}
  store file ${folder}/store
  workers 2
  log info json
route one.localhost
  upstream localhost:1
`,
    );
    log = '';
    child = spawn(process.execPath, [RIGIL, 'serve', '-c', config], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (data) => {
        log += data;
      });
    }
    // It is the daemon of the store, and nothing serves yet.
    await eventually('its lock', () => (existsSync(`${folder}/store/locks/daemon.lock`) ? true : undefined));
  });
  afterEach(() => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  const seen = () => [...log.matchAll(/"event":"([^"]+)"/g)].map(([, event]) => event);

  it.each(['SIGTERM', 'SIGINT'] as const)('%s ends it with 0, and nothing is left', async (signal) => {
    child.kill(signal);
    const [code] = await once(child, 'exit');
    expect(code, log).toBe(0);
    expect(seen()).not.toContain('daemon.ready');
    expect(seen()).toContain('daemon.stopped');
    expect(log).not.toMatch(/error/i);
    expect(existsSync(`${folder}/store/locks/daemon.lock`)).toBe(false);
    expect(existsSync(`${folder}/store/take-over.sock`)).toBe(false);
    expect(listening(ports)).toEqual([]);
  });

  it('SIGHUP is one reload afterwards', async () => {
    for (let times = 0; times < 3; times++) child.kill('SIGHUP');
    writeFileSync(config, `${readFileSync(config, 'utf8')}route two.localhost\n  upstream localhost:1\n`);
    await eventually('two.localhost', () => (log.includes('"id":"two.localhost"') ? true : undefined));
    expect(seen().filter((event) => event === 'config.loaded')).toHaveLength(2);
    child.kill('SIGTERM');
    expect((await once(child, 'exit'))[0]).toBe(0);
  });
});

/** Those of these ports that somebody listens on. */
function listening(ports: readonly number[]): number[] {
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n');
  return ports.filter((port) => {
    const local = `:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0A`;
    return lines.some((line) => line.includes(local));
  });
}
