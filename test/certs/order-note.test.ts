import { beforeEach, describe, expect, it } from 'vitest';
import { type Issued, type Issuer, lockKeyOf, type Order } from '../../src/certs/ports.ts';
import { RigilError } from '../../src/errors.ts';
import { DAY, HOUR, MINUTE, makeFailure, makeWanted, START } from './make.ts';
import type { MemoryStore } from './memory-store.ts';
import { quickCertificate } from './quick-certificate.ts';
import { type Process, World } from './world.ts';

/** A CA with orders that can be gone on with: each gives one certificate, however often it is asked for. */
class NotingIssuer implements Issuer {
  readonly name: string;
  /** The certificates of its orders, by what is noted of them. */
  readonly placed: Issued[] = [];
  /** Orders that were begun or gone on with. */
  served = 0;
  hangs = false;
  readonly #now: () => number;

  constructor(name: string, now: () => number) {
    this.name = name;
    this.#now = now;
  }

  async issue({ names, note }: Order): Promise<Issued> {
    const known = (await note?.read()) ?? null;
    const number = known?.startsWith(`${this.name} `) === true ? Number(known.split(' ')[1]) : -1;
    const issued = this.placed[number] ?? this.#place(names);
    if (number < 0) await note?.write(`${this.name} ${this.placed.length - 1}`);
    this.served += 1;
    if (this.hangs) await new Promise(() => {});
    return issued;
  }

  #place(names: readonly string[]): Issued {
    const issued = quickCertificate(names, this.#now(), this.#now() + 90 * DAY);
    this.placed.push(issued);
    return issued;
  }
}

let world: World;
let ca: NotingIssuer;
let second: NotingIssuer;
beforeEach(() => {
  world = new World();
  ca = new NotingIssuer('ca', () => world.clock.now());
  second = new NotingIssuer('second', () => world.clock.now());
});

const issuers = () => new Map<string, Issuer>([ca, second].map((each) => [each.name, each]));
const note = () => world.shared.orders.get('example.com')?.toString() ?? null;

async function daemon(
  wanted = makeWanted(),
  store: MemoryStore = world.shared.open(),
): Promise<Process & { die(): void }> {
  const process = await world.daemon([wanted], { store }, issuers());
  return { ...process, die: () => store.kill() };
}

/** A daemon that is killed in the middle of an order. */
async function dyingDaemon(wanted = makeWanted()): Promise<void> {
  ca.hangs = true;
  const dying = await daemon(wanted);
  await world.clock.advance(1_000);
  dying.die();
  ca.hangs = false;
}

