import { beforeEach, describe, expect, it } from 'vitest';
import { Refusal, RigilError } from '../../src/errors.ts';
import { DAY, HOUR, MINUTE, makeWanted, START } from './make.ts';
import { World } from './world.ts';

const many = (count: number) =>
  Array.from({ length: count }, (_, index) => makeWanted({ id: `${index}.example.com` }));
const unavailable = () => new RigilError('issuer-unavailable', 'nobody answers');

let world: World;
beforeEach(() => {
  world = new World();
});

describe('a manager that works by itself', () => {
  it('obtains what is missing, stores it, publishes it, and renews it in time', async () => {
    const { manager, served, told, events } = await world.daemon();
    await world.clock.advance(MINUTE);
    expect(served()?.facts).toMatchObject({ id: 'example.com', names: ['example.com'], issuer: 'ca' });
    expect([...world.shared.certificates.values()]).toEqual([served()]);
    expect(told()).toEqual(['certificate.obtain.started', 'certificate.obtain.finished']);
    expect(events[0]).toMatchObject({ reason: 'there is no certificate yet' });

    const first = served();
    await world.clock.advance(60 * DAY - HOUR);
    expect(world.ca.orders).toHaveLength(1);
    await world.clock.advance(2 * HOUR);
    expect(world.ca.orders).toHaveLength(2);
    expect(world.ca.orders[1]?.replaces).toEqual(first?.facts);
    expect(served()?.facts.fingerprint).not.toBe(first?.facts.fingerprint);
    expect(manager.work()).toEqual([]);
  });

  it('serves what the store has from the first moment', async () => {
    await world.daemon();
    await world.clock.advance(MINUTE);
    const { published, served } = await world.process();
    expect(published).toHaveLength(1);
    expect(served()?.facts.id).toBe('example.com');
  });

  it('hands out a new certificate after it is stored, and not before', async () => {
    const { published } = await world.daemon();
    const atPublication: number[] = [];
    Object.defineProperty(published, 'push', {
      value: () => atPublication.push(world.shared.certificates.size),
    });
    await world.clock.advance(MINUTE);
    expect(atPublication).toEqual([1]);
  });

  it('keeps a certificate the same object for as long as it is the same', async () => {
    const { published } = await world.daemon([makeWanted(), makeWanted({ id: 'example.org' })]);
    await world.clock.advance(MINUTE);
    const [before, after] = published.slice(-2);
    expect(after?.get('example.com')).toBe(before?.get('example.com'));
  });

  it('backs off after failures, and tells when it goes on', async () => {
    world.ca.fails = unavailable;
    const { manager, events, told } = await world.daemon();
    await world.clock.advance(12 * MINUTE);
    expect(world.ca.orders.map(({ at }) => at - START)).toEqual([0, MINUTE, 11 * MINUTE]);
    expect(told().filter((event) => event === 'certificate.obtain.failed')).toHaveLength(3);
    expect(events.at(-1)).toMatchObject({
      code: 'issuer-unavailable',
      attempts: 3,
      retryAt: '2026-06-01T01:51:00.000Z',
    });
    expect(manager.views(world.clock.now())[0]).toMatchObject({
      status: 'missing',
      lastError: { code: 'issuer-unavailable', attempts: 3 },
    });
  });

  it('comes back when the CA said', async () => {
    world.ca.fails = () => new Refusal('rate-limited', 'too many', { retryAt: START + 5 * HOUR });
    await world.daemon();
    await world.clock.advance(5 * HOUR - 1);
    expect(world.ca.orders).toHaveLength(1);
    await world.clock.advance(1);
    expect(world.ca.orders).toHaveLength(2);
  });

  it('asks the next issuer at once, and the first one again with the next renewal', async () => {
    world.ca.fails = unavailable;
    const { served } = await world.daemon([makeWanted({ issuers: ['ca', 'second'] })]);
    await world.clock.advance(1000);
    expect(served()?.facts.issuer).toBe('second');
    world.ca.fails = () => null;
    await world.clock.advance(61 * DAY);
    expect(served()?.facts.issuer).toBe('ca');
  });

  it('orders nothing that was refused for good', async () => {
    world.ca.fails = () => new RigilError('identifier-refused', 'never');
    const { manager } = await world.daemon();
    await world.clock.advance(30 * DAY);
    expect(world.ca.orders).toHaveLength(1);
    expect(manager.views(world.clock.now())[0]?.status).toBe('blocked');
  });

  it('is content with a certificate that has more names than were ordered', async () => {
    const { issue } = world.ca;
    world.ca.issue = (order, signal) =>
      issue.call(world.ca, { ...order, names: [...order.names, 'www.example.com'] }, signal);
    const { served } = await world.daemon();
    await world.clock.advance(10 * DAY);
    expect(world.ca.orders).toHaveLength(1);
    expect(served()?.facts.names).toEqual(['example.com']);
    await world.process();
    await world.clock.advance(10 * DAY);
    expect(world.ca.orders).toHaveLength(1);
  });

  it('does not ask a CA in a circle that says to renew at once, whatever it issues', async () => {
    world.ca.renewalInfo = async ({ notBefore }) => ({
      start: notBefore - 2 * HOUR,
      end: notBefore - HOUR,
      explanationUrl: null,
      nextFetchAt: world.clock.now() + HOUR,
    });
    await world.daemon();
    await world.clock.advance(5 * DAY);
    expect(world.ca.orders.length).toBeLessThanOrEqual(6);
  });

  it('does not ask a CA in a circle whose certificates are nearly expired', async () => {
    world.ca.lifeMs = 3 * HOUR;
    await world.daemon();
    await world.clock.advance(DAY);
    expect(world.ca.orders.length).toBeLessThanOrEqual(24);
  });

  it('refuses what does not serve the names, and says so', async () => {
    world.ca.issue = async (order) =>
      new (await import('./fake-issuer.ts')).FakeIssuer('x', world.clock).issue(
        { ...order, names: ['other.example.com'] },
        new AbortController().signal,
      );
    const { served, events } = await world.daemon();
    await world.clock.advance(1000);
    expect(served()).toBeNull();
    expect(events.at(-1)).toMatchObject({ event: 'certificate.obtain.failed', code: 'certificate-unusable' });
  });

  it('says that an issuer is unknown instead of waiting for it', async () => {
    const { events } = await world.daemon([makeWanted({ issuers: ['nobody'] })]);
    await world.clock.advance(1000);
    expect(events.at(-1)).toMatchObject({ code: 'issuer-unknown', retryAt: null });
  });
});

