import { beforeEach, describe, expect, it } from 'vitest';
import { RigilError } from '../../src/errors.ts';
import { FakeClock } from './fake-clock.ts';
import { DAY, HOUR, MINUTE, makeWanted, START } from './make.ts';
import { World } from './world.ts';

let world: World;
beforeEach(() => {
  world = new World();
});

const com = makeWanted();

describe('when the store does not take a new certificate', () => {
  it('serves it all the same, tries to store it again, and never orders another one', async () => {
    world.shared.fails.add('saves');
    const { served, told } = await world.daemon();
    await world.clock.advance(3 * HOUR);
    expect(served()).not.toBeNull();
    expect(told()).toContain('store.problem');
    expect(world.shared.certificates.size).toBe(0);
    world.shared.fails.clear();
    await world.clock.advance(15 * MINUTE);
    expect([...world.shared.certificates.values()]).toEqual([served()]);
    expect(world.ca.orders).toHaveLength(1);
    expect(world.shared.journal.size).toBe(0);
  });

  it('keeps it over reloads, also under a new id', async () => {
    world.shared.fails.add('saves');
    const names = ['example.com', 'www.example.com'];
    const { manager, served } = await world.daemon([makeWanted({ names })]);
    await world.clock.advance(MINUTE);
    manager.setWanted([makeWanted({ names: names.toReversed() })], world.issuers);
    world.shared.fails.clear();
    await world.clock.advance(15 * MINUTE);
    expect(world.shared.certificates.get('ca\nwww.example.com')?.chain).toBe(
      served('www.example.com')?.chain,
    );
    expect(world.ca.orders).toHaveLength(1);
  });

  it('takes another process for right that stored a later one meanwhile', async () => {
    const first = await world.daemon();
    await world.clock.advance(MINUTE);
    world.shared.fails.add('saves');
    await world.clock.advance(61 * DAY);
    expect(world.ca.orders).toHaveLength(2);
    world.shared.fails.clear();
    // A command of a person, before the daemon tries to store again.
    const command = await world.process();
    await command.manager.run({ ids: ['example.com'], force: true });
    await world.clock.advance(HOUR);
    expect(first.served()?.facts.fingerprint).toBe(command.served()?.facts.fingerprint);
  });
});

describe('at its start', () => {
  /** A store that counts how often it is read, as one process sees it. */
  function counted() {
    const store = world.shared.open();
    const reads: string[] = [];
    const { list } = store;
    store.list = () => {
      reads.push('list');
      return list.call(store);
    };
    store.readAll = async (signal) => {
      reads.push('readAll');
      await world.clock.sleep(500, signal);
      return { ...(await list.call(store)), whole: [...world.shared.certificates.values()], unusable: [] };
    };
    return { store, reads };
  }

  it('reads the store once, if nothing is stored meanwhile', async () => {
    const { store, reads } = counted();
    const { manager } = world.idle({ store });
    const loaded = manager.load({ follow: true });
    await world.clock.advance(1_000);
    await loaded;
    manager.setWanted([com], world.issuers);
    manager.start();
    await world.clock.advance(MINUTE);
    expect(reads).toEqual(['readAll']);
  });

  it('misses nothing that another process stores while it reads', async () => {
    const { store, reads } = counted();
    const { manager, served } = world.idle({ store });
    const loaded = manager.load({ follow: true });
    const command = await world.process();
    await command.manager.run();
    await world.clock.advance(1_000);
    await loaded;
    manager.setWanted([com], world.issuers);
    manager.start();
    await world.clock.advance(MINUTE);
    expect(reads).toEqual(['readAll', 'list']);
    expect(served()).toEqual(command.served());
    expect(world.ca.orders).toHaveLength(1);
  });
});

