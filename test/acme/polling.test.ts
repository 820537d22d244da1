import { describe, expect, it } from 'vitest';
import { awaitOrder } from '../../src/acme/order.ts';
import { retryRead, retryRefused } from '../../src/acme/patience.ts';
import { AcmeProblem, readProblem } from '../../src/acme/problem.ts';
import type { Protocol } from '../../src/acme/protocol.ts';
import { RigilError } from '../../src/errors.ts';
import { SleepingClock } from './fake-clock.ts';
import { noSignal } from './workbench.ts';

describe('looking at an order', () => {
  it('begins after 0.2 s and slows down to 5 s', async () => {
    const { clock, reads } = await look(Array.from({ length: 9 }, () => ({})));
    expect(clock.sleeps).toEqual([200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000, 5_000, 5_000]);
    expect(reads).toBe(10);
  });

  it('follows what the CA says, a minute at most', async () => {
    const { clock } = await look(
      ['3', '0', 'Thu, 01 Jan 2026 00:00:20 GMT', '100000'].map((retry) => ({ retry })),
    );
    expect(clock.sleeps).toEqual([200, 3_000, 200, 16_600, 60_000]);
  });

  it('ends with the signal', async () => {
    const controller = new AbortController();
    const order = awaitOrder(
      {
        protocol: protocolOf(() => controller.abort('stop'), [{}, {}, {}]),
        clock: new SleepingClock(),
        signal: controller.signal,
      },
      'https://ca.test/order',
      ['pending'],
    );
    await expect(order).rejects.toBe('stop');
  });

  async function look(replies: readonly { readonly retry?: string }[]) {
    const clock = new SleepingClock();
    let reads = 0;
    const protocol = protocolOf(() => reads++, replies);
    await awaitOrder({ protocol, clock, signal: noSignal }, 'https://ca.test/order', ['pending']);
    return { clock, reads };
  }

  /** Pending for as long as there are replies, then ready. */
  function protocolOf(onRead: () => void, replies: readonly { readonly retry?: string }[]): Protocol {
    const left = [...replies];
    const notUsed = () => Promise.reject(new Error('not used'));
    return {
      thumbprint: '',
      directory: notUsed,
      readAccount: notUsed,
      changeContact: notUsed,
      changeKey: notUsed,
      newOrder: notUsed,
      post: notUsed,
      revoke: notUsed,
      read: async () => {
        onRead();
        const reply = left.shift();
        const status = reply === undefined ? 'ready' : 'pending';
        return {
          status: 200,
          headers: reply?.retry === undefined ? {} : { 'retry-after': reply.retry },
          data: { status, finalize: 'https://ca.test/finalize', authorizations: [] },
        };
      },
    };
  }
});

describe('patience', () => {
  const clock = () => new SleepingClock();
  const random = { fraction: () => 0.5, bytes: (size: number) => Buffer.alloc(size) };
  const failing = (error: () => Error) => {
    let calls = 0;
    const attempt = async () => {
      calls++;
      throw error();
    };
    return { attempt, calls: () => calls };
  };
  const unavailable = () => new RigilError('issuer-unavailable', 'no answer');
  const limited = (ms: number) => () => new AcmeProblem(readProblem({}), 429, Date.UTC(2026, 0, 1) + ms);

  it('reads three times, with growing pauses', async () => {
    const time = clock();
    const { attempt, calls } = failing(unavailable);
    await expect(retryRead({ clock: time, random, signal: noSignal }, attempt)).rejects.toMatchObject({
      code: 'issuer-unavailable',
    });
    expect(calls()).toBe(3);
    expect(time.sleeps).toEqual([750, 2_250]);
  });

  it('does not multiply the tries of what is inside', async () => {
    const { attempt, calls } = failing(unavailable);
    const patience = { clock: clock(), random, signal: noSignal };
    await expect(retryRead(patience, () => retryRead(patience, attempt))).rejects.toThrow();
    expect(calls()).toBe(3);
  });

  it('orders once when there was no answer', async () => {
    const { attempt, calls } = failing(unavailable);
    await expect(retryRefused({ clock: clock(), random, signal: noSignal }, attempt)).rejects.toThrow();
    expect(calls()).toBe(1);
  });

  it.each([
    [10_000, 3],
    [10_001, 1],
  ])('leaves a pause of %i ms to the scheduler or waits (%i tries)', async (ms, tries) => {
    const { attempt, calls } = failing(limited(ms));
    await expect(retryRefused({ clock: clock(), random, signal: noSignal }, attempt)).rejects.toMatchObject({
      code: 'rate-limited',
      retryAt: Date.UTC(2026, 0, 1) + ms,
    });
    expect(calls()).toBe(tries);
  });

  it('does not repeat what is broken or aborted', async () => {
    const broken = failing(() => new TypeError('a bug'));
    await expect(retryRead({ clock: clock(), random, signal: noSignal }, broken.attempt)).rejects.toThrow(
      'a bug',
    );
    expect(broken.calls()).toBe(1);
    const aborted = failing(unavailable);
    await expect(
      retryRead({ clock: clock(), random, signal: AbortSignal.abort() }, aborted.attempt),
    ).rejects.toThrow();
    expect(aborted.calls()).toBe(1);
  });
});
