import { describe, expect, it } from 'vitest';
import { Mutex } from '../../src/dns/mutex.ts';
import { never } from './records.ts';

describe('mutual exclusion', () => {
  it('runs work of one key one after the other, in order, and of others at once', async () => {
    const mutex = new Mutex();
    const log: string[] = [];
    const work = (name: string) => async () => {
      log.push(`${name} begins`);
      await new Promise((resolve) => setImmediate(resolve));
      log.push(`${name} ends`);
      return name;
    };
    const results = await Promise.all([
      mutex.run('a', never, work('a1')),
      mutex.run('a', never, work('a2')),
      mutex.run('b', never, work('b1')),
    ]);
    expect(results).toEqual(['a1', 'a2', 'b1']);
    expect(log.filter((line) => line.startsWith('a'))).toEqual([
      'a1 begins',
      'a1 ends',
      'a2 begins',
      'a2 ends',
    ]);
    expect(log.indexOf('b1 begins')).toBeLessThan(log.indexOf('a1 ends'));
  });

  it('goes on after work that failed', async () => {
    const mutex = new Mutex();
    const failing = mutex.run('a', never, async () => {
      throw new Error('failed');
    });
    const next = mutex.run('a', never, async () => 'next');
    await expect(failing).rejects.toThrow('failed');
    expect(await next).toBe('next');
  });

  it('lets a wait end at once when it is aborted, never runs its work, and keeps the order of the others', async () => {
    const mutex = new Mutex();
    const abort = new AbortController();
    const first = Promise.withResolvers<void>();
    const log: string[] = [];
    const running = mutex.run('a', never, () => first.promise);
    const waiting = mutex.run('a', abort.signal, async () => {
      log.push('aborted work');
    });
    const last = mutex.run('a', never, async () => {
      log.push('last');
    });
    abort.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
    expect(log).toEqual([]);
    first.resolve();
    await Promise.all([running, last]);
    expect(log).toEqual(['last']);
  });
});
