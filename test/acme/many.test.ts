import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readLeaf } from '../../src/x509/leaf.ts';
import { type Pebble, pebbles, startPebble } from '../pebble.ts';
import { noSignal, orderFor, workbench } from './workbench.ts';

const ORDERS = 50;

describe.each(pebbles())('fifty orders at once at $label', (programs) => {
  let pebble: Pebble;
  beforeAll(async () => {
    pebble = await startPebble(programs, { environment: { PEBBLE_WFE_NONCEREJECT: '0' } });
  });
  afterAll(() => pebble.stop());

  it('are all fulfilled, with at most nine requests each and no nonce wasted', async () => {
    const { issuer } = workbench(pebble, {}, ({ http }) => [http]);
    const names = Array.from({ length: ORDERS }, (_, index) => `n${index}.many.example.org`);
    const issued = await Promise.all(names.map((name) => issuer.issue(orderFor([name]), noSignal)));
    expect(issued.flatMap(({ chain }) => readLeaf(chain).names)).toEqual(names);
    expect(new Set(issued.map(({ key }) => key)).size).toBe(ORDERS);
    const perOrder = (await issuer.requests()) / ORDERS;
    console.log(`${perOrder} requests a certificate`);
    expect(perOrder).toBeGreaterThanOrEqual(7);
  });
});
