import { afterAll, beforeAll, expect, it } from 'vitest';
import { accountDocuments } from '../../src/acme/account-documents.ts';
import type { StoredAccount } from '../../src/acme/account-store.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { generatePrivateKey } from '../../src/x509/private-key.ts';
import { describeAtPebbles, type Pebble, startPebble } from '../pebble.ts';
import { MemoryDocuments } from './memory-documents.ts';
import { noSignal, orderFor, silent, workbench } from './workbench.ts';

/** These Pebbles believe every proof. */
const unproved = () => [silent('http-01')];
const ORDER = orderFor(['account.example.org']);

describeAtPebbles('accounts', 'any', (programs) => {
  let pebble: Pebble;
  beforeAll(async () => {
    pebble = await startPebble(programs, {
      environment: { PEBBLE_WFE_NONCEREJECT: '0', PEBBLE_VA_ALWAYS_VALID: '1' },
    });
  });
  afterAll(() => pebble.stop());

  const accountsIn = (documents: MemoryDocuments) =>
    accountDocuments(documents, documents).list(pebble.directory);
  const accountIn = async (documents: MemoryDocuments): Promise<StoredAccount> => {
    const [account, ...more] = await accountsIn(documents);
    if (account === undefined || more.length > 0)
      throw new Error(`${more.length} accounts too many, or none`);
    return account;
  };

  it('is made once for many orders in two processes, and used after a restart without a request', async () => {
    const documents = new MemoryDocuments();
    const before = created(pebble);
    const first = workbench(pebble, {}, unproved, { documents });
    const second = workbench(pebble, {}, unproved, { documents });
    await Promise.all([
      first.issuer.issue(orderFor(['a.example.org']), noSignal),
      first.issuer.issue(orderFor(['b.example.org']), noSignal),
      second.issuer.issue(orderFor(['c.example.org']), noSignal),
    ]);
    expect(created(pebble) - before).toBe(1);
    expect(await accountsIn(documents)).toHaveLength(1);

    const restarted = workbench(pebble, {}, unproved, { documents, clock: systemClock });
    await restarted.issuer.issue(ORDER, noSignal);
    expect(await restarted.issuer.requests(), 'directory, nonce and seven for the certificate').toBe(9);
  });

  it.concurrent('is found again by its key when its URL was lost', async () => {
    const documents = new MemoryDocuments();
    await workbench(pebble, {}, unproved, { documents }).issuer.issue(ORDER, noSignal);
    const account = await accountIn(documents);
    await accountDocuments(documents, documents).save({ ...account, url: null });

    await workbench(pebble, {}, unproved, { documents }).issuer.issue(ORDER, noSignal);
    expect(await accountIn(documents)).toEqual(account);
  });

  it.concurrent('is found or made again with the same key when the CA does not know its URL', async () => {
    const documents = new MemoryDocuments();
    const key = await generatePrivateKey('p256');
    const { issuer } = workbench(pebble, {}, unproved, { documents });
    await issuer.issue(ORDER, noSignal);
    const account = await accountIn(documents);
    await accountDocuments(documents, documents).save({ ...account, key, url: `${account.url}000` });

    await workbench(pebble, {}, unproved, { documents }).issuer.issue(ORDER, noSignal);
    const again = await accountIn(documents);
    expect(again.key).toBe(key);
    expect(again.url).not.toBe(`${account.url}000`);
    expect(again.url).not.toBe(account.url);
  });

  it.concurrent('goes on with the key that another process gave it', async () => {
    const documents = new MemoryDocuments();
    const daemon = workbench(pebble, {}, unproved, { documents });
    await daemon.issuer.issue(ORDER, noSignal);
    await workbench(pebble, {}, unproved, { documents }).issuer.changeAccountKey(noSignal);
    await daemon.issuer.issue(ORDER, noSignal);
  });

  it.concurrent('gets a new key, and goes on with it', async () => {
    const { issuer, documents } = workbench(pebble, {}, unproved);
    await issuer.issue(ORDER, noSignal);
    const before = await accountIn(documents);
    await issuer.changeAccountKey(noSignal);
    const after = await accountIn(documents);
    expect(after.key).not.toBe(before.key);
    expect(after).toEqual({ ...before, key: after.key });
    await issuer.issue(ORDER, noSignal);
    expect((await accountIn(documents)).url).toBe(before.url);
  });

  it.concurrent.each([true, false])(
    'finds out which key counts after a crash in a change of keys (done at the CA: %s)',
    async (done) => {
      const { issuer, documents } = workbench(pebble, {}, unproved);
      await issuer.issue(ORDER, noSignal);
      const before = await accountIn(documents);
      if (done) await issuer.changeAccountKey(noSignal);
      const now = await accountIn(documents);
      const nextKey = done ? now.key : await generatePrivateKey('p256');
      await accountDocuments(documents, documents).save({ ...before, nextKey });

      await workbench(pebble, {}, unproved, { documents }).issuer.issue(ORDER, noSignal);
      expect(await accountIn(documents)).toEqual({
        ...before,
        key: done ? nextKey : before.key,
        nextKey: null,
      });
    },
  );

  it.concurrent('tells the CA a new e-mail address instead of making another account', async () => {
    const documents = new MemoryDocuments();
    await workbench(pebble, {}, unproved, { documents }).issuer.issue(ORDER, noSignal);
    const before = await accountIn(documents);
    const moved = workbench(pebble, { email: 'new@example.org' }, unproved, { documents });
    await moved.issuer.issue(ORDER, noSignal);
    expect(await accountIn(documents)).toEqual({ ...before, email: 'new@example.org' });
    expect(documents.documents.size).toBe(1);
  });

  it.concurrent('belongs to one issuer section: another e-mail address elsewhere is another account', async () => {
    const documents = new MemoryDocuments();
    await workbench(pebble, { name: 'one' }, unproved, { documents }).issuer.issue(ORDER, noSignal);
    const other = workbench(pebble, { name: 'two', email: 'two@example.org' }, unproved, { documents });
    await other.issuer.issue(ORDER, noSignal);
    expect(await accountsIn(documents)).toHaveLength(2);
  });

  it.concurrent('needs no e-mail address', async () => {
    const { issuer } = workbench(pebble, { email: null }, unproved);
    await issuer.issue(ORDER, noSignal);
  });

  it.concurrent('names an e-mail address that the CA does not take', async () => {
    const { issuer } = workbench(pebble, { email: 'no address at all' }, unproved);
    await expect(issuer.issue(ORDER, noSignal)).rejects.toMatchObject({ code: 'account-contact-refused' });
  });

  it.concurrent('takes a damaged document for damage, not for absence', async () => {
    const { issuer, documents } = workbench(pebble, {}, unproved);
    await issuer.issue(ORDER, noSignal);
    const [path = ''] = documents.documents.keys();
    documents.documents.set(path, Buffer.from('{"half":'));
    const restarted = workbench(pebble, {}, unproved, { documents });
    await expect(restarted.issuer.issue(ORDER, noSignal)).rejects.toMatchObject({ code: 'store-unreadable' });
  });
});