describe('flights', () => {
  it('are eight at a time at an issuer, and one for a certificate', async () => {
    world.ca.takesMs = MINUTE;
    const { manager } = await world.daemon(many(20));
    await world.clock.advance(1000);
    expect(manager.work()).toHaveLength(8);
    for (let count = 0; count < 5; count += 1) manager.tick();
    expect(world.ca.orders).toHaveLength(8);
    await world.clock.advance(3 * MINUTE);
    expect(world.ca.orders).toHaveLength(20);
    expect(new Set(world.ca.orders.map(({ id }) => id)).size).toBe(20);
  });

  it('that are stuck delay no others', async () => {
    world.ca.hangs = ({ id }) => (id === '0.example.com' ? new Promise(() => {}) : null);
    const { served } = await world.daemon([
      ...many(30),
      makeWanted({ id: 'example.org', issuers: ['second'] }),
    ]);
    await world.clock.advance(1000);
    expect(served('29.example.com')).not.toBeNull();
    expect(served('0.example.com')).toBeNull();
  });

  it('at an issuer that hangs delay nothing at another one', async () => {
    world.ca.hangs = () => new Promise(() => {});
    const { served } = await world.daemon([
      ...many(30),
      makeWanted({ id: 'example.org', issuers: ['second'] }),
    ]);
    await world.clock.advance(1000);
    expect(served('example.org')).not.toBeNull();
  });

  it('end after the time that their issuer names, even when it does not listen', async () => {
    world.ca.timeoutMs = 2 * MINUTE;
    world.ca.hangs = () => new Promise(() => {});
    const { events, manager } = await world.daemon();
    await world.clock.advance(2 * MINUTE + 6_000);
    expect(events.at(-1)).toMatchObject({ event: 'certificate.obtain.failed', code: 'issuance-timed-out' });
    expect(manager.work()).toEqual([]);
    world.ca.hangs = null;
    await world.clock.advance(2 * MINUTE);
    expect(world.ca.orders).toHaveLength(2);
  });

  it('that break with a bug free their certificate and are tried again', async () => {
    let broken = true;
    const { manager, told, served } = await world.process([makeWanted()], {
      longestNapMs: MINUTE,
      random: {
        fraction: () => {
          if (broken) throw new TypeError('a bug');
          return 0.5;
        },
        bytes: (size) => Buffer.alloc(size),
      },
    });
    manager.start();
    await world.clock.advance(1000);
    expect(told()).toContain('fault');
    expect(manager.work()).toEqual([]);
    broken = false;
    await world.clock.advance(2 * MINUTE);
    expect(served()).not.toBeNull();
  });

  it('for what a client waits for go first', async () => {
    world.ca.takesMs = MINUTE;
    const { manager } = await world.process(many(20));
    expect(manager.prioritise('19.example.com')).toBe(true);
    expect(manager.prioritise('19.example.com')).toBe(false);
    expect(manager.prioritise('nobody wants it')).toBe(false);
    manager.start();
    await world.clock.advance(1000);
    expect(world.ca.orders[0]?.id).toBe('19.example.com');
  });

  it('do not go faster than their issuer allows', async () => {
    world.ca.paces = [{ issuances: 3, perMs: HOUR }];
    await world.daemon(many(7));
    await world.clock.advance(3 * HOUR - 1);
    expect(world.ca.orders.map(({ at }) => Math.floor((at - START) / HOUR))).toEqual([0, 0, 0, 1, 1, 1, 2]);
  });

  it.each([
    ['have the same pace', 3],
    ['have different paces', 6],
  ])('at two issuers with one account do not go faster than the account may: they %s', async (_, second) => {
    world.ca.paces = [{ issuances: 3, perMs: HOUR }];
    world.second.paces = [{ issuances: second, perMs: HOUR }];
    for (const issuer of [world.ca, world.second]) issuer.account = 'ours';
    const wanted = many(8).map((each, index) => ({ ...each, issuers: [index % 2 === 0 ? 'ca' : 'second'] }));
    await (await world.daemon(wanted)).manager.stop();
    await world.clock.advance(MINUTE);
    await world.daemon(wanted);
    await world.clock.advance(2 * HOUR - 2 * MINUTE);
    const orders = [...world.ca.orders, ...world.second.orders];
    const inHour = (hour: number): number =>
      orders.filter(({ at }) => Math.floor((at - START) / HOUR) === hour).length;
    expect(inHour(0)).toBeLessThanOrEqual(3 + world.ca.aborted + world.second.aborted);
    expect(inHour(1)).toBeLessThanOrEqual(3);
    expect(world.second.orders.length).toBeGreaterThan(0);
  });

  it('do not go faster after a restart either', async () => {
    world.ca.paces = [{ issuances: 3, perMs: HOUR }];
    await (await world.daemon(many(3))).manager.stop();
    await world.clock.advance(MINUTE);
    const first = await world.daemon(many(3));
    await world.clock.advance(MINUTE);
    await first.manager.stop();
    await world.daemon(many(7));
    await world.clock.advance(HOUR - 3 * MINUTE);
    expect(world.ca.orders.length).toBeLessThanOrEqual(6);
    const perHour = world.ca.orders.filter(({ at }) => at < START + HOUR);
    expect(perHour.length).toBeLessThanOrEqual(3 + world.ca.aborted);
  });
});

