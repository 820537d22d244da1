import { beforeEach, describe, expect, it } from 'vitest';
import { StoreWatch } from '../../src/app/store-watch.ts';
import type { StoreLock } from '../../src/certs/ports.ts';
import { RigilError } from '../../src/errors.ts';
import type { Event } from '../../src/events/event.ts';
import { FakeClock } from '../certs/fake-clock.ts';
import { MINUTE } from '../certs/make.ts';
import { SharedMemory } from '../certs/memory-store.ts';

const never = new AbortController().signal;

let clock: FakeClock;
let memory: SharedMemory;
let events: Event[];
let resumed: number;
/** Another daemon has the lock. */
let isTaken: boolean;
let hangs: boolean;

beforeEach(() => {
  clock = new FakeClock();
  memory = new SharedMemory();
  events = [];
  resumed = 0;
  isTaken = false;
  hangs = false;
});

function watch(): StoreWatch {
  const store = memory.open();
  const acquireDaemonLock = async ({ signal }: { readonly signal: AbortSignal }): Promise<StoreLock> => {
    if (hangs) await new Promise(() => {});
    if (isTaken) throw new RigilError('store-locked', 'process 7 serves from it already');
    const lock = await store.lock('daemon', signal);
    const release = () => (hangs ? new Promise<void>(() => {}) : lock.release());
    return { ...lock, release };
  };
  return new StoreWatch({
    store: { lock: (key, signal) => store.lock(key, signal), acquireDaemonLock },
    clock,
    emit: (event) => events.push(event),
    onWritable: () => {
      resumed += 1;
    },
  });
}

describe('a store that can be written', () => {
  it('has its lock taken, and nothing is said', async () => {
    const store = watch();
    await store.take(never);
    store.mustBeWritable();
    expect(memory.queues.has('daemon')).toBe(true);
    await store.release();
    expect(memory.queues.has('daemon')).toBe(false);
    expect([events, resumed]).toEqual([[], 0]);
  });

  it('does not keep a daemon that ends when it hangs', async () => {
    const store = watch();
    await store.take(never);
    hangs = true;
    const released = store.release();
    await clock.advance(5_000);
    await released;
  });

  it('of another daemon is not for us, and nothing is served from it', async () => {
    isTaken = true;
    const store = watch();
    await expect(store.take(never)).rejects.toMatchObject({ code: 'store-locked' });
    expect([events, store.trouble]).toEqual([[], null]);
  });

  it('that a former daemon does not give up is served from all the same', async () => {
    isTaken = true;
    const store = watch();
    await expect(store.take(never, { wait: true })).rejects.toMatchObject({ code: 'store-locked' });
    expect(events).toMatchObject([{ event: 'store.problem', code: 'store-locked' }]);
    expect(store.trouble).toMatchObject({ code: 'store-locked' });
  });

  it('is found out to be written no more, and to be itself again', async () => {
    const store = watch();
    await store.take(never);
    void store.follow(never);
    await clock.advance(3 * MINUTE);
    expect(events).toEqual([]);
    memory.fails.add('locks');
    await clock.advance(MINUTE);
    expect(store.trouble).toMatchObject({ code: 'store-unwritable' });
    await clock.advance(10 * MINUTE);
    expect(events).toMatchObject([{ event: 'store.problem', code: 'store-unwritable' }]);
    memory.fails.clear();
    await clock.advance(5_000);
    expect(events.slice(1)).toMatchObject([{ event: 'store.writable' }]);
    expect([store.trouble, resumed]).toEqual([null, 1]);
  });
});

describe('a store that cannot be written', () => {
  it('is served from without its lock, which is taken when that is possible', async () => {
    memory.fails.add('locks');
    const store = watch();
    await store.take(never);
    expect(store.trouble).toMatchObject({ code: 'store-unwritable' });
    expect(() => store.mustBeWritable()).toThrow(expect.objectContaining({ code: 'store-unwritable' }));
    void store.follow(never);
    await clock.advance(MINUTE);
    memory.fails.clear();
    await clock.advance(5_000);
    expect(memory.queues.has('daemon')).toBe(true);
    expect(events.map(({ event }) => event)).toEqual(['store.problem', 'store.writable']);
    expect(resumed).toBe(1);
  });

  it('and gets another daemon before it is ours is told of as such, and waited for', async () => {
    memory.fails.add('locks');
    const store = watch();
    await store.take(never);
    void store.follow(never);
    isTaken = true;
    await clock.advance(MINUTE);
    expect(store.trouble).toMatchObject({ code: 'store-locked' });
    expect(events).toMatchObject([{ code: 'store-unwritable' }, { code: 'store-locked' }]);
    isTaken = false;
    memory.fails.clear();
    await clock.advance(5_000);
    expect(store.trouble).toBeNull();
  });

  it('and does not even answer holds nothing up for ever', async () => {
    hangs = true;
    const store = watch();
    const taken = store.take(never);
    await clock.advance(MINUTE);
    await taken;
    expect(store.trouble).toMatchObject({
      code: 'store-unwritable',
      message: expect.stringContaining('30 s'),
    });
  });
});
