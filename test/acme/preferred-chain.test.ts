import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { chainIssuer } from '../../src/acme/certificate-chain.ts';
import { describeAtPebbles, type Pebble, startPebble } from '../pebble.ts';
import { noSignal, orderFor, workbench } from './workbench.ts';

describeAtPebbles('chains up to three roots', 'any', (programs) => {
  let pebble: Pebble;
  beforeAll(async () => {
    pebble = await startPebble(programs, {
      environment: { PEBBLE_ALTERNATE_ROOTS: '2', PEBBLE_CHAIN_LENGTH: '2' },
    });
  });
  afterAll(() => pebble.stop());

  it.each([0, 1, 2])('takes the chain up to root %i', async (index) => {
    const root = new X509Certificate((await pebble.manage(`/roots/${index}`)).body);
    const preferredChain = /CN=(.*)/.exec(root.subject)?.[1] ?? '';
    const { issuer, events } = workbench(pebble, { preferredChain });
    const { chain } = await issuer.issue(orderFor(['chain.example.org']), noSignal);
    expect(chainIssuer(chain)).toBe(preferredChain);
    expect(events.filter(({ event }) => event === 'certificate.chain.default')).toEqual([]);
  });

  it('takes what there is when none matches, and says so', async () => {
    const { issuer, events } = workbench(pebble, { preferredChain: 'No Such Root' });
    const { chain } = await issuer.issue(orderFor(['chain.example.org']), noSignal);
    expect(events).toContainEqual({
      event: 'certificate.chain.default',
      id: 'chain.example.org',
      wanted: 'No Such Root',
      got: chainIssuer(chain),
    });
  });
});