describe('a manager that rests', () => {
  it('lets what runs finish, starts nothing, and goes on when it is told to', async () => {
    world.ca.takesMs = 2 * MINUTE;
    const { manager, told, served } = await world.daemon();
    await world.clock.advance(MINUTE);
    const paused = manager.rest(5 * MINUTE);
    manager.setWanted([makeWanted(), makeWanted({ id: 'example.org' })], world.issuers);
    await world.clock.advance(MINUTE);
    await paused;
    expect(told()).toEqual(['certificate.obtain.started', 'certificate.obtain.finished']);
    expect(served()?.facts.id).toBe('example.com');

    await world.clock.advance(HOUR);
    expect(world.ca.orders).toHaveLength(1);
    manager.endRest();
    await world.clock.advance(3 * MINUTE);
    expect(world.ca.orders.map(({ id }) => id)).toEqual(['example.com', 'example.org']);
    expect(served('example.org')?.facts.id).toBe('example.org');
  });

  it('breaks off what takes too long, and leaves it to who comes next', async () => {
    world.ca.takesMs = 60 * MINUTE;
    const { manager } = await world.daemon();
    await world.clock.advance(MINUTE);
    const paused = manager.rest(20_000);
    await world.clock.advance(20_000);
    await paused;
    expect(world.ca.aborted).toBe(1);
    expect(manager.work()).toEqual([]);

    world.ca.takesMs = 0;
    const next = await world.daemon();
    await world.clock.advance(MINUTE);
    expect(next.told()).toEqual(['certificate.obtain.started', 'certificate.obtain.finished']);
  });
});
