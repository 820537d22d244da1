import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../../src/platform/clock.ts';
import { readLeaf } from '../../src/x509/leaf.ts';
import { describeAtPebbles, type Pebble, startPebble } from '../pebble.ts';
import { noSignal, orderFor, workbench } from './workbench.ts';

const ORDERS = 50;

describeAtPebbles('fifty orders at once', 'any', (programs) => {
  let pebble: Pebble;
  beforeAll(async () => {
    pebble = await startPebble(programs, { environment: { PEBBLE_WFE_NONCEREJECT: '0' } });
  });
  afterAll(() => pebble.stop());

  it('are all fulfilled, with about eight requests each', async () => {
    const { issuer } = workbench(pebble, {}, ({ http }) => [http], { clock: systemClock });
    const names = Array.from({ length: ORDERS }, (_, index) => `n${index}.many.example.org`);
    const issued = await Promise.all(names.map((name) => issuer.issue(orderFor([name]), noSignal)));
    expect(issued.flatMap(({ chain }) => readLeaf(chain).names)).toEqual(names);
    expect(new Set(issued.map(({ key }) => key)).size).toBe(ORDERS);
    // Directory and account once; for each a nonce, the order, its authorization, the challenge, the finalization, the
    // certificate, and the order looked at once before and once after the finalization: more only on a slow machine.
    const perOrder = ((await issuer.requests()) - 2) / ORDERS;
    expect(perOrder).toBeGreaterThanOrEqual(7);
    expect(perOrder).toBeLessThanOrEqual(20);
  });
});
