import { describe, expect, it } from 'vitest';
import { find } from '../peers.ts';
import { jumps } from './faults/clock.ts';
import { control, everything, saves, workers } from './faults/killed.ts';
import { descriptors, disk, memory, names } from './faults/scarcity.ts';
import type { Scenario } from './faults/scenario.ts';
import { killedSuccessors, takeOvers } from './faults/succession.ts';

const isRoot = process.getuid?.() === 0;

/** Once each; `npm run attack:faults` does it again and again. */
describe('nothing is lost', { timeout: 90_000 }, () => {
  const scenarios: readonly [string, Scenario, boolean?][] = [
    ['the control process is killed', control],
    ['workers are killed', workers],
    ['all of it is killed', everything],
    ['it is killed while it saves', saves],
    ['it is followed while it works', takeOvers],
    ['its successor is killed', killedSuccessors],
    ['there are no descriptors', descriptors, find('prlimit') !== null],
    ['the disk is full', disk, isRoot],
    ['there is little memory', memory],
    ['no name can be looked up', names],
    ['the clock jumps', jumps],
  ];
  for (const [what, scenario, isPossible = true] of scenarios) {
    it.skipIf(!isPossible)(`when ${what}`, async () => {
      expect(await scenario(1)).not.toBe('');
    });
  }
});
