import { unlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { has } from '../peers.ts';
import { type Daemon, eventually, runProgram, startDaemon } from './daemon.ts';
import { startUpstream, type Upstream } from './upstream.ts';
import { echoed, openWebSocket } from './web-socket.ts';

describe.skipIf(!has('curl'))('a reload', () => {
  let daemon: Daemon;
  let old: Upstream;
  let fresh: Upstream;

  beforeAll(async () => {
    old = await startUpstream('old');
    fresh = await startUpstream('fresh');
    daemon = await startDaemon(routeTo(old));
  });
  afterAll(async () => {
    await daemon?.[Symbol.asyncDispose]();
    await old?.[Symbol.asyncDispose]();
    await fresh?.[Symbol.asyncDispose]();
  });

  const ask = async (name = 'one.localhost') =>
    (
      await runProgram('curl', [
        '-sS',
        '--max-time',
        '20',
        '--cacert',
        daemon.root,
        '--resolve',
        `*:${daemon.ports.https}:127.0.0.1`,
        `https://${name}:${daemon.ports.https}/`,
      ])
    ).stdout;

  it('puts the new file in force', async () => {
    expect(await ask()).toBe('old /\n');
    daemon.configure(routeTo(fresh));
    expect(await daemon.reload()).toMatchObject({ event: 'config.loaded' });
    expect(await ask()).toBe('fresh /\n');
  });

  it('gets the certificate of a new name', async () => {
    daemon.configure(`${routeTo(fresh)}\nroute added.localhost\n  upstream ${old.address}\n`);
    await daemon.reload();
    await daemon.event('certificate.obtain.finished', (line) => line['id'] === 'added.localhost');
    await eventually('an answer for the new name', async () =>
      (await ask('added.localhost')) === 'old /\n' ? true : undefined,
    );
  });

  it('keeps what runs when the file is wrong, and says what is wrong', async () => {
    daemon.configure('route one.localhost\n  upsteam nowhere\n');
    const line = await daemon.reload();
    expect(line).toMatchObject({ event: 'config.rejected', level: 'error' });
    expect(JSON.stringify(line['problems'])).toContain('upsteam');
    expect(await ask()).toBe('fresh /\n');
    const { config } = await daemon.status();
    expect(JSON.stringify(config.lastError)).toContain('upsteam');
    expect(await daemon.metrics()).toMatch(/^rigil_config_reload_failures_total 1$/m);
  });

  it('keeps what runs when the file is gone', async () => {
    unlinkSync(daemon.configFile);
    expect(await daemon.reload()).toMatchObject({ event: 'config.rejected' });
    expect(await ask()).toBe('fresh /\n');
  });

  it.skipIf(!has('wrk'))(
    'loses nothing in a storm of 100, good and bad mixed, under load',
    async () => {
      daemon.configure(routeTo(old));
      await daemon.reload();
      const socket = await openWebSocket(daemon, 'one.localhost');
      let closed = false;
      socket.on('close', () => {
        closed = true;
      });

      const load = runProgram('wrk', [
        '-t1',
        '-c16',
        '-d6s',
        '-H',
        'Host: one.localhost',
        `https://localhost:${daemon.ports.https}/`,
      ]);
      for (let round = 0; round < 100; round += 1) {
        daemon.configure(round % 3 === 1 ? 'route\n' : routeTo(round % 2 === 0 ? old : fresh));
        daemon.child.kill('SIGHUP');
        await delay(30);
      }
      daemon.configure(routeTo(fresh));
      daemon.child.kill('SIGHUP');
      const { stdout } = await load;

      expect(stdout).toMatch(/\d+ requests in/);
      expect(stdout).not.toMatch(/Socket errors|Non-2xx/);
      expect(closed).toBe(false);
      expect(await echoed(socket, 'still here')).toBe('still here');
      socket.close();
      await eventually('the last file in force', async () =>
        (await ask()) === 'fresh /\n' ? true : undefined,
      );
      expect(daemon.events().filter((line) => line.event === 'worker.exited')).toEqual([]);
    },
    60_000,
  );
});

function routeTo(upstream: Upstream): string {
  return `route one.localhost localhost\n  upstream ${upstream.address}\n`;
}
