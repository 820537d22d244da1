import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameReader } from '../../../../src/proxy/codec/http2/frame-reader.ts';
import { FRAME, H2_ERROR } from '../../../../src/proxy/codec/http2/protocol.ts';
import { runs } from '../../../fuzz-runs.ts';
import { READINGS, REFUSALS, wireOf } from './frame-cases.ts';
import { frame, OPENING, readAll } from './frames.ts';

/** In one piece, in two cut at some places, and (if not too long) byte by byte. */
function* arrivals(wire: Buffer): Generator<readonly Buffer[]> {
  yield [wire];
  const step = wire.length < 500 ? 1 : 1_021;
  for (let cut = 1; cut < wire.length; cut += step) yield [wire.subarray(0, cut), wire.subarray(cut)];
  if (wire.length < 20_000) yield Array.from(wire, (_, index) => wire.subarray(index, index + 1));
}

describe('frames that are read, whole and however they are cut', () => {
  it.each(READINGS)('$name', ({ wire, seen }) => {
    for (const pieces of arrivals(wireOf(wire))) {
      const [settings, ...rest] = readAll(pieces);
      expect(settings?.type).toBe(FRAME.settings);
      expect(rest).toEqual(seen);
    }
  });

  it('all of them on one connection', () => {
    const wire = Buffer.concat([OPENING, ...READINGS.flatMap((reading) => reading.wire)]);
    const seen = READINGS.flatMap((reading) => reading.seen);
    for (const pieces of arrivals(wire)) expect(readAll(pieces).slice(1)).toEqual(seen);
  });
});

describe('frames that end the connection, whole and however they are cut', () => {
  it.each(REFUSALS)('%s', (_, wire, error, reason) => {
    for (const pieces of arrivals(wireOf(wire))) {
      const last = readAll(pieces).at(-1);
      expect(last).toEqual({ reading: 'connection-fault', fault: { scope: 'connection', error, reason } });
    }
  });
});

it('a client reads no preface, knows PRIORITY_UPDATE of clients only, and refuses pushed streams', () => {
  const settings = frame(FRAME.settings, 0, 0);
  const after = (...frames: readonly Buffer[]) =>
    readAll([Buffer.concat([settings, ...frames])], 'client').at(-1);
  expect(after(frame(FRAME.headers, 4, 1, 'a'))).toMatchObject({ reading: 'frame', type: FRAME.headers });
  expect(after(frame(FRAME.pushPromise, 4, 1, '\0\0\0\x02'))).toMatchObject({
    fault: { error: H2_ERROR.protocolError, reason: 'push-promise' },
  });
  expect(after(frame(FRAME.priorityUpdate, 0, 0, '\0\0\0\x01'))).toMatchObject({
    fault: { error: H2_ERROR.protocolError, reason: 'priority-update-from-server' },
  });
});

it('holds no memory between frames', () => {
  const reader = new FrameReader('server');
  const wire = Buffer.concat([
    OPENING,
    frame(FRAME.headers, 0, 1, 'a'),
    frame(FRAME.continuation, 4, 1, 'b'),
  ]);
  for (let at = 0; at < wire.length; at += 1) {
    reader.push(wire, at, at + 1);
    while (reader.next() !== 'more');
  }
  expect(reader.bytes).toHaveLength(0);
});

it('limits are those given', () => {
  const limits = { frameBytes: 20_000, blockBytes: 10, continuations: 1 };
  const last = (...frames: readonly Buffer[]) =>
    readAll([Buffer.concat([OPENING, ...frames])], 'server', limits).at(-1);
  expect(last(frame(FRAME.data, 0, 1, Buffer.alloc(20_000)))).toMatchObject({ reading: 'frame' });
  expect(last(frame(FRAME.headers, 4, 1, Buffer.alloc(11)))).toMatchObject({
    fault: { error: H2_ERROR.enhanceYourCalm, reason: 'header-block-too-large' },
  });
});

