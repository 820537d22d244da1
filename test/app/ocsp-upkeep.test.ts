import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startOcspUpkeep } from '../../src/app/ocsp-upkeep.ts';
import { StapleKeeper } from '../../src/ocsp/staple-keeper.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { FileStore } from '../../src/store/file-store.ts';
import { FakeClock } from '../certs/fake-clock.ts';
import { DAY, makeFacts } from '../certs/make.ts';

it('forgets the answers of certificates that neither the process nor the store has', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'rigil-upkeep-'));
  const { documents } = new FileStore({ directory, clock: systemClock, emit: () => {} });
  const clock = new FakeClock();
  const held = { facts: makeFacts({ fingerprint: 'held' }), chain: '', key: '' };
  const faults: unknown[] = [];
  try {
    for (const name of ['held', 'stored', 'shown', 'gone'])
      await documents.writeDocument(['ocsp', `${name}.json`], '{}');
    const stop = startOcspUpkeep({
      keeper: new StapleKeeper({
        ...{ documents, clock, random: systemRandom, fetch: () => Promise.reject(new Error('nobody asks')) },
        ...{ emit: () => {}, onChange: () => {} },
      }),
      manager: { certificates: new Map([['example.com', held]]) },
      shown: () => ['shown'],
      store: { list: async () => ({ certificates: [makeFacts({ fingerprint: 'stored' })], damaged: [] }) },
      localCas: () => [],
      clock,
      onFault: (fault) => faults.push(fault),
    });
    await clock.advance(DAY);
    await expect
      .poll(async () => (await documents.listDocuments(['ocsp'])).toSorted())
      .toEqual(['held.json', 'shown.json', 'stored.json']);
    stop();
    expect(faults).toEqual([]);
  } finally {
    await rm(directory, { recursive: true });
  }
});
