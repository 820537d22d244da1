import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeFrame, FrameDecoder } from '../../../src/config/source/frames.ts';
import { codeOf } from '../../../src/errors.ts';

const MIB = 1024 * 1024;
const TEXT = Buffer.from('route a.example\n  upstream app:8080\n');

function decode(...pieces: readonly Uint8Array[]): string[] {
  const decoder = new FrameDecoder();
  return pieces.flatMap((piece) => [...decoder.push(piece)].map(String));
}

/** `CENTAURI`, version, length. */
function header(magic: string, version: number, length: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.write(magic, 'latin1');
  bytes.writeUInt32BE(version, 8);
  bytes.writeUInt32BE(length, 12);
  return bytes;
}

describe('a frame', () => {
  it('has the bytes that Centauri sends', () => {
    expect(encodeFrame(Buffer.from('hi')).toString('hex')).toBe('43454e544155524900000001000000026869');
    expect(encodeFrame(TEXT)).toEqual(Buffer.concat([header('CENTAURI', 1, TEXT.length), TEXT]));
  });

  it.each<[string, readonly Uint8Array[], readonly string[]]>([
    ['nothing', [], []],
    ['one frame', [encodeFrame(TEXT)], [String(TEXT)]],
    ['an empty payload', [encodeFrame(Buffer.alloc(0))], ['']],
    [
      'two frames in one piece',
      [Buffer.concat([encodeFrame(TEXT), encodeFrame(Buffer.from('b'))])],
      [String(TEXT), 'b'],
    ],
    ['half a header', [encodeFrame(TEXT).subarray(0, 9)], []],
    ['a frame that lacks its last byte', [encodeFrame(TEXT).subarray(0, -1)], []],
    ['byte by byte', [...encodeFrame(TEXT)].map((byte) => Buffer.of(byte)), [String(TEXT)]],
    [
      'an empty piece between',
      [encodeFrame(TEXT).subarray(0, 3), Buffer.alloc(0), encodeFrame(TEXT).subarray(3)],
      [String(TEXT)],
    ],
    ['16 MiB', [encodeFrame(Buffer.alloc(16 * MIB, 'x'))], ['x'.repeat(16 * MIB)]],
  ])('is read: %s', (_, pieces, payloads) => {
    expect(decode(...pieces)).toEqual(payloads);
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['another magic', header('CENTAUR1', 1, 0), /does not begin with CENTAURI/],
    ['an HTTP server', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), /does not begin with CENTAURI/],
    ['one wrong byte of a short greeting', Buffer.from('2'), /does not begin with CENTAURI/],
    ['version 2', header('CENTAURI', 2, 0), /version 2 /],
    ['version 0', header('CENTAURI', 0, 0), /version 0 /],
    ['version 256, whose last byte is 0', header('CENTAURI', 256, 0), /version 256 /],
    ['one byte more than 16 MiB', header('CENTAURI', 1, 16 * MIB + 1), /16777217 bytes/],
    ['4 GiB', header('CENTAURI', 1, 0xffff_ffff), /4294967295 bytes/],
    ['a second frame that is none', Buffer.concat([encodeFrame(TEXT), Buffer.from('XX')]), /CENTAURI/],
  ])('is refused: %s', (_, bytes, message) => {
    const error = thrown(() => decode(bytes));
    expect(codeOf(error)).toBe('config-source-invalid');
    expect(String(error)).toMatch(message);
  });

  it('is the same however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 8 }),
        fc.array(fc.nat(2000), { maxLength: 20 }),
        (payloads, cuts) => {
          const stream = Buffer.concat(payloads.map(encodeFrame));
          const places = [
            0,
            ...cuts.map((cut) => Math.min(cut, stream.length)).toSorted((a, b) => a - b),
            stream.length,
          ];
          const decoder = new FrameDecoder();
          const found = places
            .slice(1)
            .flatMap((end, index) => [...decoder.push(stream.subarray(places[index], end))]);
          expect(found.map((payload) => [...payload])).toEqual(payloads.map((payload) => [...payload]));
          expect(decoder.isInsideFrame).toBe(false);
        },
      ),
    );
  });

  it('is nothing but this error otherwise, whatever comes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 10 }), (pieces) => {
        const decoder = new FrameDecoder();
        try {
          for (const piece of pieces) expect([...decoder.push(piece)]).toEqual([]);
        } catch (error) {
          expect(codeOf(error)).toBe('config-source-invalid');
        }
      }),
    );
  });

  it('tells where one is not complete', () => {
    const decoder = new FrameDecoder();
    expect(decoder.isInsideFrame).toBe(false);
    for (const size of [3, 16, 20]) {
      const cut = new FrameDecoder();
      expect([...cut.push(encodeFrame(TEXT).subarray(0, size))]).toEqual([]);
      expect(cut.isInsideFrame).toBe(true);
    }
    expect([...decoder.push(encodeFrame(TEXT))]).toHaveLength(1);
    expect(decoder.isInsideFrame).toBe(false);
  });
});

function thrown(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}
