import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FakeClock } from '../../certs/fake-clock.ts';
import { ask, load, preparePool, startPool, startUpstream } from './fixture.ts';

const SOON = { timeout: 15_000, interval: 20 };

describe('a worker that is killed', () => {
  it('takes nothing with it but the connections inside it', async () => {
    const { port, pids, named } = await startPool();
    const width = 6;
    let done = false;
    const outcomes = load(port, width, () => done);
    const [victim = 0] = pids();
    await new Promise((resolve) => setTimeout(resolve, 200));
    process.kill(victim, 'SIGKILL');
    await expect.poll(() => named('worker.started'), SOON).toHaveLength(3);
    done = true;
    const { ok = 0, ...failures } = await outcomes;
    expect(ok).toBeGreaterThan(0);
    // Not one was refused: what had not been accepted by the victim was accepted by the other.
    expect(Object.keys(failures).filter((code) => code !== 'ECONNRESET')).toEqual([]);
    expect(failures['ECONNRESET'] ?? 0).toBeLessThanOrEqual(width);
    expect(named('worker.exited')).toMatchObject([
      { pid: victim, code: null, signal: 'SIGKILL', expected: false, retryInMs: 0 },
    ]);
    expect(pids()).not.toContain(victim);
  });

  it('is followed by one that knows everything, with no count lost', async () => {
    const { pool, publisher, ask, pids, named } = await startPool({ workers: 1 });
    for (let times = 0; times < 3; times++) await ask();
    await pool.refresh();
    const before = pool.metrics();
    publisher.update((current) => ({ ...current, ticketKeys: new Uint8Array(48).fill(7) }));
    process.kill(pids()[0] ?? 0, 'SIGKILL');
    await expect.poll(() => named('worker.started'), SOON).toHaveLength(2);
    expect(pool.metrics()).toEqual(before);
    await ask();
    await pool.refresh();
    expect(pool.metrics().responses).toEqual({ 'route="one.test",status="200"': 4 });
    expect(pool.status()).toMatchObject([{ requests: 1 }]);
  });

  it('does not take the port along, not even when all die at once: who comes then waits, and is answered', async () => {
    const { port, pids } = await startPool();
    for (const pid of pids()) process.kill(pid, 'SIGKILL');
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask(port)));
    expect(new Set(answers)).toEqual(new Set(['ok']));
  });

  it('is replaced at once, then ever more slowly, and at once again after a minute', async () => {
    const clock = new FakeClock();
    const { pids, named, pool } = await startPool({ workers: 1, clock });
    const die = async () => {
      const exits = named('worker.exited').length;
      process.kill(pids()[0] ?? 0, 'SIGKILL');
      await expect.poll(() => named('worker.exited').length, SOON).toBe(exits + 1);
      expect(pool.ready).toBe(false);
      expect(pool.status()).toEqual([]);
      const pause = named('worker.exited').at(-1)?.retryInMs ?? -1;
      await clock.advance(pause);
      await expect.poll(() => pool.ready, SOON).toBe(true);
      return pause;
    };
    const pauses: number[] = [];
    for (let times = 0; times < 4; times++) pauses.push(await die());
    await clock.advance(61_000);
    pauses.push(await die());
    expect(pauses).toEqual([0, 100, 200, 400, 0]);
  });

  it('while it pauses before the next, keeps no drain waiting', async () => {
    const clock = new FakeClock();
    const { pool, pids, named } = await startPool({ workers: 1, clock });
    for (const exits of [1, 2]) {
      await expect.poll(() => pool.ready, SOON).toBe(true);
      process.kill(pids()[0] ?? 0, 'SIGKILL');
      await expect.poll(() => named('worker.exited').length, SOON).toBe(exits);
    }
    expect(await pool.drain({ requestsMs: 1_000, streamsMs: 1_000 })).toBe(0);
    expect(pool.count).toBe(0);
  });
});

