import { describe, expect, it } from 'vitest';
import { connectionCaps, meansOfMachine } from '../../src/app/connection-caps.ts';
import { GLOBAL_DEFAULTS } from '../../src/config/defaults.ts';

const GIB = 2 ** 30;
const store = { kind: 'file', dir: '/var/lib/rigil' } as const;
const caps = (
  global: { maxConnections?: number | 'auto'; maxConnectionsPerAddress?: number | 'auto' | 'off' },
  workers: number,
  means: { descriptors?: number; memory?: number } = {},
) =>
  connectionCaps({ ...GLOBAL_DEFAULTS, store, ...global }, workers, {
    descriptors: 1_000_000,
    memory: 16 * GIB,
    ...means,
  });

describe('the caps of a worker', () => {
  it.each([
    ['a quarter of the memory', caps({}, 1, { memory: GIB }), 4_096],
    ['the same for all workers together', caps({}, 4, { memory: GIB }), 1_024],
    ['but never more than its descriptors allow', caps({}, 1, { descriptors: 1_256 }), 500],
    ['a number for all workers together', caps({ maxConnections: 1_000 }, 3), 334],
    ['which has to fit as well', caps({ maxConnections: 1_000_000 }, 1, { descriptors: 20_256 }), 10_000],
    ['at least one', caps({ maxConnections: 1 }, 64), 1],
    ['a few, however small the machine', caps({}, 64, { memory: 1_000_000, descriptors: 64 }), 16],
  ])('are by default %s', (_, { most }, wanted) => {
    expect(most).toBe(wanted);
  });

  it.each([
    ['auto', 500],
    [7, 7],
    ['off', Number.MAX_SAFE_INTEGER],
  ] as const)('of one address: %s', (maxConnectionsPerAddress, wanted) => {
    expect(caps({ maxConnections: 1_000, maxConnectionsPerAddress }, 1).mostPerAddress).toBe(wanted);
  });
});

it('the machine has some means', () => {
  const { descriptors, memory } = meansOfMachine();
  expect(descriptors).toBeGreaterThan(63);
  expect(memory).toBeGreaterThan(64 * 2 ** 20);
  expect(memory).toBeLessThan(2 ** 53);
});
