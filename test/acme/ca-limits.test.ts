import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AcmeIssuerSettings } from '../../src/acme/issuer.ts';
import type { Solver } from '../../src/acme/solvers/solver.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { issuerAt, limited, ORDER, refusal } from './fake-ca/bench.ts';
import { type FakeCa, startFakeCa } from './fake-ca/server.ts';
import { noSignal } from './workbench.ts';

const HOUR_MS = 3_600_000;

let ca: FakeCa;
beforeEach(async () => {
  ca = await startFakeCa();
});
afterEach(() => ca.stop());
const start = (settings?: Partial<AcmeIssuerSettings>, solvers?: readonly Solver[]) =>
  issuerAt(ca, settings, solvers);

describe('a CA that limits', () => {
  it.each([
    ['seconds', () => '3600'],
    ['a date', () => new Date(systemClock.now() + HOUR_MS).toUTCString()],
  ])('says when to come back in %s, and is not asked again', async (_, retry) => {
    ca.disturb('newOrder', () => limited(retry()));
    const before = systemClock.now();
    const error = await refusal(start().issue(ORDER, noSignal));
    expect(error.code).toBe('rate-limited');
    expect((error.retryAt ?? 0) - before).toBeGreaterThan(HOUR_MS - 2_000);
    expect((error.retryAt ?? 0) - before).toBeLessThan(HOUR_MS + 60_000);
    expect(ca.count('newOrder')).toBe(1);
  });

  it('is waited for when it asks for a short pause', async () => {
    ca.disturb('newOrder', () => limited('1'), 1);
    const before = systemClock.now();
    await start().issue(ORDER, noSignal);
    expect(systemClock.now() - before).toBeGreaterThanOrEqual(1_000);
    expect(ca.count('newOrder')).toBe(2);
  });

  it('is believed for a week at most', async () => {
    ca.disturb('newOrder', () => limited('999999999999'));
    const error = await refusal(start().issue(ORDER, noSignal));
    expect((error.retryAt ?? 0) - systemClock.now()).toBeLessThanOrEqual(7 * 24 * HOUR_MS);
  });

  it('limits by its directory too', async () => {
    ca.disturb('directory', () => limited('7200'));
    expect(await refusal(start().issue(ORDER, noSignal))).toMatchObject({ code: 'rate-limited' });
    expect(ca.count('directory')).toBe(1);
  });

  it('is no failure of the order when it limits after the certificate was made', async () => {
    ca.disturb('certificate', () => limited('1'), 1);
    await start().issue(ORDER, noSignal);
  });
});
