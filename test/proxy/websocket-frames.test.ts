import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FrameTracker } from '../../src/proxy/websocket.ts';
import { runs } from '../fuzz-runs.ts';

function frame(length: number, masked: boolean): Buffer {
  const mask = masked ? 0x80 : 0;
  const head =
    length < 126
      ? Buffer.from([0x82, mask | length])
      : length < 65_536
        ? Buffer.from([0x82, mask | 126, length >> 8, length & 0xff])
        : Buffer.from([0x82, mask | 127, 0, 0, 0, 0, 0, length >> 16, (length >> 8) & 0xff, length & 0xff]);
  return Buffer.concat([head, Buffer.alloc((masked ? 4 : 0) + length, 0xff)]);
}

it('knows where frames end, however the bytes are cut', () => {
  const sizes = fc.oneof(fc.constantFrom(0, 125, 126, 65_535, 65_536), fc.nat(300));
  fc.assert(
    fc.property(fc.array(fc.tuple(sizes, fc.boolean()), { maxLength: 6 }), fc.nat(9_999), (frames, step) => {
      const bytes = Buffer.concat(frames.map(([length, masked]) => frame(length, masked)));
      const ends = new Set([0]);
      let end = 0;
      for (const [length, masked] of frames) {
        end += frame(length, masked).length;
        ends.add(end);
      }
      const tracker = new FrameTracker();
      for (let offset = 0; offset < bytes.length; ) {
        const next = Math.min(bytes.length, offset + step + 1);
        tracker.push(bytes.subarray(offset, next));
        offset = next;
        expect(tracker.betweenFrames).toBe(ends.has(offset));
      }
    }),
    { numRuns: runs(200) },
  );
});
