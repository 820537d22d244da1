import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AcmeIssuerSettings } from '../../src/acme/issuer.ts';
import type { Solver } from '../../src/acme/solvers/solver.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { certificatesOf } from '../../src/x509/pem.ts';
import { certify, issuerAt, ORDER } from './fake-ca/bench.ts';
import { type FakeCa, startFakeCa } from './fake-ca/server.ts';
import { noSignal, orderFor } from './workbench.ts';

const HOUR_MS = 3_600_000;

let ca: FakeCa;
beforeEach(async () => {
  ca = await startFakeCa();
});
afterEach(() => ca.stop());
const start = (settings?: Partial<AcmeIssuerSettings>, solvers?: readonly Solver[]) =>
  issuerAt(ca, settings, solvers);

describe('a chain', () => {
  const issueWith = (change: (chain: string) => string) => {
    ca.disturb('certificate', ({ id }, state) => ({
      headers: { 'content-type': 'application/pem-certificate-chain' },
      body: change(state.orders.get(id)?.chain ?? ''),
    }));
    return start().issue(ORDER, noSignal);
  };

  it.each<[string, (chain: string) => string]>([
    ['cut short', (chain) => chain.slice(0, -100)],
    ['that is a page', () => '<html><body>It works!</body></html>'],
    ['that is empty', () => ''],
    ['of rubbish', () => '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'],
    [
      'in the wrong order',
      (chain) =>
        certificatesOf(chain)
          .reverse()
          .map(({ text }) => text)
          .join(''),
    ],
    ['that skips a link', (chain) => (certificatesOf(chain)[0]?.text ?? '') + ca.state.authority.root],
    ['with a key in it', (chain) => `${chain}-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n`],
    ['without end', (chain) => chain + ca.state.authority.intermediate.repeat(20)],
  ])('%s is not taken', async (_, change) => {
    await expect(issueWith(change)).rejects.toMatchObject({ code: 'certificate-unusable' });
  });

  it('is taken without its root and without what stands around it', async () => {
    const { chain } = await issueWith((text) => `Subject: nobody\n${text}${ca.state.authority.root}`);
    expect(certificatesOf(chain)).toHaveLength(2);
    expect(chain).not.toContain('Subject');
  });

  it.each<[string, (now: number) => { notBefore: number; notAfter: number }]>([
    ['has expired', (now) => ({ notBefore: now - 2 * HOUR_MS, notAfter: now - HOUR_MS })],
    ['is not valid yet', (now) => ({ notBefore: now + HOUR_MS, notAfter: now + 2 * HOUR_MS })],
  ])('whose leaf %s is not taken', async (_, validity) => {
    certify(ca, (csr) => ca.state.authority.issue(csr, { validity: validity(systemClock.now()) }));
    await expect(start().issue(ORDER, noSignal)).rejects.toMatchObject({
      code: 'certificate-unusable',
      hint: expect.stringContaining('clock'),
    });
  });

  it('for another key is not taken', async () => {
    const other = (await start().issue(ORDER, noSignal)).chain;
    await expect(issueWith(() => other)).rejects.toMatchObject({
      code: 'certificate-unusable',
      message: expect.stringContaining('key'),
    });
  });

  it('that lacks a name is not taken', async () => {
    const order = orderFor(['name.example.org', 'other.example.org']);
    certify(ca, (csr) => ca.state.authority.issue(csr, { names: ['name.example.org'] }));
    await expect(start().issue(order, noSignal)).rejects.toMatchObject({
      code: 'certificate-unusable',
      message: expect.stringContaining('other.example.org'),
    });
  });

  it('that must be stapled needs a responder', async () => {
    await expect(start({ mustStaple: true }).issue(ORDER, noSignal)).rejects.toMatchObject({
      code: 'certificate-unusable',
      hint: expect.stringContaining('must-staple'),
    });
  });
});
