import { fork } from 'node:child_process';
import { once } from 'node:events';
import { expect, it, onTestFinished } from 'vitest';
import { ask, startUpstream } from './fixture.ts';

it('workers of a control process that dies before it was ready end with it', async () => {
  const program = new URL('./programs/control.ts', import.meta.url);
  const upstream = await startUpstream((_request, response) => response.end('ok'));
  const control = fork(program, [String(upstream), 'not ready'], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const [{ port, pids }] = (await once(control, 'message')) as [{ port: number; pids: number[] }];
  onTestFinished(() => {
    for (const pid of pids.filter(isAlive)) process.kill(pid, 'SIGKILL');
  });
  expect(await ask(port)).toBe('ok');
  control.kill('SIGKILL');
  await expect.poll(() => pids.filter(isAlive), { timeout: 10_000, interval: 20 }).toEqual([]);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
