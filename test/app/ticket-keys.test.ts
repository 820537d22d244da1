import { describe, expect, it } from 'vitest';
import { TicketKeys, type TicketKeysOptions } from '../../src/app/ticket-keys.ts';
import { RigilError } from '../../src/errors.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { FakeClock } from '../certs/fake-clock.ts';

const HOUR = 3_600_000;

/** The one document that machines share, with a database that may be away. */
class SharedDocument {
  content: Buffer | null = null;
  away = false;
  readonly #watchers = new Set<() => void>();

  get store(): TicketKeysOptions['store'] {
    return {
      documents: { readDocument: async () => this.#read() },
      fleet: {
        watchDocuments: (_kind: string, onChange: () => void) => {
          this.#watchers.add(onChange);
          return () => this.#watchers.delete(onChange);
        },
        replaceDocument: async (_path: unknown, expected: Buffer | null, content: Buffer) => {
          const current = this.#read();
          if (expected === null ? current !== null : current?.equals(expected) !== true) return false;
          this.content = content;
          for (const tell of this.#watchers) tell();
          return true;
        },
      },
    } as unknown as TicketKeysOptions['store'];
  }

  #read(): Buffer | null {
    if (this.away) throw new RigilError('store-unreadable', 'it is away');
    return this.content;
  }
}

const ALONE = { documents: {}, fleet: null } as unknown as TicketKeysOptions['store'];

/** A machine, and the keys that it has put in force. */
async function machine(clock: FakeClock, store: TicketKeysOptions['store'] = ALONE) {
  const used: string[] = [];
  const faults: unknown[] = [];
  const keys = new TicketKeys({
    store,
    clock,
    random: systemRandom,
    use: (bytes) => used.push(Buffer.from(bytes).toString('hex')),
    onFault: (fault) => faults.push(fault),
  });
  await keys.start();
  const stop = keys.watch();
  return { keys, used, faults, stop, now: () => Buffer.from(keys.keys).toString('hex') };
}

describe('the keys that seal session tickets', () => {
  it('are new every day, and not more often', async () => {
    const clock = new FakeClock();
    const { used, now, keys } = await machine(clock);
    const first = now();
    expect(keys.keys).toHaveLength(48);
    await clock.advance(23.9 * HOUR);
    expect([now(), used]).toEqual([first, []]);
    await clock.advance(0.3 * HOUR);
    expect(now()).not.toBe(first);
    expect(used).toEqual([now()]);
    await clock.advance(48 * HOUR);
    expect(new Set([first, ...used]).size).toBe(4);
  });

  it('are new at once after a revocation, and then live their day', async () => {
    const clock = new FakeClock();
    const { keys, now } = await machine(clock);
    const first = now();
    await clock.advance(20 * HOUR);
    keys.rotate();
    const second = now();
    expect(second).not.toBe(first);
    await clock.advance(20 * HOUR);
    expect(now()).toBe(second);
    await clock.advance(5 * HOUR);
    expect(now()).not.toBe(second);
  });

  it('are the same on all machines, also after each day and after a revocation', async () => {
    const clock = new FakeClock();
    const shared = new SharedDocument();
    const machines = [await machine(clock, shared.store), await machine(clock, shared.store)];
    machines.push(await machine(clock, shared.store));
    const inForce = () => new Set(machines.map(({ now }) => now()));
    expect(inForce().size).toBe(1);
    const seen = new Set(inForce());
    for (let day = 0; day < 3; day += 1) {
      await clock.advance(24.5 * HOUR);
      expect(inForce().size).toBe(1);
      for (const keys of inForce()) seen.add(keys);
    }
    expect(seen.size).toBe(4);
    machines[1]?.keys.rotate();
    await clock.advance(HOUR);
    expect(inForce().size).toBe(1);
    expect([...inForce()].some((keys) => seen.has(keys))).toBe(false);
  });

  it('stay while the database is away, and are shared again when it is back', async () => {
    const clock = new FakeClock();
    const shared = new SharedDocument();
    const [one, two] = [await machine(clock, shared.store), await machine(clock, shared.store)];
    const first = one.now();
    shared.away = true;
    await clock.advance(30 * HOUR);
    expect([one.now(), two.now()]).toEqual([first, first]);
    expect(one.faults.length).toBeGreaterThan(0);
    shared.away = false;
    await clock.advance(HOUR);
    expect(one.now()).not.toBe(first);
    expect(two.now()).toBe(one.now());
  });

  it('replace a document that is damaged, and agree on what replaced it', async () => {
    const clock = new FakeClock();
    const shared = new SharedDocument();
    for (const damaged of ['', 'null', '{"keys":"c2hvcnQ=","madeAt":1}', '{"keys":5}']) {
      shared.content = Buffer.from(damaged);
      const machines = await Promise.all([machine(clock, shared.store), machine(clock, shared.store)]);
      expect(new Set(machines.map(({ now }) => now())).size).toBe(1);
      expect(machines.flatMap(({ faults }) => faults)).toEqual([]);
      for (const { stop } of machines) stop();
    }
  });

  it('are those of the others for a machine that began while the database was away', async () => {
    const clock = new FakeClock();
    const shared = new SharedDocument();
    const first = await machine(clock, shared.store);
    shared.away = true;
    const late = await machine(clock, shared.store);
    expect(late.now()).not.toBe(first.now());
    shared.away = false;
    await clock.advance(0.3 * HOUR);
    expect(late.now()).toBe(first.now());
    expect(first.used).toEqual([]);
  });

  it('are new and one when two machines renew them for a revocation at the same moment', async () => {
    const clock = new FakeClock();
    const shared = new SharedDocument();
    const machines = [await machine(clock, shared.store), await machine(clock, shared.store)];
    const before = machines[0]?.now();
    for (const { keys } of machines) keys.rotate();
    await clock.advance(HOUR);
    const after = new Set(machines.map(({ now }) => now()));
    expect(after.size).toBe(1);
    expect(after.has(before ?? '')).toBe(false);
  });
});
