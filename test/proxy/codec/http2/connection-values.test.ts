import { describe, expect, it } from 'vitest';
import { LengthCheck } from '../../../../src/proxy/codec/content-length.ts';
import { FLOOD_LIMITS, FloodBudget, type FloodKind } from '../../../../src/proxy/codec/http2/flood-budget.ts';
import { parsePriority } from '../../../../src/proxy/codec/http2/priority.ts';
import { H2_ERROR, LARGEST_WINDOW, SETTING } from '../../../../src/proxy/codec/http2/protocol.ts';
import { PeerSettings } from '../../../../src/proxy/codec/http2/settings.ts';
import { ReceiveWindow, SendWindow } from '../../../../src/proxy/codec/http2/window.ts';

describe('settings', () => {
  const apply = (
    settings: PeerSettings,
    peer: 'client' | 'server',
    ...pairs: readonly (readonly [number, number])[]
  ) => {
    const bytes = Buffer.alloc(pairs.length * 6 + 2);
    pairs.forEach(([identifier, value], index) => {
      bytes.writeUInt16BE(identifier, 2 + index * 6);
      bytes.writeUInt32BE(value, 4 + index * 6);
    });
    return settings.apply(bytes, 2, bytes.length, peer);
  };

  it('begin as RFC 9113 says and change as the peer says, the last one counts', () => {
    const settings = new PeerSettings();
    expect(settings).toMatchObject({
      headerTableSize: 4_096,
      initialWindowSize: 65_535,
      maxFrameSize: 16_384,
      enablePush: true,
    });
    const fault = apply(
      settings,
      'client',
      [SETTING.headerTableSize, 0],
      [SETTING.enablePush, 0],
      [SETTING.maxConcurrentStreams, 0],
      [SETTING.initialWindowSize, 1],
      [SETTING.initialWindowSize, LARGEST_WINDOW],
      [SETTING.maxFrameSize, 16_777_215],
      [SETTING.maxHeaderListSize, 9],
      [SETTING.enableConnectProtocol, 1],
      [SETTING.noRfc7540Priorities, 1],
      [0x7f, 0xffff_ffff],
    );
    expect(fault).toBe(null);
    expect(settings).toEqual({
      headerTableSize: 0,
      enablePush: false,
      maxConcurrentStreams: 0,
      initialWindowSize: LARGEST_WINDOW,
      maxFrameSize: 16_777_215,
      maxHeaderListSize: 9,
      enableConnectProtocol: true,
      noRfc7540Priorities: true,
    });
  });

  it.each([
    ['push that is no boolean', 'client', SETTING.enablePush, 2, H2_ERROR.protocolError],
    ['push from a server', 'server', SETTING.enablePush, 1, H2_ERROR.protocolError],
    ['a window of 2^31', 'client', SETTING.initialWindowSize, 0x8000_0000, H2_ERROR.flowControlError],
    ['a frame below 16 KiB', 'client', SETTING.maxFrameSize, 16_383, H2_ERROR.protocolError],
    ['a frame of 2^24', 'client', SETTING.maxFrameSize, 16_777_216, H2_ERROR.protocolError],
    [
      'extended CONNECT that is no boolean',
      'server',
      SETTING.enableConnectProtocol,
      2,
      H2_ERROR.protocolError,
    ],
    ['priorities that are no boolean', 'client', SETTING.noRfc7540Priorities, 2, H2_ERROR.protocolError],
  ] as const)('refuse %s', (_, peer, identifier, value, error) => {
    expect(apply(new PeerSettings(), peer, [identifier, value])).toMatchObject({
      scope: 'connection',
      error,
    });
  });

  it('refuse to take extended CONNECT back (RFC 8441 3)', () => {
    const settings = new PeerSettings();
    expect(apply(settings, 'server', [SETTING.enableConnectProtocol, 1])).toBe(null);
    expect(apply(settings, 'server', [SETTING.enableConnectProtocol, 0])).toMatchObject({
      error: H2_ERROR.protocolError,
    });
  });

  it('are not more than anybody has', () => {
    const many = Array.from({ length: 33 }, () => [SETTING.maxHeaderListSize, 1] as const);
    expect(apply(new PeerSettings(), 'client', ...many)).toMatchObject({ error: H2_ERROR.enhanceYourCalm });
  });
});

