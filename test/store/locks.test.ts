import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileLocks, STALE_AFTER_MS } from '../../src/store/file-locks.ts';
import { thisProcess } from '../../src/store/process-identity.ts';
import { FakeClock } from '../certs/fake-clock.ts';
import { START } from '../certs/make.ts';
import { SpyFileSystem } from './spy-file-system.ts';

describe('the locks of a file store', () => {
  const never = new AbortController().signal;
  let directory: string;
  let clock: FakeClock;
  let locks: FileLocks;
  let spy: SpyFileSystem;
  const path = () => join(directory, 'key.lock');

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'rigil-locks-'));
    spy = new SpyFileSystem();
    clock = new FakeClock(START, () => spy.idle());
    locks = new FileLocks(spy.fileSystem, directory, clock);
  });
  afterEach(() => rm(directory, { recursive: true }));

  /** A lock file as another process would have left it. */
  async function leave(parts: Partial<ReturnType<typeof thisProcess>> & { token?: string }): Promise<void> {
    const holder = { ...thisProcess(), token: 'theirs', fence: 1, since: 'some time', ...parts };
    await mkdir(directory, { recursive: true });
    await writeFile(path(), JSON.stringify(holder));
  }

  /** A number that no process has. */
  async function deadPid(): Promise<number> {
    const child = spawn(process.execPath, ['-e', '']);
    await new Promise((resolve) => child.once('exit', resolve));
    return child.pid ?? 0;
  }

  it('are taken at once from a process that is gone', async () => {
    await leave({ pid: await deadPid() });
    const lock = await locks.acquire('key', never);
    await lock.verify();
    await lock.release();
    expect(await readdir(directory)).toEqual([]);
  });

  it('are taken at once from a former life: this number and no such lock, or another start of the machine', async () => {
    for (const parts of [{ pid: process.pid }, { pid: 1, boot: 'another' }]) {
      await leave(parts);
      await (await locks.acquire('key', never)).release();
    }
  });

  it.each([
    ['on another machine', { host: 'elsewhere' }],
    ['in another container', { pidNamespace: 'pid:[1]' }],
    ['that lives and does not move', { pid: process.ppid }],
  ])(
    'are taken from a process %s only when it has been silent for long, while we looked',
    async (_, parts) => {
      await leave(parts);
      // The age of the file says nothing.
      await utimes(path(), 0, 0);
      let taken = false;
      const waiting = locks.acquire('key', never).then((lock) => {
        taken = true;
        return lock;
      });
      await clock.advance(STALE_AFTER_MS - 2_000);
      expect(taken).toBe(false);
      await clock.advance(4_000);
      await (await waiting).release();
    },
  );

  it('are not taken when the clock jumps', async () => {
    await leave({ host: 'elsewhere' });
    const controller = new AbortController();
    const waiting = locks.acquire('key', controller.signal);
    await clock.advance(1_000);
    clock.jump(100 * STALE_AFTER_MS);
    await clock.advance(1_000);
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
  });

  it('are not taken from a holder that lives, however long it takes', async () => {
    const lock = await locks.acquire('key', never);
    const controller = new AbortController();
    const waiting = new FileLocks(spy.fileSystem, directory, clock).acquire('key', controller.signal);
    await clock.advance(20 * STALE_AFTER_MS);
    await lock.verify();
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
    await lock.release();
  });

  it('are noticed to be lost: by a heartbeat, and when asked', async () => {
    const lock = await locks.acquire('key', never);
    await rm(path());
    const successor = await locks.acquire('key', never);
    expect(lock.lost.aborted).toBe(false);
    await clock.advance(5_000);
    expect(lock.lost.aborted).toBe(true);
    await expect(lock.verify()).rejects.toMatchObject({ code: 'lock-lost' });
    // Giving a lost lock back does not take the successor's away.
    await lock.release();
    await successor.verify();
    await successor.release();
  });

  it('are found out when the file at the place is another one, also without a heartbeat', async () => {
    const lock = await locks.acquire('key', never);
    const text = await readFile(path());
    await rm(path());
    await writeFile(path(), text);
    await expect(lock.verify()).rejects.toMatchObject({ code: 'lock-lost' });
    await lock.release();
  });

  it('survive a file that nobody has finished writing', async () => {
    await writeFile(path(), '');
    const waiting = locks.acquire('key', never);
    await clock.advance(STALE_AFTER_MS + 2_000);
    await (await waiting).release();
  });

  it('are had by one only, when many find the same dead one', async () => {
    await leave({ pid: await deadPid() });
    let inside = 0;
    let most = 0;
    const contenders = Array.from({ length: 8 }, async () => {
      const lock = await new FileLocks(spy.fileSystem, directory, clock).acquire('key', never);
      inside += 1;
      most = Math.max(most, inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside -= 1;
      await lock.release();
    });
    await clock.advance(60_000);
    await Promise.all(contenders);
    expect(most).toBe(1);
  });

  describe('that are wanted at once', () => {
    it('are refused while a process of this machine has them', async () => {
      const lock = await locks.acquire('key', never);
      await expect(locks.acquireNow('key', never)).rejects.toMatchObject({
        code: 'store-locked',
        message: expect.stringContaining(`process ${process.pid} on ${hostname()}`),
      });
      await lock.release();
      await (await locks.acquireNow('key', never)).release();
    });

    it('are refused when a process elsewhere shows that it lives', async () => {
      await leave({ host: 'elsewhere' });
      const asked = locks.acquireNow('key', never);
      const refused = expect(asked).rejects.toMatchObject({ code: 'store-locked' });
      await clock.advance(1_000);
      await utimes(path(), START / 1000, START / 1000);
      await clock.advance(2_000);
      await refused;
    });

    it('are had when a process elsewhere does not', async () => {
      await leave({ host: 'elsewhere' });
      const asked = locks.acquireNow('key', never);
      await clock.advance(STALE_AFTER_MS + 2_000);
      await (await asked).release();
    });
  });
});
