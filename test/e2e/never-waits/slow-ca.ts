import { setTimeout as delay } from 'node:timers/promises';
import { type FakeCa, startFakeCa } from '../../acme/fake-ca/server.ts';

/** A CA that takes its time for every certificate, and never gets done with the challenges of `stuckNames`. */
export async function startSlowCa(
  delayMs: number,
  stuckNames: readonly string[] = [],
): Promise<FakeCa & AsyncDisposable> {
  const ca = await startFakeCa();
  ca.disturb('finalize', async () => {
    await delay(delayMs, null, { ref: false });
    return null;
  });
  ca.disturb('challenge', ({ id }, { base, orders }) => {
    const names = orders.get(id.split('-')[0] ?? '')?.names ?? [];
    if (!names.some((name) => stuckNames.includes(name))) return null;
    return { body: { type: 'http-01', url: `${base}/challenge/${id}`, status: 'processing' } };
  });
  return Object.assign(ca, { [Symbol.asyncDispose]: () => ca.stop() });
}