describe('when the store fails before an order', () => {
  it.each(['locks', 'reads', 'journal'] as const)(
    'orders nothing that could not be kept: %s',
    async (what) => {
      const { manager, served } = await world.process();
      world.shared.fails.add(what);
      manager.start();
      await world.clock.advance(2 * DAY);
      expect(world.ca.orders).toHaveLength(0);
      expect(manager.views(world.clock.now())[0]?.lastError?.code).toMatch(/^store-/);
      world.shared.fails.clear();
      await world.clock.advance(13 * MINUTE);
      expect(served()).not.toBeNull();
    },
  );

  it.each(['locks', 'reads', 'journal'] as const)(
    'renews in memory before it lets a certificate expire: %s',
    async (what) => {
      const { served, manager } = await world.daemon();
      await world.clock.advance(MINUTE);
      const first = served();
      world.shared.fails = new Set([what, 'saves']);
      await world.clock.advance(70 * DAY);
      expect(served()).toBe(first);
      await world.clock.advance(10 * DAY);
      expect(world.ca.orders).toHaveLength(2);
      expect(served()?.facts.fingerprint).not.toBe(first?.facts.fingerprint);
      world.shared.fails.clear();
      await world.clock.advance(HOUR);
      expect(world.shared.certificates.get('ca\nexample.com')).toEqual(served());
      expect(manager.views(world.clock.now())[0]).toMatchObject({ status: 'valid', lastError: null });
    },
  );

  it('does not hang with a store that hangs', async () => {
    const { manager } = await world.process([com, makeWanted({ id: 'example.org', issuers: ['second'] })]);
    world.shared.hangs = true;
    manager.start();
    await world.clock.advance(20 * MINUTE);
    expect(manager.views(world.clock.now())[0]?.lastError?.code).toBe('store-locked');
    const stopping = manager.stop();
    await world.clock.advance(11_000);
    await stopping;
    expect(manager.work()).toEqual([]);
  });
});

describe('when the store cannot be read at the start', () => {
  it('fails for a command', async () => {
    world.shared.fails.add('reads');
    await expect(world.idle().manager.load()).rejects.toMatchObject({ code: 'store-unreadable' });
  });

  it('goes on trying for a daemon, orders nothing, and serves what there is as soon as it can', async () => {
    await (await world.process()).manager.run();
    world.shared.fails.add('reads');
    const { manager, served, told } = world.idle();
    await manager.load().catch(() => {});
    manager.setWanted([com, makeWanted({ id: 'example.org' })], world.issuers);
    manager.start();
    await world.clock.advance(2 * HOUR);
    expect(world.ca.orders).toHaveLength(1);
    expect(told()).toEqual(['store.problem']);
    world.shared.fails.clear();
    await world.clock.advance(13 * MINUTE);
    expect(served()).not.toBeNull();
    expect(served('example.org')).not.toBeNull();
    expect(world.ca.orders).toHaveLength(2);
  });
});

describe('processes that share a store', () => {
  it('order once, whoever comes first', async () => {
    world.ca.takesMs = MINUTE;
    const [first, second] = [await world.daemon(), await world.daemon()];
    await world.clock.advance(2 * MINUTE);
    expect(world.ca.orders).toHaveLength(1);
    expect(second.served()).toEqual(first.served());
    expect([...first.told(), ...second.told()].sort()).toEqual([
      'certificate.adopted',
      'certificate.obtain.finished',
      'certificate.obtain.started',
    ]);
  });

  it('learn of what the others renewed within two seconds', async () => {
    const daemon = await world.daemon();
    await world.clock.advance(MINUTE);
    const command = await world.process();
    await command.manager.run({ ids: ['example.com'], force: true });
    await world.clock.advance(2_000);
    expect(daemon.served()).toEqual(command.served());
    expect(daemon.told().at(-1)).toBe('certificate.adopted');
  });

  it('respect the failures of the others', async () => {
    world.ca.fails = () => new RigilError('challenge-failed', 'no');
    const daemon = await world.daemon();
    await world.clock.advance(12 * MINUTE);
    const before = world.ca.orders.length;
    const cron = await world.process([com], {});
    const result = await cron.manager.run();
    expect(world.ca.orders).toHaveLength(before);
    expect(result.failed[0]).toMatchObject({ id: 'example.com', code: 'challenge-failed' });
    expect(daemon.told()).not.toContain('fault');
  });

  it('defer to a failure that happened while they waited', async () => {
    world.ca.takesMs = MINUTE;
    world.ca.fails = () => new RigilError('challenge-failed', 'no');
    const [first, second] = [await world.process(), await world.process()];
    const results = Promise.all([first.manager.run(), second.manager.run()]);
    await world.clock.advance(2 * MINUTE);
    expect((await results).map(({ failed }) => failed[0]?.code)).toEqual([
      'challenge-failed',
      'challenge-failed',
    ]);
    expect(world.ca.orders).toHaveLength(1);
  });

  it('back off after one that died in the middle, again and again', async () => {
    world.ca.hangs = () => new Promise(() => {});
    for (let life = 0; life < 200; life += 1) {
      // A clock that stands still is the end of a life; what it had under way never ends.
      const clock = new FakeClock(START + life * 10_000);
      await world.daemon([com], { clock });
      await clock.advance(10_000);
      // Its lock goes with the process. Nobody tidied up.
      world.shared.queues.clear();
    }
    expect(world.ca.orders.length).toBeGreaterThan(1);
    expect(world.ca.orders.length).toBeLessThanOrEqual(5);
  });

  it('agree on when to renew', async () => {
    const asked: string[] = [];
    world.ca.renewalInfo = async ({ ariId, notBefore }) => {
      asked.push(ariId ?? '');
      const start = notBefore + 10 * DAY;
      return {
        start,
        end: start + 10 * DAY,
        explanationUrl: null,
        nextFetchAt: world.clock.now() + 6 * HOUR,
      };
    };
    let chance = 0.1;
    const random = () => ({ fraction: () => chance, bytes: (size: number) => Buffer.alloc(size) });
    const first = await world.daemon([com], { random: random() });
    await world.clock.advance(MINUTE);
    chance = 0.9;
    const second = await world.daemon([com], { random: random() });
    await world.clock.advance(MINUTE);
    const selected = [first, second].map(({ manager }) => manager.views(0)[0]?.ari?.selected);
    expect(selected[0]).toBe('2026-06-12T00:00:00.000Z');
    expect(selected[1]).toBe(selected[0]);
    expect(asked).toHaveLength(1);
    await world.clock.advance(11 * DAY + HOUR);
    expect(world.ca.orders).toHaveLength(2);
  });
});