describe('an order whose daemon dies', () => {
  it('is gone on with at once by the one who waits for the lock', async () => {
    ca.hangs = true;
    const dying = await daemon();
    const waiting = await daemon();
    await world.clock.advance(1_000);
    expect(note()).toBe('ca 0');
    ca.hangs = false;
    dying.die();
    await world.clock.advance(5_000);
    expect(waiting.served()?.chain).toBe(ca.placed[0]?.chain);
    expect(ca.placed).toHaveLength(1);
    expect(note()).toBeNull();
    expect(world.shared.journal.size).toBe(0);
  });

  it('is gone on with where it is, also by one who was about to ask another issuer', async () => {
    const wanted = makeWanted({ issuers: ['ca', 'second'] });
    const dying = world.shared.open();
    await dying.lock(lockKeyOf('example.com'), new AbortController().signal);
    const waiting = await daemon(wanted);
    await world.clock.advance(1_000);
    await second.issue({
      id: 'example.com',
      names: wanted.names,
      replaces: null,
      note: {
        lost: new AbortController().signal,
        read: async () => null,
        write: async (content) => void world.shared.orders.set('example.com', Buffer.from(content)),
        erase: async () => {},
      },
    });
    const failure = makeFailure({
      code: 'issuance-interrupted',
      at: world.clock.now(),
      retryAt: world.clock.now() + MINUTE,
      nextIssuer: 'second',
    });
    await dying.writeJournal('example.com', { failure, ari: null });
    dying.kill();
    await world.clock.advance(5_000);
    expect(waiting.served()?.chain).toBe(second.placed[0]?.chain);
    expect([ca.placed.length, second.placed.length]).toEqual([0, 1]);
  });

  it('is gone on with by the next command', async () => {
    await dyingDaemon();
    const { manager } = await world.process([makeWanted()], {}, issuers());
    expect(await manager.run({})).toMatchObject({ renewed: [{ id: 'example.com' }] });
    expect(ca.placed).toHaveLength(1);
  });

  it('makes the third one wait: it may be what kills them', async () => {
    await dyingDaemon();
    await dyingDaemon();
    expect(ca.served).toBe(2);
    const third = await daemon();
    await world.clock.advance(30_000);
    expect(ca.served).toBe(2);
    await world.clock.advance(MINUTE);
    expect(third.served()?.chain).toBe(ca.placed[0]?.chain);
    expect(ca.placed).toHaveLength(1);
  });

  it('stays with its issuer, until a second one has died with it', async () => {
    const wanted = makeWanted({ issuers: ['ca', 'second'] });
    await dyingDaemon(wanted);
    await dyingDaemon(wanted);
    expect([ca.placed.length, second.placed.length]).toEqual([1, 0]);
    const { served } = await daemon(wanted);
    await world.clock.advance(HOUR);
    expect(served()?.facts.issuer).toBe('second');
    expect(note()).toBeNull();
  });
});

describe('the note of an order', () => {
  it('ends when the certificate is stored, not before', async () => {
    world.shared.fails.add('saves');
    const { served } = await daemon();
    await world.clock.advance(MINUTE);
    expect(served()).not.toBeNull();
    expect(note()).toBe('ca 0');
    world.shared.fails.clear();
    await world.clock.advance(HOUR);
    expect(world.shared.certificates.size).toBe(1);
    expect(note()).toBeNull();
    expect(ca.placed).toHaveLength(1);
  });

  it('that outlived its order brings no old certificate back', async () => {
    const { served } = await daemon();
    await world.clock.advance(MINUTE);
    const first = served()?.facts.fingerprint;
    world.shared.orders.set('example.com', Buffer.from('ca 0'));
    const { manager } = await world.process([makeWanted()], {}, issuers());
    expect(await manager.run({ ids: ['example.com'], force: true })).toMatchObject({ failed: [] });
    await world.clock.advance(MINUTE);
    expect(served()?.facts.fingerprint).not.toBe(first);
    expect(ca.placed).toHaveLength(2);
    expect(note()).toBeNull();
  });

  it('has to be possible, and is done without when a certificate is about to expire', async () => {
    world.shared.fails.add('orders');
    const { served, told } = await daemon();
    await world.clock.advance(MINUTE);
    expect(served()).toBeNull();
    expect(told()).toContain('certificate.obtain.failed');
    world.shared.fails.clear();
    await world.clock.advance(HOUR);
    const first = served()?.facts.fingerprint;
    expect(first).toBeDefined();
    for (const fault of ['orders', 'journal', 'saves'] as const) world.shared.fails.add(fault);
    await world.clock.advance(START + 90 * DAY - world.clock.now());
    expect(served()?.facts.fingerprint).not.toBe(first);
  });

  it('that no key opens is told of, and gives way to a new order', async () => {
    await dyingDaemon();
    const store = world.shared.open();
    let sealed = true;
    const { readOrder } = store;
    store.readOrder = (id) =>
      sealed ? Promise.reject(new RigilError('store-sealed', 'no key fits')) : readOrder.call(store, id);
    const { served, events } = await daemon(makeWanted(), store);
    await world.clock.advance(2 * MINUTE);
    sealed = false;
    expect(served()).not.toBeNull();
    expect(ca.placed).toHaveLength(2);
    expect(events).toContainEqual(expect.objectContaining({ event: 'store.problem', code: 'store-sealed' }));
  });
});