describeAtPebbles('account binding', 'any', (programs) => {
  const hmac = Buffer.alloc(32, 7).toString('base64url');
  let pebble: Pebble;
  beforeAll(async () => {
    pebble = await startPebble(programs, {
      macKeys: { 'kid-1': hmac },
      environment: { PEBBLE_VA_ALWAYS_VALID: '1' },
    });
  });
  afterAll(() => pebble.stop());

  it.concurrent('binds a new account', async () => {
    const { issuer } = workbench(pebble, { eab: { keyId: 'kid-1', hmac } }, unproved);
    await issuer.issue(ORDER, noSignal);
  });

  it.concurrent('says that a binding is needed', async () => {
    const { issuer } = workbench(pebble, {}, unproved);
    await expect(issuer.issue(ORDER, noSignal)).rejects.toMatchObject({
      code: 'account-binding-required',
      hint: expect.stringContaining('eab KID HMAC'),
    });
  });

  it.concurrent.each([
    { keyId: 'kid-1', hmac: Buffer.alloc(32, 8).toString('base64url') },
    { keyId: 'kid-2', hmac },
  ])('says that the binding with $keyId is wrong', async (eab) => {
    const { issuer } = workbench(pebble, { eab }, unproved);
    await expect(issuer.issue(ORDER, noSignal)).rejects.toMatchObject({ code: 'account-binding-invalid' });
  });
});

/** How many accounts a Pebble has made. */
function created(pebble: Pebble): number {
  return [...pebble.log().matchAll(/There are now \d+ accounts in memory/g)].length;
}
