import { describe, expect, it } from 'vitest';
import type { Board } from '../../src/challenges/board.ts';
import { FleetBoard } from '../../src/challenges/fleet-board.ts';
import { RigilError } from '../../src/errors.ts';

const KEY = 'http-01:0123456789abcdef';
const ANSWER = { type: 'http-01', body: '0123456789abcdef.x' } as const;
const never = new AbortController().signal;

/** A board that writes down what happens to it, and may fail. */
function board(name: string, log: string[], failure: { put?: unknown; takeDown?: unknown } = {}): Board {
  return {
    put: async () => {
      log.push(`${name} shows`);
      if (failure.put !== undefined) throw failure.put;
      return async () => {
        log.push(`${name} takes down`);
        if (failure.takeDown !== undefined) throw failure.takeDown;
      };
    },
  };
}

function fleet(failure: { put?: unknown; takeDown?: unknown } = {}) {
  const [log, alone] = [[] as string[], [] as unknown[]];
  const fleetBoard = new FleetBoard({
    here: board('here', log),
    elsewhere: board('elsewhere', log, failure),
    onAlone: (error) => alone.push(error),
  });
  return { fleetBoard, log, alone };
}

describe('an answer of one machine of a fleet', () => {
  it('is shown here first, then by all, and taken down everywhere', async () => {
    const { fleetBoard, log, alone } = fleet();
    const takeDown = await fleetBoard.put(KEY, ANSWER, never);
    expect(log).toEqual(['here shows', 'elsewhere shows']);
    await takeDown();
    expect(log.slice(2)).toEqual(['here takes down', 'elsewhere takes down']);
    expect(alone).toEqual([]);
  });

  it.each(['store-unreachable', 'store-unwritable', 'store-unreadable'] as const)(
    'is shown here alone when the store is %s',
    async (code) => {
      const error = new RigilError(code, 'no');
      const { fleetBoard, log, alone } = fleet({ put: error });
      const takeDown = await fleetBoard.put(KEY, ANSWER, never);
      expect(alone).toEqual([error]);
      await takeDown();
      expect(log).toEqual(['here shows', 'elsewhere shows', 'here takes down']);
    },
  );

  it('that cannot be taken down elsewhere spoils nothing', async () => {
    const error = new RigilError('store-unreachable', 'no');
    const { fleetBoard, alone } = fleet({ takeDown: error });
    await (await fleetBoard.put(KEY, ANSWER, never))();
    expect(alone).toEqual([error]);
  });

  it('is not left behind here when something else is wrong', async () => {
    const { fleetBoard, log, alone } = fleet({ put: new TypeError('a bug') });
    await expect(fleetBoard.put(KEY, ANSWER, never)).rejects.toThrow(TypeError);
    expect(log.at(-1)).toBe('here takes down');
    expect(alone).toEqual([]);
  });

  it('is not left behind here when the order was broken off', async () => {
    const { fleetBoard, log, alone } = fleet({ put: new RigilError('store-unreachable', 'no') });
    await expect(fleetBoard.put(KEY, ANSWER, AbortSignal.abort())).rejects.toMatchObject({
      code: 'store-unreachable',
    });
    expect(log.at(-1)).toBe('here takes down');
    expect(alone).toEqual([]);
  });
});
