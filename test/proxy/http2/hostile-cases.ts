import { FRAME, H2_ERROR, LARGEST_WINDOW, SETTING } from '../../../src/proxy/codec/http2/protocol.ts';
import { frame } from '../codec/http2/frames.ts';
import { head, request, settings, uint32 } from './raw-h2.ts';

/** What a malicious client sends after its preface, without end, and the error with which its connection ends. */
export interface HostileCase {
  readonly name: string;
  /** The n-th piece. */
  readonly piece: (n: number) => Buffer;
  /** So many of them, at most. */
  readonly pieces: number;
  readonly error: number;
  readonly reason: string;
  /** The most requests that an upstream may see of it. */
  readonly requests?: number;
}

const CALM = H2_ERROR.enhanceYourCalm;
const id = (n: number) => 2 * n + 1;
const many = (count: number, bytes: Buffer) => Buffer.concat(Array.from({ length: count }, () => bytes));
const PING = frame(FRAME.ping, 0, 0, '12345678');
const PRIORITY = frame(FRAME.priority, 0, 1, Buffer.from([0, 0, 0, 0, 10]));

const TUNNEL = { ':method': 'CONNECT', ':protocol': 'websocket' };

/** One that the upstream never answers, with a body to come. */
const OPEN_POST = head(1, { ':method': 'POST' }, false);

