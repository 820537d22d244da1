import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readLeaf } from '../../src/x509/leaf.ts';
import { describeAtPebbles, type Pebble, startPebble } from '../pebble.ts';
import { noSignal, orderFor, workbench } from './workbench.ts';

describeAtPebbles('a CA that forgets its nonces', 'any', (programs) => {
  describe.each(['20', '90'])('%s of a hundred', (percent) => {
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
  });
});
