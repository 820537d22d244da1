import { beforeEach, describe, expect, it } from 'vitest';
import { RigilError } from '../../src/errors.ts';
import { DAY, HOUR, MINUTE, makeWanted } from './make.ts';
import { World } from './world.ts';

const com = makeWanted();
const both = makeWanted({ names: ['example.com', 'www.example.com'] });
const swapped = makeWanted({ names: ['www.example.com', 'example.com'] });

let world: World;
beforeEach(() => {
  world = new World();
});

describe('a reload', () => {
  it('publishes at once what is held of the new configuration', async () => {
    const { manager, served, published } = await world.daemon([com, makeWanted({ id: 'example.org' })]);
    await world.clock.advance(MINUTE);
    const held = served();
    manager.setWanted([com], world.issuers);
    expect([...(published.at(-1)?.keys() ?? [])]).toEqual(['example.com']);
    expect(served()).toBe(held);
  });

  it('serves the old certificate until one with the new names is there', async () => {
    const { manager, served } = await world.daemon([com]);
    await world.clock.advance(MINUTE);
    const old = served();
    world.ca.takesMs = 5 * MINUTE;
    manager.setWanted([both], world.issuers);
    expect(served()).toBe(old);
    await world.clock.advance(4 * MINUTE);
    expect(served()).toBe(old);
    await world.clock.advance(2 * MINUTE);
    expect(served()?.facts.names).toEqual(both.names);
  });

  it('keeps it also when a certificate with the new names is refused', async () => {
    const { manager, served } = await world.daemon([com]);
    await world.clock.advance(MINUTE);
    world.ca.fails = () => new RigilError('identifier-refused', 'never');
    manager.setWanted([both], world.issuers);
    await world.clock.advance(80 * DAY);
    expect(served()?.facts.names).toEqual(['example.com']);
    expect(manager.views(world.clock.now())[0]).toMatchObject({
      status: 'expiring',
      lastError: { code: 'identifier-refused' },
    });
  });

  it('serves a certificate of another id with some of the names until the right one is there', async () => {
    const { manager, served } = await world.daemon([com]);
    await world.clock.advance(MINUTE);
    const old = served();
    world.ca.takesMs = 5 * MINUTE;
    manager.setWanted([makeWanted({ names: ['new.example.com', 'example.com'] })], world.issuers);
    expect(served('new.example.com')).toBe(old);
    await world.clock.advance(6 * MINUTE);
    expect(served('new.example.com')?.facts.names).toEqual(['new.example.com', 'example.com']);
  });

  it('orders nothing when only the order of the names changed, and stores what there is under the new id', async () => {
    const { manager, served } = await world.daemon([both]);
    await world.clock.advance(MINUTE);
    manager.setWanted([swapped], world.issuers);
    expect(served('www.example.com')?.facts.id).toBe('www.example.com');
    await world.clock.advance(MINUTE);
    expect(world.ca.orders).toHaveLength(1);
    expect([...world.shared.certificates.values()].map(({ facts }) => facts.id)).toEqual([
      'example.com',
      'www.example.com',
    ]);
    expect(world.shared.certificates.get('ca\nwww.example.com')?.chain).toBe(
      served('www.example.com')?.chain,
    );
  });

  it('takes over from the store what was not wanted before', async () => {
    await (await world.daemon([com])).manager.run();
    const { manager, served, told } = await world.daemon([]);
    manager.setWanted([com], world.issuers);
    await world.clock.advance(1000);
    expect(served()).not.toBeNull();
    expect(told()).toContain('certificate.adopted');
    expect(world.ca.orders).toHaveLength(1);
  });

  it('renews what came from an issuer that is not wanted any more', async () => {
    const { manager, served } = await world.daemon([com]);
    await world.clock.advance(MINUTE);
    manager.setWanted([makeWanted({ issuers: ['second'] })], world.issuers);
    expect(served()?.facts.issuer).toBe('ca');
    await world.clock.advance(MINUTE);
    expect(served()?.facts.issuer).toBe('second');
    expect(world.second.orders[0]?.replaces).toBeNull();
  });

  it('does not order again because of a second wanted issuer', async () => {
    const { manager } = await world.daemon([com]);
    await world.clock.advance(MINUTE);
    manager.setWanted([makeWanted({ issuers: ['second', 'ca'] })], world.issuers);
    await world.clock.advance(30 * DAY);
    expect(world.second.orders).toHaveLength(0);
  });
});