export const HOSTILE_CASES: readonly HostileCase[] = [
  {
    name: 'opens streams and resets them at once (CVE-2023-44487)',
    piece: (n) => Buffer.concat([head(id(n)), frame(FRAME.rstStream, 0, id(n), uint32(H2_ERROR.cancel))]),
    pieces: 5_000,
    error: CALM,
    reason: 'too-many-reset',
    requests: 600,
  },
  {
    name: 'opens streams and makes us reset them (CVE-2025-8671)',
    piece: (n) => Buffer.concat([head(id(n)), frame(FRAME.windowUpdate, 0, id(n), uint32(0))]),
    pieces: 5_000,
    error: CALM,
    reason: 'too-many-reset',
    requests: 600,
  },
  {
    name: 'opens more streams than it may',
    piece: (n) => head(id(n)),
    pieces: 5_000,
    error: CALM,
    reason: 'too-many-reset',
    requests: 100,
  },
  {
    name: 'sends requests that are none',
    piece: (n) => head(id(n), { ':path': 'x' }),
    pieces: 5_000,
    error: CALM,
    reason: 'too-many-reset',
    requests: 0,
  },
  {
    name: 'never ends a header block (CVE-2024-27316)',
    piece: (n) =>
      n === 0 ? frame(FRAME.headers, 0, 1, request()) : frame(FRAME.continuation, 0, 1, Buffer.alloc(100)),
    pieces: 1_000,
    error: CALM,
    reason: 'too-many-continuations',
    requests: 0,
  },
  {
    name: 'never ends a header block, with frames of nothing (CVE-2019-9518)',
    piece: (n) => (n === 0 ? frame(FRAME.headers, 0, 1, request()) : frame(FRAME.continuation, 0, 1)),
    pieces: 1_000,
    error: CALM,
    reason: 'too-many-continuations',
    requests: 0,
  },
  {
    name: 'sends a header block without measure',
    piece: (n) => frame(n === 0 ? FRAME.headers : FRAME.continuation, 0, 1, Buffer.alloc(16_000)),
    pieces: 100,
    error: CALM,
    reason: 'header-block-too-large',
    requests: 0,
  },
  {
    name: 'splits every header block',
    piece: (n) => {
      const rest = Array.from({ length: 7 }, () => frame(FRAME.continuation, 0, id(n)));
      return Buffer.concat([
        frame(FRAME.headers, 0x1, id(n), request()),
        ...rest,
        frame(FRAME.continuation, 0x4, id(n)),
        frame(FRAME.rstStream, 0, id(n), uint32(H2_ERROR.cancel)),
      ]);
    },
    pieces: 1_000,
    error: CALM,
    reason: 'too-many-continuation',
    requests: 600,
  },
  {
    name: 'pings (CVE-2019-9512)',
    piece: () => many(100, PING),
    pieces: 100,
    error: CALM,
    reason: 'too-many-ping',
  },
  {
    name: 'changes its settings again and again (CVE-2019-9515)',
    piece: (n) => settings([SETTING.initialWindowSize, 1_000 + n]),
    pieces: 5_000,
    error: CALM,
    reason: 'too-many-settings',
  },
  {
    name: 'sends more settings than there are',
    piece: () => settings(...Array.from({ length: 1_000 }, (_, n) => [n + 100, n] as const)),
    pieces: 10,
    error: CALM,
    reason: 'too-many-settings',
  },
  {
    name: 'sends a body of nothing (CVE-2019-9518)',
    piece: (n) => (n === 0 ? OPEN_POST : many(100, frame(FRAME.data, 0, 1))),
    pieces: 100,
    error: CALM,
    reason: 'too-many-empty',
    requests: 1,
  },
  {
    name: 'sends a body of padding',
    piece: (n) => (n === 0 ? OPEN_POST : many(20, frame(FRAME.data, 0x8, 1, Buffer.alloc(200, 199)))),
    pieces: 200,
    error: CALM,
    reason: 'too-many-empty',
    requests: 1,
  },
  {
    name: 'shuffles priorities (CVE-2019-9513)',
    piece: () => many(100, PRIORITY),
    pieces: 200,
    error: CALM,
    reason: 'too-many-idle',
  },
  {
    name: 'updates priorities of streams that never come',
    piece: (n) =>
      Buffer.concat(
        Array.from({ length: 100 }, (_, more) =>
          frame(FRAME.priorityUpdate, 0, 0, Buffer.concat([uint32(id(100 * n + more)), Buffer.from('u=1')])),
        ),
      ),
    pieces: 200,
    error: CALM,
    reason: 'too-many-idle',
  },
  {
    name: 'opens windows byte by byte',
    piece: () => many(100, frame(FRAME.windowUpdate, 0, 0, uint32(1))),
    pieces: 200,
    error: CALM,
    reason: 'too-many-idle',
  },
  {
    name: 'resets what has long been closed',
    piece: (n) => (n === 0 ? head(1) : many(100, frame(FRAME.rstStream, 0, 1, uint32(H2_ERROR.cancel)))),
    pieces: 200,
    error: CALM,
    reason: 'too-many-idle',
    requests: 1,
  },
  {
    name: 'sends frames that nobody knows',
    piece: () => many(100, frame(0xbb, 0, 0, 'what?')),
    pieces: 200,
    error: CALM,
    reason: 'too-many-idle',
  },
  {
    name: 'opens the window of the connection too far',
    piece: () => frame(FRAME.windowUpdate, 0, 0, uint32(LARGEST_WINDOW)),
    pieces: 1,
    error: H2_ERROR.flowControlError,
    reason: 'connection-window-too-large',
  },
  {
    name: 'opens all windows too far, by a setting',
    piece: (n) =>
      n === 0
        ? Buffer.concat([OPEN_POST, frame(FRAME.windowUpdate, 0, 1, uint32(LARGEST_WINDOW - 65_535))])
        : settings([SETTING.initialWindowSize, 65_536]),
    pieces: 2,
    error: H2_ERROR.flowControlError,
    reason: 'setting-initial-window-size',
    requests: 1,
  },
  {
    name: 'sends more than all windows allow',
    // What it sends ahead of the answer to its wish for a tunnel, nobody takes yet.
    piece: (n) =>
      n < 60 ? head(id(n), TUNNEL, false) : frame(FRAME.data, 0, id(n % 60), Buffer.alloc(16_384)),
    pieces: 60 * 4,
    error: H2_ERROR.flowControlError,
    reason: 'connection-window',
    requests: 60,
  },
  {
    name: 'goes on with what was reset',
    piece: (n) => {
      if (n === 0) return head(1, { ':method': 'POST', 'content-length': '1' }, false);
      return many(100, frame(FRAME.data, 0, 1, Buffer.alloc(2)));
    },
    pieces: 100,
    error: CALM,
    reason: 'too-many-idle',
    requests: 1,
  },
  {
    name: 'sends a block that means nothing',
    piece: () => frame(FRAME.headers, 0x5, 1, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])),
    pieces: 1,
    error: H2_ERROR.compressionError,
    reason: 'hpack-integer',
  },
  {
    name: 'sends a frame that is too large',
    piece: () => frame(FRAME.data, 0, 1, Buffer.alloc(16_385)),
    pieces: 1,
    error: H2_ERROR.frameSizeError,
    reason: 'frame-too-large',
  },
  {
    name: 'speaks HTTP/1.1 after it has agreed on HTTP/2',
    piece: () => Buffer.from('GET / HTTP/1.1\r\nHost: example.test\r\n\r\n'),
    pieces: 1,
    error: H2_ERROR.frameSizeError,
    reason: 'frame-too-large',
  },
];
