import { beforeEach, describe, expect, it } from 'vitest';
import type { RunOptions, RunResult } from '../../src/certs/run.ts';
import { Refusal, RigilError } from '../../src/errors.ts';
import { DAY, HOUR, MINUTE, makeWanted, START } from './make.ts';
import { World } from './world.ts';

const com = makeWanted({ names: ['example.com', 'www.example.com'] });
const org = makeWanted({ id: 'example.org' });

let world: World;
beforeEach(() => {
  world = new World();
});

/** What a command does: it reads the store, runs, and ends. */
async function command(options: RunOptions = {}, wanted = [com, org]): Promise<RunResult> {
  const { manager } = await world.process(wanted);
  const [result] = await Promise.all([manager.run(options), world.clock.advance(1000)]);
  return result;
}

function ids(list: RunResult['renewed' | 'failed' | 'skipped']): string[] {
  return list.map(({ id }) => id);
}

describe('a run', () => {
  it('obtains what is missing, and has nothing to do afterwards', async () => {
    const first = await command();
    expect(first).toEqual({
      renewed: [
        { id: 'example.com', notAfter: '2026-08-30T00:00:00.000Z', durationMs: 0 },
        { id: 'example.org', notAfter: '2026-08-30T00:00:00.000Z', durationMs: 0 },
      ],
      failed: [],
      skipped: [],
    });
    const second = await command();
    expect(second).toMatchObject({ renewed: [], failed: [] });
    expect(second.skipped[0]?.reason).toBe(
      'it is not due before 2026-07-31T00:00:00.000Z: a third of its lifetime is left',
    );
  });

  it('renews what is due', async () => {
    await command();
    await world.clock.advance(61 * DAY);
    expect(ids((await command()).renewed)).toEqual(['example.com', 'example.org']);
    expect(world.ca.orders).toHaveLength(4);
  });

  it('needs no keys for it', async () => {
    await command();
    await world.clock.advance(61 * DAY);
    const process = world.idle();
    const { CertificateManager } = await import('../../src/certs/manager.ts');
    const { noChance } = await import('./world.ts');
    const manager = new CertificateManager({
      store: world.shared.open(),
      clock: world.clock,
      random: noChance,
      emit: (event) => process.events.push(event),
    });
    await manager.load();
    manager.setWanted([com], world.issuers);
    const running = manager.run();
    await world.clock.advance(1000);
    expect(ids((await running).renewed)).toEqual(['example.com']);
  });

  it('is about some of them, by id or by any name', async () => {
    expect(ids((await command({ ids: ['WWW.example.com'] })).renewed)).toEqual(['example.com']);
    await expect(command({ ids: ['nobody.example.net'] })).rejects.toMatchObject({
      code: 'name-unknown',
      hint: expect.stringContaining('certs list'),
    });
  });

  it('orders all the same when it is forced to', async () => {
    await command();
    await world.clock.advance(DAY);
    const forced = await command({ ids: ['example.com'], force: true });
    expect(ids(forced.renewed)).toEqual(['example.com']);
    expect(world.ca.orders.map(({ id }) => id)).toEqual(['example.com', 'example.org', 'example.com']);
    expect(world.ca.orders[2]?.replaces?.id).toBe('example.com');
  });

  it('leaves what is due alone when only what is missing is asked for', async () => {
    await command({}, [com]);
    await world.clock.advance(80 * DAY);
    const result = await command({ missingOnly: true });
    expect(ids(result.renewed)).toEqual(['example.org']);
    expect(result.skipped).toEqual([
      { id: 'example.com', reason: 'there is one until 2026-08-30T00:00:00.000Z' },
    ]);
  });

  it('tells what failed, why, and when to come back', async () => {
    world.ca.fails = ({ id }) =>
      id === 'example.org' ? new RigilError('challenge-failed', 'no', { hint: 'look' }) : null;
    const result = await command();
    expect(ids(result.renewed)).toEqual(['example.com']);
    expect(result.failed).toEqual([
      {
        id: 'example.org',
        code: 'challenge-failed',
        message: 'no',
        hint: 'look',
        retryAt: '2026-06-01T00:01:00.000Z',
      },
    ]);
  });

  it('tells what waits for the end of a pause as failed too, and orders it when a person names it', async () => {
    world.ca.fails = () => new RigilError('challenge-failed', 'no');
    for (const later of [0, MINUTE, 10 * MINUTE]) {
      await world.clock.advance(later);
      await command({}, [com]);
    }
    expect(world.ca.orders).toHaveLength(3);
    const waiting = await command({}, [com]);
    expect(waiting.failed).toMatchObject([{ id: 'example.com', code: 'challenge-failed' }]);
    expect(world.ca.orders).toHaveLength(3);
    await command({ ids: ['example.com'] }, [com]);
    expect(world.ca.orders).toHaveLength(4);
  });

  it('keeps to what a CA said, unless it is forced', async () => {
    world.ca.fails = () => new Refusal('rate-limited', 'later', { retryAt: START + DAY });
    await command({}, [com]);
    await command({ ids: ['example.com'] }, [com]);
    expect(world.ca.orders).toHaveLength(1);
    await command({ ids: ['example.com'], force: true }, [com]);
    expect(world.ca.orders).toHaveLength(2);
  });

  it('tries every issuer once', async () => {
    world.ca.fails = () => new RigilError('issuer-unavailable', 'no');
    const wanted = [makeWanted({ issuers: ['ca', 'second'] })];
    expect(ids((await command({}, wanted)).renewed)).toEqual(['example.com']);
    world.second.fails = world.ca.fails;
    const forced = await command({ ids: ['example.com'], force: true }, wanted);
    expect(ids(forced.failed)).toEqual(['example.com']);
    expect([world.ca.orders.length, world.second.orders.length]).toEqual([2, 2]);
  });

  it('waits for its turn at an issuer with a pace', async () => {
    world.ca.paces = [{ issuances: 1, perMs: HOUR }];
    const { manager } = await world.process([com, org]);
    let result: RunResult | null = null;
    const running = manager.run().then((each) => {
      result = each;
    });
    await world.clock.advance(HOUR - 1);
    expect(result).toBeNull();
    await world.clock.advance(2);
    await running;
    expect(result).toMatchObject({ renewed: [{ id: 'example.com' }, { id: 'example.org' }] });
  });

  it('tells when the store did not take what it obtained', async () => {
    world.shared.fails.add('saves');
    const result = await command({}, [com]);
    expect(result.failed).toMatchObject([{ id: 'example.com', code: 'store-unwritable' }]);
    expect(result.renewed).toEqual([]);
  });

  it('takes what another process obtains meanwhile', async () => {
    world.ca.takesMs = 500;
    const { manager } = await world.process([com]);
    const running = manager.run();
    const second = command({}, [com]);
    await world.clock.advance(1000);
    expect(ids((await running).renewed)).toEqual(['example.com']);
    expect((await second).skipped).toEqual([
      { id: 'example.com', reason: 'another process has just obtained it' },
    ]);
    expect(world.ca.orders).toHaveLength(1);
  });

  it('asks for advice before it decides, and after it obtained', async () => {
    world.ca.renewalInfo = async ({ notBefore }) => ({
      start: notBefore,
      end: notBefore + HOUR,
      explanationUrl: null,
      nextFetchAt: world.clock.now() + 6 * HOUR,
    });
    await command({}, [com]);
    expect(world.shared.journal.get('example.com')?.ari?.window?.selected).toBe(START + HOUR / 2);
    expect(ids((await command({}, [com])).skipped)).toEqual(['example.com']);
    await world.clock.advance(DAY);
    expect(ids((await command({}, [com])).renewed)).toEqual(['example.com']);
  });

  it('is broken off by its signal, and by the end of the manager', async () => {
    world.ca.takesMs = MINUTE;
    const controller = new AbortController();
    const { manager } = await world.process([com, org]);
    const running = manager.run({ signal: controller.signal });
    const broken = expect(running).rejects.toMatchObject({ code: 'aborted' });
    await world.clock.advance(1000);
    controller.abort();
    await world.clock.advance(1000);
    await broken;
    expect(world.ca.aborted).toBe(2);
    expect(world.shared.queues.size).toBe(0);

    const another = expect(manager.run()).rejects.toMatchObject({ code: 'aborted' });
    await world.clock.advance(1000);
    await manager.stop();
    await another;
  });
});