describe('a reload while flights are under way', () => {
  it('lets those go on that are still wanted', async () => {
    world.ca.takesMs = 2 * MINUTE;
    const { manager, served } = await world.daemon([com]);
    for (let count = 0; count < 10; count += 1) {
      await world.clock.advance(10_000);
      manager.setWanted(
        [com, makeWanted({ id: `${count}.example.org`, issuers: ['second'] })],
        world.issuers,
      );
    }
    await world.clock.advance(MINUTE);
    expect(served()).not.toBeNull();
    expect(world.ca.orders).toHaveLength(1);
    expect(world.ca.aborted).toBe(0);
  });

  it('breaks off those that are not, and drops what they bring', async () => {
    world.ca.takesMs = MINUTE;
    const { manager, published } = await world.daemon([com]);
    await world.clock.advance(10_000);
    manager.setWanted([], world.issuers);
    await world.clock.advance(10_000);
    expect(world.ca.aborted).toBe(1);
    expect(manager.work()).toEqual([]);
    expect(published.at(-1)?.size).toBe(0);
    expect(world.shared.journal.size).toBe(0);
  });

  it('orders for the new names when those of a flight are not wanted any more', async () => {
    world.ca.takesMs = MINUTE;
    const { manager, served } = await world.daemon([com]);
    await world.clock.advance(10_000);
    manager.setWanted([both], world.issuers);
    await world.clock.advance(2 * MINUTE);
    expect(world.ca.orders.map(({ names }) => names.length)).toEqual([1, 2]);
    expect(served()?.facts.names).toEqual(both.names);
  });

  it('drops what a flight brings that does not listen', async () => {
    const late = Promise.withResolvers<void>();
    world.ca.hangs = () => late.promise;
    const { manager, served, told } = await world.daemon([com]);
    await world.clock.advance(10_000);
    manager.setWanted([makeWanted({ issuers: ['second'] })], world.issuers);
    await world.clock.advance(MINUTE);
    expect(served()?.facts.issuer).toBe('second');
    late.resolve();
    await world.clock.advance(MINUTE);
    expect(served()?.facts.issuer).toBe('second');
    expect(told().filter((event) => event.endsWith('.finished'))).toHaveLength(1);
  });
});

describe('a reload after failures', () => {
  it('tries again what was refused for good', async () => {
    world.ca.fails = () => new RigilError('identifier-refused', 'never');
    const { manager, served } = await world.daemon([com]);
    await world.clock.advance(DAY);
    world.ca.fails = () => null;
    manager.setWanted([com], world.issuers);
    await world.clock.advance(1000);
    expect(served()).not.toBeNull();
  });

  it('does not wait out the pause of a day', async () => {
    world.ca.fails = () => new RigilError('challenge-failed', 'no');
    const { manager } = await world.daemon([com]);
    await world.clock.advance(3 * HOUR);
    const before = world.ca.orders.length;
    manager.setWanted([com], world.issuers);
    await world.clock.advance(1000);
    expect(world.ca.orders).toHaveLength(before + 1);
  });

  it('again and again never gets past five attempts an hour', async () => {
    world.ca.fails = () => new RigilError('challenge-failed', 'no');
    const { manager } = await world.daemon([com]);
    for (let count = 0; count < 6 * 60; count += 1) {
      await world.clock.advance(10_000);
      manager.setWanted([com], world.issuers);
    }
    expect(world.ca.orders.length).toBeLessThanOrEqual(5);
  });

  it('does not forget them when a route goes and comes back', async () => {
    world.ca.fails = () => new RigilError('challenge-failed', 'no');
    const { manager } = await world.daemon([com]);
    for (let count = 0; count < 6 * 60; count += 1) {
      await world.clock.advance(10_000);
      manager.setWanted(count % 2 === 0 ? [] : [com], world.issuers);
    }
    expect(world.ca.orders.length).toBeLessThanOrEqual(5);
  });

  it('only looked at changes nothing', async () => {
    world.ca.fails = () => new RigilError('identifier-refused', 'never');
    const { manager } = await world.daemon([com]);
    await world.clock.advance(MINUTE);
    await manager.stop();
    const looking = world.idle();
    await looking.manager.load();
    looking.manager.setWanted([com], world.issuers, { retry: false });
    expect(looking.manager.views(world.clock.now())[0]?.status).toBe('blocked');
    expect(looking.manager.plan(world.clock.now()).actions).toEqual([]);
  });
});