describe('a worker with a bug', () => {
  it('says what happened, ends with 70, and is replaced', async () => {
    const { publisher, pool, named, ask } = await startPool({ workers: 1 });
    const { table } = publisher.current;
    // A table that cannot be built again on the other side.
    const broken = Object.assign(Object.create(Object.getPrototypeOf(table)), {
      routes: [{}],
      fallback: null,
    });
    publisher.update((current) => ({ ...current, table: broken }));
    await expect.poll(() => named('worker.exited'), SOON).toMatchObject([{ code: 70, expected: false }]);
    expect(named('fault')).toMatchObject([
      { where: 'rigil: worker 1', stack: expect.stringContaining('at ') },
    ]);
    publisher.update((current) => ({ ...current, table }));
    await expect.poll(() => pool.ready, SOON).toBe(true);
    expect(await ask()).toBe('ok');
  });
});

describe('a worker that hangs', () => {
  it('at its start is killed after 30 seconds, and the start has failed', async () => {
    const clock = new FakeClock();
    const { pool, listeners, events } = await preparePool({ clock });
    const started = pool.run(listeners, 1, { requestsMs: 0, streamsMs: 0 });
    const failed = expect(started).rejects.toMatchObject({ code: 'internal' });
    for (const pid of workersOf(process.pid)) process.kill(pid, 'SIGSTOP');
    await clock.advance(30_000);
    await failed;
    expect(events).toMatchObject([{ event: 'worker.exited', signal: 'SIGKILL', retryInMs: null }]);
  });

  it('keeps neither the others nor this process: it gets the newest snapshot when it goes on', async () => {
    const { pool, publisher, pids, ask } = await startPool();
    const [stopped = 0, other = 0] = pids();
    process.kill(stopped, 'SIGSTOP');
    const before = process.memoryUsage().arrayBuffers;
    for (let round = 0; round < 2_000; round++) {
      const body = `${round}`.padEnd(50_000, '.');
      publisher.update((current) => ({
        ...current,
        challenges: new Map([['http-01:token', { type: 'http-01', body }]]),
      }));
      if (round % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    // A hundred megabytes of changes; what waits for the stopped one is no more than the last.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(30_000_000);
    await pool.refresh();
    expect(pool.status()).toHaveLength(2);

    process.kill(stopped, 'SIGCONT');
    await pool.caughtUp(new AbortController().signal);
    process.kill(other, 'SIGSTOP');
    expect(await ask()).toBe('ok');
    process.kill(other, 'SIGCONT');
    expect(await ask()).toBe('ok');
  });

  it('while it should drain is killed, long before the time for streams is over', async () => {
    const clock = new FakeClock();
    const { pool, pids, named } = await startPool({ workers: 1, clock });
    process.kill(pids()[0] ?? 0, 'SIGSTOP');
    const drained = pool.drain({ requestsMs: 600_000, streamsMs: 600_000 });
    await clock.advance(5_000);
    await drained;
    expect(named('worker.exited')).toMatchObject([{ signal: 'SIGKILL', expected: true }]);
  });
});

describe('a control process that is killed', () => {
  it('leaves workers that serve until they are told to end', async () => {
    const program = new URL('./programs/control.ts', import.meta.url);
    const upstream = await startUpstream((_request, response) => response.end('ok'));
    const control = fork(program, [String(upstream)], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    const [{ port, pids }] = (await once(control, 'message')) as [{ port: number; pids: number[] }];
    onTestFinished(() => {
      for (const pid of pids.filter(isAlive)) process.kill(pid, 'SIGKILL');
    });
    control.kill('SIGKILL');
    await once(control, 'exit');
    for (let times = 0; times < 6; times++) expect(await ask(port)).toBe('ok');
    for (const pid of pids) process.kill(pid, 'SIGTERM');
    await expect.poll(() => pids.filter(isAlive), SOON).toEqual([]);
    await expect(ask(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Worker processes, ready or not, that a process has started. */
function workersOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => {
      try {
        const [, ppid] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
        return (
          Number(ppid) === parent && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('proxy/worker')
        );
      } catch {
        return false;
      }
    })
    .map(Number);
}
