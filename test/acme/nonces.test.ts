import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readLeaf } from '../../src/x509/leaf.ts';
import { type Pebble, pebbles, startPebble } from '../pebble.ts';
import { noSignal, orderFor, workbench } from './workbench.ts';

describe.each(pebbles().flatMap((programs) => ['20', '90'].map((percent) => ({ ...programs, percent }))))(
  '$label that refuses $percent % of all nonces',
  ({ percent, ...programs }) => {
    let pebble: Pebble;
    beforeAll(async () => {
      pebble = await startPebble(programs, { environment: { PEBBLE_WFE_NONCEREJECT: percent } });
    });
    afterAll(() => pebble.stop());

    it('issues all the same', async () => {
      const { issuer } = workbench(pebble);
      const names = ['a', 'b', 'c', 'd'].map((label) => `${label}.nonce.example.org`);
      const issued = await Promise.all(names.map((name) => issuer.issue(orderFor([name]), noSignal)));
      expect(issued.flatMap(({ chain }) => readLeaf(chain).names)).toEqual(names);
    });
  },
);
