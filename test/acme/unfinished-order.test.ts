import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readNote } from '../../src/acme/order-in-flight.ts';
import type { Solver } from '../../src/acme/solvers/solver.ts';
import type { OrderNote } from '../../src/certs/ports.ts';
import { limited } from './fake-ca/bench.ts';
import { problem, type Route } from './fake-ca/handlers.ts';
import { NotedOrders } from './noted-orders.ts';
import { silent } from './workbench.ts';

let at: NotedOrders;
beforeEach(async () => {
  at = await NotedOrders.open();
});
afterEach(() => at[Symbol.asyncDispose]());

describe('an order that fails', () => {
  it('is gone on with when its names are proved and the CA is in trouble', async () => {
    at.ca.disturb('finalize', () => limited('3600'), 1);
    await expect(at.start()).rejects.toMatchObject({ code: 'rate-limited' });
    expect(at.ca.state.deactivated).toEqual([]);
    await at.start();
    expect(at.count).toBe(1);
  });

  it('is given up when it is broken off before its names are proved', async () => {
    const stop = new AbortController();
    at.ca.disturb('order', () => {
      stop.abort();
      return 'hang';
    });
    await expect(at.start({}, { signal: stop.signal })).rejects.toMatchObject({ code: 'aborted' });
    expect(at.ca.state.deactivated).toEqual(['1-0']);
    expect(at.note.content).toBeNull();
  });

  it('is not placed when it cannot be noted', async () => {
    const full = { ...at.note.take(), write: () => Promise.reject(new Error('the disk is full')) };
    await expect(at.start({ note: full })).rejects.toThrow('the disk is full');
    expect(at.count).toBe(0);
  });

  it('is not held up by a store that goes away once it is placed', async () => {
    const held = at.note.take();
    let writes = 0;
    const write = async (content: string): Promise<void> => {
      writes += 1;
      if (writes > 1) throw new Error('the store is away');
      await held.write(content);
    };
    await at.start({ note: { ...held, write } });
    expect(at.ca.count('finalize')).toBe(1);
  });
});

describe('a process that has lost its lock', () => {
  /** Answers, and what was taken away again. */
  const solver = (parts: Partial<Solver> = {}): Solver & { cleared: number } => {
    const made = {
      ...silent('http-01'),
      ...parts,
      cleared: 0,
      present: async () => async () => {
        made.cleared += 1;
      },
    };
    return made;
  };
  /** Sleeps when it asks for this, loses its lock meanwhile, and wakes up. */
  async function sleepAt(
    route: Route,
    held: OrderNote & { tell(): void },
    answers: Solver,
    answer: () => object | null = () => null,
  ): Promise<unknown> {
    at.ca.disturb(route, () => {
      at.note.take();
      return answer();
    });
    return at.start({ note: held }, { solver: answers }).then(
      () => null,
      (error: unknown) => error,
    );
  }

  it('does not finalize', async () => {
    const answers = solver();
    const error = await sleepAt('order', at.note.take(), answers);
    expect(error).toMatchObject({ code: 'lock-lost' });
    expect(at.ca.count('finalize')).toBe(0);
    expect(at.ca.state.deactivated).toEqual([]);
    expect(readNote(at.note.content ?? '')?.url).toBe(`${at.ca.state.base}/order/1`);
    expect(answers.cleared).toBe(1);
  });

  it('does not order', async () => {
    const held = at.note.take();
    at.note.take();
    await expect(at.start({ note: held })).rejects.toMatchObject({ code: 'lock-lost' });
    expect(at.count).toBe(0);
  });

  it.each([
    ['told of it', true],
    ['not told of it', false],
  ])('gives nothing up when the CA fails it, %s', async (_how, isTold) => {
    const held = at.note.take();
    const error = await sleepAt('order', held, solver(), () => {
      if (isTold) held.tell();
      return problem('unauthorized', 403, 'no');
    });
    expect(error).toMatchObject({ code: 'issuer-refused' });
    expect(at.ca.state.deactivated).toEqual([]);
    expect(at.note.content).not.toBeNull();
  });

  it('leaves what its successor has put up as well', async () => {
    const shared = solver({ sharesAnswers: true });
    const own = solver();
    for (const answers of [own, shared]) {
      await at[Symbol.asyncDispose]();
      at = await NotedOrders.open();
      await sleepAt('order', at.note.take(), answers, () => problem('unauthorized', 403, 'no'));
    }
    expect([shared.cleared, own.cleared]).toEqual([0, 1]);
    expect(at.events).toContainEqual(expect.objectContaining({ event: 'challenge.left', code: 'lock-lost' }));
  });
});
