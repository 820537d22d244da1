import { describe, expect, it } from 'vitest';
import { accountDocuments } from '../../src/acme/account-documents.ts';
import { OrderLedger } from '../../src/acme/order-ledger.ts';
import { FakeClock } from '../certs/fake-clock.ts';
import { HOUR, MINUTE, START } from '../certs/make.ts';
import { MemoryDocuments } from './memory-documents.ts';
import { noSignal } from './workbench.ts';

const limit = { issuances: 3, perMs: HOUR };

describe('the orders of an account', () => {
  it('are counted for all processes together, and come when the oldest counts no more', async () => {
    const documents = new MemoryDocuments();
    const clock = new FakeClock();
    const open = (account = 'ours') =>
      new OrderLedger(account, limit, { accounts: accountDocuments(documents, documents), clock });
    const [daemon, cron] = [open(), open()];
    await Promise.all([daemon.enter(noSignal), cron.enter(noSignal)]);
    await clock.advance(10 * MINUTE);
    await cron.enter(noSignal);
    await expect(daemon.enter(noSignal)).rejects.toMatchObject({
      code: 'rate-limited',
      retryAt: START + HOUR,
    });
    await open('theirs').enter(noSignal);

    await clock.advance(50 * MINUTE);
    await daemon.enter(noSignal);
    await open().enter(noSignal);
    await expect(open().enter(noSignal)).rejects.toMatchObject({ retryAt: START + HOUR + 10 * MINUTE });
  });

  it('are not held up by a store that cannot be used, or that holds nonsense', async () => {
    const documents = new MemoryDocuments();
    const clock = new FakeClock();
    const accounts = accountDocuments(documents, documents);
    const away = () => Promise.reject(new Error('the store is away'));
    await new OrderLedger('ours', limit, { accounts: { ...accounts, lock: away }, clock }).enter(noSignal);
    await new OrderLedger('ours', limit, { accounts: { ...accounts, writeStarts: away }, clock }).enter(
      noSignal,
    );

    const ledger = new OrderLedger('ours', limit, { accounts, clock });
    await ledger.enter(noSignal);
    const [path = ''] = documents.documents.keys();
    for (const nonsense of ['', '{', '{"a":1}', '["x",null]']) {
      documents.documents.set(path, Buffer.from(nonsense));
      await ledger.enter(noSignal);
    }
  });
});
