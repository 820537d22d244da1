import { expect, it } from 'vitest';
import { FrameWriter } from '../../../../src/proxy/codec/http2/frame-writer.ts';
import { FRAME, H2_ERROR, SETTING } from '../../../../src/proxy/codec/http2/protocol.ts';
import { OPENING, readAll } from './frames.ts';

function written(write: (writer: FrameWriter) => void) {
  const writer = new FrameWriter();
  writer.preface();
  writer.settings([]);
  write(writer);
  return readAll([writer.take()]).slice(1);
}

it('writes what a reader reads', () => {
  const bytes = Buffer.from('##hello##');
  const seen = written((writer) => {
    writer.settings([
      [SETTING.maxFrameSize, 16_384],
      [SETTING.enablePush, 0],
    ]);
    writer.settingsAck();
    writer.headers(1, Buffer.from('block'), false);
    writer.data(1, bytes, 2, 7, true);
    writer.data(3, bytes, 0, 0, true);
    writer.ping(Buffer.from('##abcdefgh'), 2, true);
    writer.rstStream(5, H2_ERROR.refusedStream);
    writer.windowUpdate(0, 0x7fff_ffff);
    writer.goaway(0x7fff_ffff, H2_ERROR.enhanceYourCalm, 'calm');
  });
  expect(seen).toEqual([
    {
      reading: 'frame',
      type: FRAME.settings,
      streamId: 0,
      ack: false,
      payload: '\0\x05\0\0\x40\0\0\x02\0\0\0\0',
    },
    { reading: 'frame', type: FRAME.settings, streamId: 0, ack: true, payload: '' },
    { reading: 'frame', type: FRAME.headers, streamId: 1, payload: 'block', endStream: false },
    { reading: 'frame', type: FRAME.data, streamId: 1, payload: 'hello', endStream: true, flowBytes: 5 },
    { reading: 'frame', type: FRAME.data, streamId: 3, payload: '', endStream: true, flowBytes: 0 },
    { reading: 'frame', type: FRAME.ping, streamId: 0, ack: true, payload: 'abcdefgh' },
    { reading: 'frame', type: FRAME.rstStream, streamId: 5, payload: '\0\0\0\x07', value: 7 },
    {
      reading: 'frame',
      type: FRAME.windowUpdate,
      streamId: 0,
      payload: '\x7f\xff\xff\xff',
      value: 0x7fff_ffff,
    },
    {
      reading: 'frame',
      type: FRAME.goaway,
      streamId: 0,
      payload: 'calm',
      value: 11,
      otherStreamId: 0x7fff_ffff,
    },
  ]);
});

it('splits what is larger than a frame may be', () => {
  const large = Buffer.alloc(40_000, 'x');
  const seen = written((writer) => {
    writer.headers(1, large.subarray(0, 30_000), true);
    writer.data(3, large, 0, 40_000, true);
  });
  expect(seen.map(({ type, payload, endStream }) => [type, payload?.length, endStream])).toEqual([
    [FRAME.headers, 30_000, true],
    [FRAME.data, 16_384, false],
    [FRAME.data, 16_384, false],
    [FRAME.data, 7_232, true],
  ]);
});

it('leaves the data to the caller, if that is wanted', () => {
  const writer = new FrameWriter();
  writer.preface();
  writer.settings([]);
  writer.dataHead(1, 5, true);
  expect(readAll([writer.take(), Buffer.from('hello')]).at(-1)).toMatchObject({
    payload: 'hello',
    endStream: true,
  });
});

it('what was taken stays as it is', () => {
  const writer = new FrameWriter();
  writer.rstStream(1, H2_ERROR.cancel);
  const taken = writer.take();
  const copy = Buffer.from(taken);
  expect(writer.length).toBe(0);
  writer.goaway(0, H2_ERROR.noError, 'x'.repeat(2_000));
  expect(taken).toEqual(copy);
  expect(writer.take()).toHaveLength(9 + 8 + 2_000);
  expect(writer.take()).toHaveLength(0);
});

it('ends a stream with the data that was written last, if it has not left', () => {
  const writer = new FrameWriter();
  expect(writer.endStream(1)).toBe(false);
  writer.data(1, Buffer.from('ab'), 0, 2, false);
  expect(writer.endStream(3)).toBe(false);
  expect(writer.endStream(1)).toBe(true);
  writer.data(3, Buffer.from('c'), 0, 1, false);
  writer.rstStream(5, H2_ERROR.cancel);
  expect(writer.endStream(3)).toBe(false);
  const taken = writer.take();
  expect(writer.endStream(3)).toBe(false);
  const ends = readAll([OPENING, taken]).map(({ endStream }) => endStream);
  expect(ends).toEqual([undefined, true, false, undefined]);
});

it('uses memory again that was cleared, and none that was taken', () => {
  const text = Buffer.alloc(5_000, 'x');
  const writer = new FrameWriter(true);
  writer.data(1, text, 0, 5_000, false);
  const cleared = writer.peek();
  expect(cleared).toHaveLength(5_009);
  writer.clear();
  expect([writer.length, writer.endStream(1)]).toEqual([0, false]);
  const other = new FrameWriter(true);
  other.data(1, text, 0, 5_000, false);
  expect(other.peek().buffer).toBe(cleared.buffer);
  const taken = other.take();
  writer.data(1, Buffer.alloc(5_000, 'y'), 0, 5_000, false);
  expect(taken.toString('latin1', 9, 12)).toBe('xxx');
});
