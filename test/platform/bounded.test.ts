import { describe, expect, it } from 'vitest';
import type { CertificateStore, StoreLock } from '../../src/certs/ports.ts';
import { lockCertificate } from '../../src/certs/store-access.ts';
import { RigilError } from '../../src/errors.ts';
import { bounded } from '../../src/platform/bounded.ts';
import { FakeClock } from '../certs/fake-clock.ts';

const never = new AbortController().signal;
const onTimeout = () => new RigilError('issuance-timed-out', 'too late');

describe('bounded', () => {
  it('gives what the work gives, and its errors', async () => {
    const bounds = { clock: new FakeClock(), signal: never, timeoutMs: 1000, onTimeout };
    await expect(bounded(bounds, async () => 7)).resolves.toBe(7);
    await expect(bounded(bounds, () => Promise.reject(new TypeError('x')))).rejects.toThrow(TypeError);
  });

  it('aborts the work when its time is over, and says what that means', async () => {
    const clock = new FakeClock();
    let aborted = false;
    const result = expect(
      bounded({ clock, signal: never, timeoutMs: 1000, onTimeout }, async (signal) => {
        await clock.sleep(5000, signal);
        aborted = signal.aborted;
        throw new Error('whatever it says');
      }),
    ).rejects.toMatchObject({ code: 'issuance-timed-out' });
    await clock.advance(999);
    expect(aborted).toBe(false);
    await clock.advance(1);
    await result;
    expect(aborted).toBe(true);
  });

  it.each([
    ['the timeout', 'issuance-timed-out'],
    ['an abort', 'aborted'],
  ])('does not wait for work that does not listen, after %s', async (_, code) => {
    const clock = new FakeClock();
    const controller = new AbortController();
    const work = () => new Promise<void>(() => {});
    const result = expect(
      bounded({ clock, signal: controller.signal, timeoutMs: 1000, onTimeout }, work),
    ).rejects.toMatchObject({ code });
    if (code === 'aborted') controller.abort();
    await clock.advance(7000);
    await result;
  });

  it('does not even begin when the signal has aborted', async () => {
    let begun = false;
    const bounds = { clock: new FakeClock(), signal: AbortSignal.abort(), timeoutMs: 1000, onTimeout };
    const work = async () => {
      begun = true;
    };
    await expect(bounded(bounds, work)).rejects.toMatchObject({ code: 'aborted' });
    expect(begun).toBe(false);
  });
});

describe('lockCertificate', () => {
  it('gives a lock back that comes too late', async () => {
    const clock = new FakeClock();
    let released = false;
    const late = Promise.withResolvers<StoreLock>();
    const store = { lock: () => late.promise } as Pick<CertificateStore, 'lock'> as CertificateStore;
    const result = expect(
      lockCertificate({ store, clock }, 'example.com', 1000, never),
    ).rejects.toMatchObject({
      code: 'store-locked',
    });
    await clock.advance(7000);
    await result;
    late.resolve({
      key: 'x',
      fence: 1,
      lost: never,
      release: async () => {
        released = true;
      },
    });
    await clock.advance(1);
    expect(released).toBe(true);
  });
});
