import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { notifySystemd } from '../../src/app/systemd.ts';
import type { Event } from '../../src/events/event.ts';
import { find } from '../peers.ts';

describe('notifySystemd', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rigil-systemd-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function standIn(script: string): { NOTIFY_SOCKET: string; PATH: string } {
    const program = join(folder, 'systemd-notify');
    writeFileSync(program, `#!/bin/sh\n${script}\n`);
    chmodSync(program, 0o755);
    return { NOTIFY_SOCKET: '/run/notify', PATH: `${folder}:/usr/bin:/bin` };
  }

  it('says what the daemon is doing', async () => {
    const env = standIn(`echo "$NOTIFY_SOCKET $*" >> ${folder}/said`);
    await notifySystemd('ready', { env });
    await notifySystemd('reloading', { env });
    await notifySystemd('stopping', { env });
    await notifySystemd('ready', { env, mainPid: 12 });
    expect(readFileSync(`${folder}/said`, 'utf8').replace(/\d{3,}/, 'N')).toBe(
      '/run/notify READY=1\n/run/notify RELOADING=1 MONOTONIC_USEC=N\n/run/notify STOPPING=1\n/run/notify READY=1 MAINPID=12\n',
    );
  });

  it('does nothing without NOTIFY_SOCKET', async () => {
    const { PATH } = standIn(`touch ${folder}/said`);
    await notifySystemd('ready', { env: { PATH } });
    await notifySystemd('ready', { env: { PATH, NOTIFY_SOCKET: '' } });
    expect(() => readFileSync(`${folder}/said`)).toThrow();
  });

  it('reports a word that got lost, and goes on', async () => {
    const events: Event[] = [];
    await notifySystemd('ready', { env: standIn('exit 1'), emit: (event) => events.push(event) });
    await notifySystemd('ready', {
      env: { NOTIFY_SOCKET: '/run/notify', PATH: join(folder, 'nowhere') },
      emit: (event) => events.push(event),
    });
    expect(events.map((event) => event.event)).toEqual(['fault', 'fault']);
  });

  it.skipIf(find('systemd-notify') === null || find('python3') === null)(
    'reaches a real datagram socket',
    async () => {
      const path = join(folder, 'notify');
      const listener = spawn('python3', [
        '-c',
        // Answers the barrier of systemd-notify by closing the descriptor that comes along.
        `import socket,sys
s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM);s.bind(sys.argv[1]);s.settimeout(15);print('bound',flush=True)
data,fds,_,_=socket.recv_fds(s,4096,4);print(data.decode(),flush=True)
data,fds,_,_=socket.recv_fds(s,4096,4)
import os
[os.close(f) for f in fds]`,
        path,
      ]);
      let said = '';
      listener.stdout.on('data', (data) => {
        said += data;
      });
      await new Promise((resolve) => listener.stdout.once('data', resolve));
      await notifySystemd('ready', { env: { ...process.env, NOTIFY_SOCKET: path } });
      await new Promise((resolve) => listener.once('close', resolve));
      expect(said).toMatch(/^bound\nREADY=1\n$/);
    },
  );
});
