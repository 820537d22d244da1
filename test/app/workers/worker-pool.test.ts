import { describe, expect, it } from 'vitest';
import { bindListeners } from '../../../src/app/workers/listener-set.ts';
import { boundSocket } from '../../../src/platform/bind.ts';
import { bindFreePorts, load, preparePool, startPool } from './fixture.ts';

const SOON = { timeout: 10_000, interval: 20 };

describe('workers', () => {
  it('serve, and say what they are', async () => {
    const { pool, ask, events, named } = await startPool();
    expect(await ask()).toBe('ok');
    expect(
      named('worker.started')
        .map(({ worker }) => worker)
        .sort(),
    ).toEqual([1, 2]);
    await pool.refresh();
    expect(pool.status()).toEqual([
      expect.objectContaining({ id: 1, draining: false, eventLoopDelayP99Ms: expect.any(Number) }),
      expect.objectContaining({ id: 2 }),
    ]);
    expect(pool.status().reduce((sum, { requests }) => sum + requests, 0)).toBe(1);
    expect(pool.metrics()).toMatchObject({
      tlsHello: { 'known="true"': 1 },
      responses: { 'route="one.test",status="200"': 1 },
      handshakesWaited: 0,
      requestsWaited: 0,
    });
    expect(events.every(({ event }) => event === 'worker.started')).toBe(true);
  });

  it('learn every change', async () => {
    const { pool, publisher, ask } = await startPool();
    publisher.update((current) => ({ ...current, certificates: new Map() }));
    await pool.caughtUp(new AbortController().signal);
    for (let times = 0; times < 8; times++) {
      await expect(ask()).rejects.toThrow(/unrecognized.name/i);
    }
  });

  it('lose no handshake while a thousand changes arrive', async () => {
    const { pool, publisher, port, ask } = await startPool();
    let done = false;
    const outcomes = load(port, 4, () => done);
    for (let round = 0; round < 1_000; round++) {
      publisher.update((current) => ({
        ...current,
        challenges: new Map([[`http-01:${round}`, { type: 'http-01', body: 'x'.repeat(100) }]]),
      }));
      if (round % 50 === 0) await ask();
    }
    await pool.caughtUp(new AbortController().signal);
    done = true;
    expect(Object.keys(await outcomes)).toEqual(['ok']);
  });

  it('say why when they cannot listen, and none is left', async () => {
    // Two sockets may be bound to one port as long as neither listens.
    const [mine, theirs] = [await bindFreePorts(), await preparePool({})];
    const { pool } = theirs;
    const taken = await bindAgain(mine);
    const first = await startPool({ listeners: mine, workers: 1 });
    await expect(pool.run(taken, 2, { requestsMs: 0, streamsMs: 0 })).rejects.toMatchObject({
      code: 'address-in-use',
    });
    await expect.poll(() => pool.count, SOON).toBe(0);
    expect(pool.ready).toBe(false);
    expect(await first.ask()).toBe('ok');
    for (const listener of taken) listener.close();
  });
});

describe('a change of listeners and workers', () => {
  it('refuses nobody: new ones come, then the old ones go', async () => {
    const { pool, listeners, port, named, pids } = await startPool({ workers: 1 });
    const [old] = pids();
    let done = false;
    const outcomes = load(port, 4, () => done);
    const more = await bindFreePorts();
    await pool.run([...listeners, ...more], 2, { requestsMs: 5_000, streamsMs: 5_000 });
    await expect
      .poll(() => named('worker.exited'), SOON)
      .toEqual([
        {
          event: 'worker.exited',
          worker: 1,
          pid: old,
          code: 0,
          signal: null,
          expected: true,
          retryInMs: null,
        },
      ]);
    done = true;
    expect(Object.keys(await outcomes)).toEqual(['ok']);
    expect(pool.count).toBe(2);
    for (const listener of more) listener.close();
  });

  it('that cannot be leaves the old ones alone', async () => {
    const { pool, ask, pids } = await startPool({ workers: 1 });
    const before = pids();
    const impossible = [{ ...boundSocket({ fd: 0, close: () => {} }, 'fd:0'), role: 'http' as const }];
    await expect(pool.run(impossible, 1, { requestsMs: 0, streamsMs: 0 })).rejects.toMatchObject({
      code: expect.stringMatching(/^address-/),
    });
    expect(await ask()).toBe('ok');
    expect(pids()).toEqual(before);
  });
});

async function bindAgain(listeners: Awaited<ReturnType<typeof bindFreePorts>>) {
  const addresses = (role: 'http' | 'https') =>
    listeners
      .filter((listener) => listener.role === role)
      .map(({ port }) => ({ kind: 'tcp', host: '127.0.0.1', port: port ?? 0 }) as const);
  return bindListeners({ http: addresses('http'), https: addresses('https') });
}
