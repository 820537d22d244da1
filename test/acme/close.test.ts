import { expect, it } from 'vitest';
import { accountDocuments } from '../../src/acme/account-documents.ts';
import { AcmeIssuer } from '../../src/acme/issuer.ts';
import { type Clock, systemClock } from '../../src/platform/clock.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { makeFacts } from '../certs/make.ts';
import { MemoryDocuments } from './memory-documents.ts';
import { settingsFor } from './workbench.ts';

it('ends what nobody waits for any more, so that the program can end', async () => {
  const begun = Promise.withResolvers<void>();
  let pauses = 0;
  // Pauses between tries never end by themselves; the longer ones are time limits.
  const clock: Clock = {
    ...systemClock,
    sleep: async (ms, signal) => {
      if (ms > 5_000) return systemClock.sleep(ms, signal);
      pauses += 1;
      begun.resolve();
      await new Promise((resolve) => signal?.addEventListener('abort', resolve));
      pauses -= 1;
    },
  };
  const documents = new MemoryDocuments();
  const issuer = new AcmeIssuer(
    { ...settingsFor({ directory: 'https://127.0.0.1:1/directory', caRoot: '' }), caRoot: null },
    {
      solvers: [],
      accounts: accountDocuments(documents, documents),
      clock,
      random: systemRandom,
      emit: () => {},
      version: '0.0.0',
    },
  );
  const stop = new AbortController();
  const advice = issuer.renewalInfo(makeFacts(), stop.signal);
  await begun.promise;
  stop.abort(new Error('stopped'));
  await expect(advice).rejects.toThrow();
  // Others may wait for the same directory.
  expect(pauses).toBe(1);
  await issuer.close();
  await expect.poll(() => pauses).toBe(0);
});