describe('advice on renewal', () => {
  it('is asked for again when it gets old, and followed when it changes', async () => {
    let start = 50 * DAY;
    world.ca.renewalInfo = async ({ notBefore }) => ({
      start: notBefore + start,
      end: notBefore + start + HOUR,
      explanationUrl: 'https://ca.example/incident',
      nextFetchAt: world.clock.now() + 6 * HOUR,
    });
    const { told, events } = await world.daemon();
    await world.clock.advance(10 * DAY);
    expect(told().filter((event) => event === 'ari.updated')).toHaveLength(1);
    expect(world.ca.orders).toHaveLength(1);
    // It was revoked: the window lies in the past.
    start = 1 * DAY;
    await world.clock.advance(7 * HOUR);
    expect(world.ca.orders).toHaveLength(2);
    const renewal = events.find((event) => event.event === 'certificate.renew.started');
    expect(renewal).toMatchObject({ reason: expect.stringContaining('https://ca.example/incident') });
  });

  it('that cannot be had is asked for ever less often, and the usual rule holds', async () => {
    let asked = 0;
    world.ca.renewalInfo = async () => {
      asked += 1;
      throw new RigilError('issuer-unavailable', 'no');
    };
    const { told } = await world.daemon();
    await world.clock.advance(DAY);
    expect(asked).toBeGreaterThanOrEqual(4);
    expect(asked).toBeLessThanOrEqual(8);
    expect(told()).toContain('ari.failed');
    await world.clock.advance(60 * DAY);
    expect(world.ca.orders).toHaveLength(2);
  });

  it('is had without the store too', async () => {
    const { manager } = await world.daemon();
    await world.clock.advance(MINUTE);
    world.shared.fails = new Set(['locks', 'saves', 'journal', 'reads']);
    world.ca.renewalInfo = async ({ notBefore }) => ({
      start: notBefore,
      end: notBefore + DAY,
      explanationUrl: null,
      nextFetchAt: world.clock.now() + 6 * HOUR,
    });
    manager.setWanted([com], new Map(world.issuers));
    await world.clock.advance(MINUTE);
    expect(manager.views(0)[0]?.ari?.selected).toBe('2026-06-01T12:00:00.000Z');
  });
});

describe('stop', () => {
  it('breaks flights off, waits for them, and leaves no failure behind', async () => {
    world.ca.takesMs = HOUR;
    const { manager, served, told } = await world.daemon();
    await world.clock.advance(MINUTE);
    expect(world.shared.journal.size).toBe(1);
    await manager.stop();
    expect(world.ca.aborted).toBe(1);
    expect(world.shared.journal.size).toBe(0);
    expect(world.shared.queues.size).toBe(0);
    expect(told()).toEqual(['certificate.obtain.started', 'certificate.obtain.failed']);
    await world.clock.advance(DAY);
    expect(world.ca.orders).toHaveLength(1);
    expect(served()).toBeNull();
  });

  it('does not wait for ever for one that does not listen', async () => {
    world.ca.hangs = () => new Promise(() => {});
    const { manager } = await world.daemon();
    await world.clock.advance(MINUTE);
    let stopped = false;
    const stopping = manager.stop(1_000).then(() => {
      stopped = true;
    });
    await world.clock.advance(2_000);
    expect(stopped).toBe(true);
    await stopping;
  });

  it('of a manager that never started is at once', async () => {
    await (await world.process()).manager.stop();
  });
});
