import { expect, it } from 'vitest';
import { idleConnections } from './idle-connections.ts';

it('idle TLS connections cost little, and a request among them is answered', async () => {
  const { perConnection, connections } = await idleConnections(800, 2);
  expect(connections).toBe(800);
  // What garbage there is counts in, and it is not in proportion: far more than one costs, far less than a leak.
  expect(perConnection).toBeLessThan(200 * 1024);
}, 120_000);
