import { describe, expect, it } from 'vitest';
import { isAbsence, isSilence, Server } from '../../../src/proxy/balance/server.ts';

describe('an upstream that cannot be connected to', () => {
  /** How long it is left alone when it fails again and again, each time as soon as it is tried. */
  function pauses(count: number): number[] {
    const server = new Server();
    let nowMs = 0;
    server.failed(nowMs);
    return Array.from({ length: count }, () => {
      const from = nowMs;
      while (server.isAway(nowMs)) nowMs += 100;
      server.chosen(nowMs);
      server.failed(nowMs);
      server.left();
      return nowMs - from;
    });
  }

  it('is left alone for a second, then twice as long each time, at most half a minute', () => {
    expect(pauses(8)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  });

  it('counts once when many requests fail at the same time', () => {
    const server = new Server();
    for (let n = 0; n < 50; n++) server.failed(n);
    expect(server.isAway(999)).toBe(true);
    expect(server.isAway(1_000)).toBe(false);
    expect(server.failedAtMs).toBe(49);
  });

  it('is tried by one request, while the others keep away', () => {
    const server = new Server();
    server.failed(0);
    expect(server.isAway(1_000)).toBe(false);
    server.chosen(1_000);
    expect(server.isAway(1_001)).toBe(true);
    server.answered();
    expect(server.isAway(1_002)).toBe(false);
  });

  it('is tried again when nothing was heard of the one that tried it', () => {
    const server = new Server();
    server.failed(0);
    server.chosen(1_000);
    expect(server.isAway(1_999)).toBe(true);
    expect(server.isAway(2_000)).toBe(false);
  });

  it('begins anew after an answer', () => {
    const server = new Server();
    server.failed(0);
    server.chosen(1_000);
    server.failed(1_000);
    server.answered();
    server.failed(5_000);
    expect(server.isAway(5_999)).toBe(true);
    expect(server.isAway(6_000)).toBe(false);
  });

  it('is not given up for longer when it is asked for want of another', () => {
    const server = new Server();
    server.failed(0);
    server.chosen(500);
    server.failed(500);
    expect(server.isAway(1_000)).toBe(false);
  });
});

describe('an upstream that was asked in vain for long', () => {
  it('is left alone for as long, then twice as long, and at most for 30 s', () => {
    const server = new Server();
    server.failed(10_000, 8_000);
    expect([server.isAway(17_999), server.isAway(18_000)]).toEqual([true, false]);
    server.chosen(18_000);
    server.failed(26_000, 8_000);
    expect([server.isAway(41_999), server.isAway(42_000)]).toEqual([true, false]);
    server.chosen(42_000);
    server.failed(50_000, 8_000);
    expect([server.isAway(79_999), server.isAway(80_000)]).toEqual([true, false]);
  });

  it('is tried again as soon as one of the others that wait is answered', () => {
    const server = new Server();
    server.failed(60_000, 60_000);
    server.answered();
    expect(server.isAway(60_001)).toBe(false);
  });
});

it('tells what keeps a connection from being made from silence, and from whoever hangs up', () => {
  const kinds = [
    'refused',
    'unresolved',
    'connect-timeout',
    'tls',
    'response-timeout',
    'stalled',
    'reset',
  ] as const;
  expect(kinds.filter(isAbsence)).toEqual(['refused', 'unresolved', 'connect-timeout', 'tls']);
  expect(kinds.filter(isSilence)).toEqual(['response-timeout', 'stalled']);
});