describe('windows', () => {
  it('for sending: spent, grown, shifted below zero and back', () => {
    const window = new SendWindow(100);
    window.spend(60);
    expect(window.available).toBe(40);
    expect(window.shift(-90)).toBe(true);
    expect(window.available).toBe(0);
    expect(window.grow(60)).toBe(true);
    expect(window.available).toBe(10);
  });

  it('for sending: not beyond 2^31 - 1', () => {
    expect(new SendWindow(LARGEST_WINDOW - 1).grow(1)).toBe(true);
    expect(new SendWindow(LARGEST_WINDOW).grow(1)).toBe(false);
    expect(new SendWindow(1).shift(LARGEST_WINDOW)).toBe(false);
    expect(new SendWindow().grow(LARGEST_WINDOW)).toBe(false);
  });

  it('for receiving: not more than was allowed, given back by halves', () => {
    const window = new ReceiveWindow(100);
    expect(window.receive(100)).toBe(true);
    expect(window.release(49)).toBe(0);
    expect(window.release(1)).toBe(50);
    expect(window.receive(50)).toBe(true);
    expect(window.receive(1)).toBe(false);
  });

  it('can be made wider', () => {
    const window = new ReceiveWindow(100);
    expect(window.receive(100)).toBe(true);
    expect([window.widen(60), window.size]).toEqual([60, 160]);
    expect(window.receive(61)).toBe(false);
  });
});

describe('priority (RFC 9218)', () => {
  it.each([
    ['', 3, false],
    ['u=0', 0, false],
    ['u=7, i', 7, true],
    ['i,u=1', 1, true],
    ['  u=5 , i=?1 ', 5, true],
    ['i=?0', 3, false],
    ['u=1, u=2', 2, false],
    ['u=1;a=b;c, i;d="e,f"', 1, true],
    ['x=(a, u=1', 3, false],
    ['a="u=0, i", u=4', 4, false],
    ['a=:dT0w:, b=c/d, c=-1.5, u=6', 6, false],
    ['u=8', 3, false],
    ['u=-1', 3, false],
    ['u=1.0', 3, false],
    ['u="1"', 3, false],
    ['u', 3, false],
    ['i=1', 3, false],
    ['U=1', 3, false],
    ['u=1,', 3, false],
    ['u=1 i', 3, false],
    ['u==1', 3, false],
    [`u=1${' '.repeat(300)}`, 3, false],
    [';'.repeat(200), 3, false],
  ])('%j', (text, urgency, incremental) => expect(parsePriority(text)).toEqual({ urgency, incremental }));
});

describe('flood budgets', () => {
  it.each(Object.keys(FLOOD_LIMITS) as FloodKind[])('%s: the burst and no more', (kind) => {
    const budget = new FloodBudget();
    const spent = Array.from({ length: FLOOD_LIMITS[kind].burst + 1 }, () => budget.spend(kind, 1_000));
    expect(spent.filter((answer) => answer === 'ok')).toHaveLength(FLOOD_LIMITS[kind].burst);
    expect(spent.at(-1)).toBe('enhance-your-calm');
  });

  it('recover with time, each on its own', () => {
    const budget = new FloodBudget({ ...FLOOD_LIMITS, ping: { burst: 2, perSecond: 1 } });
    expect([0, 0, 0].map((now) => budget.spend('ping', now))).toEqual(['ok', 'ok', 'enhance-your-calm']);
    expect(budget.spend('reset', 0)).toBe('ok');
    expect(budget.spend('ping', 1_000)).toBe('enhance-your-calm');
    expect(budget.spend('ping', 4_000)).toBe('ok');
  });

  it('a steady rate is fine for ever, also when the clock goes back', () => {
    const budget = new FloodBudget();
    for (let second = 0; second < 1_000; second += 1)
      expect(budget.spend('settings', second * 1_000)).toBe('ok');
    expect(budget.spend('settings', 0)).toBe('ok');
  });
});

describe('a body against its length', () => {
  it('as announced', () => {
    const check = new LengthCheck(5);
    expect([check.complete, check.add(3), check.complete, check.add(2), check.complete]).toEqual([
      false,
      true,
      false,
      true,
      true,
    ]);
    expect(check.add(1)).toBe(false);
  });

  it('not announced', () => {
    const check = new LengthCheck(-1);
    expect([check.add(1_000), check.complete]).toEqual([true, true]);
  });

  it('announced as nothing', () => {
    const check = new LengthCheck(0);
    expect([check.complete, check.add(0), check.add(1)]).toEqual([true, true, false]);
  });
});
