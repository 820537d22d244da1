import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Certificate } from '../../src/certs/certificate.ts';
import { readLeaf } from '../../src/x509/leaf.ts';
import { describeAtPebbles, type Pebble, startPebble } from '../pebble.ts';
import { factsOf, noSignal, orderFor, workbench } from './workbench.ts';

describeAtPebbles('revocation', 'any', (programs) => {
  let pebble: Pebble;
  beforeAll(async () => {
    pebble = await startPebble(programs);
  });
  afterAll(() => pebble.stop());

  const obtain = async (issuer: ReturnType<typeof workbench>['issuer']): Promise<Certificate> => {
    const issued = await issuer.issue(orderFor(['revoke.example.org']), noSignal);
    return { ...issued, facts: factsOf(issued) };
  };
  const statusOf = async ({ chain }: Certificate) => {
    const { body } = await pebble.manage(`/cert-status-by-serial/${readLeaf(chain).serial.toLowerCase()}`);
    const { Status, Reason } = JSON.parse(body);
    return { status: Status, reason: Reason ?? null };
  };

  it('uses the key of the account, and minds no second time', async () => {
    const { issuer } = workbench(pebble);
    const certificate = await obtain(issuer);
    await issuer.revoke(certificate, 4, noSignal);
    expect(await statusOf(certificate)).toEqual({ status: 'Revoked', reason: 4 });
    await issuer.revoke(certificate, 4, noSignal);
  });

  it('uses the key of the certificate when there is no account, and makes none', async () => {
    const certificate = await obtain(workbench(pebble).issuer);
    const { issuer, documents } = workbench(pebble);
    await issuer.revoke(certificate, 5, noSignal);
    expect(await statusOf(certificate)).toEqual({ status: 'Revoked', reason: 5 });
    expect(documents.documents.size).toBe(0);
  });

  it('uses the key of the certificate when it came from another account', async () => {
    const certificate = await obtain(workbench(pebble).issuer);
    const { issuer } = workbench(pebble);
    await obtain(issuer);
    await issuer.revoke(certificate, 4, noSignal);
    expect(await statusOf(certificate)).toEqual({ status: 'Revoked', reason: 4 });
  });

  it('proves a compromise with the key itself', async () => {
    const { issuer } = workbench(pebble);
    const certificate = await obtain(issuer);
    await issuer.revoke(certificate, 1, noSignal);
    expect(await statusOf(certificate)).toEqual({ status: 'Revoked', reason: 1 });
  });

  it('says that a reason is not accepted', async () => {
    const { issuer } = workbench(pebble);
    const certificate = await obtain(issuer);
    await expect(issuer.revoke(certificate, 7, noSignal)).rejects.toMatchObject({
      code: 'revocation-refused',
    });
  });
});