describe('whatever comes', () => {
  const wires = REFUSALS.map(([, wire]) => wire).concat(READINGS.map(({ wire }) => wire));
  const short = wires.map(wireOf).filter((wire) => wire.length < 200);
  const wounded = fc
    .tuple(
      fc.constantFrom(...short),
      fc.constantFrom(...short),
      fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 4 }),
    )
    .map(([first, second, wounds]) => {
      const wire = Buffer.concat([first, second.subarray(OPENING.length)]);
      for (const [at, byte] of wounds) wire[at % wire.length] = byte;
      return wire;
    });

  it('it is read to the end or to a fault with a code, and no cut changes that', () => {
    const errors = new Set<number>(Object.values(H2_ERROR));
    fc.assert(
      fc.property(wounded, fc.nat(), (wire, cut) => {
        const at = cut % wire.length;
        const whole = readAll([wire]);
        expect(readAll([wire.subarray(0, at), wire.subarray(at)])).toEqual(whole);
        for (const { fault } of whole) {
          if (fault !== undefined && 'error' in fault) expect(errors.has(Number(fault.error))).toBe(true);
        }
      }),
      { numRuns: runs(3_000) },
    );
  });

  it('random bytes after the opening are no exception', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        readAll([Buffer.concat([OPENING, Buffer.from(bytes)])]);
      }),
      { numRuns: runs(2_000) },
    );
  });
});

describe('what has begun', () => {
  it.each([
    ['', 'nothing'],
    [frame(FRAME.data, 0, 1, 'whole'), 'nothing'],
    [frame(FRAME.data, 0, 1, 'half').subarray(0, 11), 'frame'],
    [frame(FRAME.data, 0, 1, 'half').subarray(0, 5), 'frame'],
    [frame(FRAME.headers, 0x4, 1, 'half').subarray(0, 10), 'header-block'],
    [frame(FRAME.headers, 0, 1, 'to be continued'), 'header-block'],
    [frame(FRAME.headers, 0x4, 1, 'whole'), 'nothing'],
  ] as const)('is known: %#', (bytes, partial) => {
    const reader = new FrameReader('server');
    const wire = Buffer.concat([OPENING, Buffer.from(bytes)]);
    reader.push(wire, 0, wire.length);
    while (reader.next() !== 'more');
    expect(reader.partial).toBe(partial);
  });
});

describe('DATA in pieces', () => {
  /** What is read, with the pieces of each stream put together as far as nothing comes between them. */
  function whole(pieces: readonly Buffer[], inPieces: boolean): object[] {
    const merged: {
      type?: number;
      streamId?: number;
      payload?: string;
      flowBytes?: number;
      endStream?: boolean;
    }[] = [];
    for (const { type, streamId, payload = '', flowBytes = 0, endStream, ...rest } of readAll(
      pieces,
      'server',
      undefined,
      inPieces,
    )) {
      const last = merged.at(-1);
      if (
        type === FRAME.data &&
        last?.type === FRAME.data &&
        last.streamId === streamId &&
        last.endStream !== true
      ) {
        last.payload += payload;
        last.flowBytes = (last.flowBytes ?? 0) + flowBytes;
        last.endStream = endStream === true;
      } else merged.push({ ...rest, type, streamId, payload, flowBytes, endStream } as never);
    }
    return merged;
  }

  it('is the same bytes as in frames, wherever the wire is cut', () => {
    const some = fc.oneof(
      fc
        .tuple(fc.constantFrom(1, 3), fc.string({ maxLength: 40 }), fc.constantFrom(0, 1))
        .map(([id, text, flags]) => frame(FRAME.data, flags, id, text)),
      fc.constant(frame(FRAME.data, 0x8, 1, Buffer.from([2, 65, 66, 0, 0]))),
      fc.constant(frame(FRAME.ping, 0, 0, '12345678')),
      fc.constant(frame(FRAME.data, 0, 0, 'on no stream')),
    );
    fc.assert(
      fc.property(fc.array(some, { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 6 }), (frames, cuts) => {
        const wire = Buffer.concat([OPENING, ...frames]);
        const at = [0, ...cuts.map((cut) => cut % wire.length).toSorted((a, b) => a - b), wire.length];
        const pieces = at.slice(1).map((to, index) => wire.subarray(at[index], to));
        expect(whole(pieces, true)).toEqual(whole([wire], false));
      }),
      { numRuns: 2_000 },
    );
  });

  it('comes before the frame is whole, and is part of it', () => {
    const wire = Buffer.concat([OPENING, frame(FRAME.data, 1, 1, 'hello')]);
    const seen = readAll(
      [wire.subarray(0, -3), wire.subarray(-3, -1), wire.subarray(-1)],
      'server',
      undefined,
      true,
    );
    expect(seen.slice(1).map(({ payload, endStream }) => [payload, endStream])).toEqual([
      ['he', false],
      ['ll', false],
      ['o', true],
    ]);
    const reader = new FrameReader('server', undefined, true);
    reader.push(wire, 0, wire.length - 1);
    while (reader.next() !== 'more');
    expect(reader.partial).toBe('frame');
  });
});
