import { CLIENT_PREFACE, FLAG, FRAME, H2_ERROR } from '../../../../src/proxy/codec/http2/protocol.ts';
import { frame, OPENING, type Seen } from './frames.ts';

/** What is a connection error: after the client's preface and SETTINGS, unless the bytes begin with `PRI`. */
export type FrameRefusal = readonly [name: string, wire: readonly Buffer[], error: number, reason: string];

const { protocolError, frameSizeError, enhanceYourCalm } = H2_ERROR;
const END = FLAG.endHeaders;
const big = (length: number) => Buffer.alloc(length, 'x');

export const REFUSALS: readonly FrameRefusal[] = [
  ['a frame that is too large', [frame(FRAME.data, 0, 1, big(16_385))], frameSizeError, 'frame-too-large'],
  [
    'the head alone of a frame that is too large',
    [Buffer.from('ffffff000000000001', 'hex')],
    frameSizeError,
    'frame-too-large',
  ],
  ['an unknown frame that is too large', [frame(0x99, 0, 0, big(16_385))], frameSizeError, 'frame-too-large'],

  ['DATA on stream 0', [frame(FRAME.data, 0, 0, 'x')], protocolError, 'stream-zero'],
  ['HEADERS on stream 0', [frame(FRAME.headers, END, 0)], protocolError, 'stream-zero'],
  ['PRIORITY on stream 0', [frame(FRAME.priority, 0, 0, '\0\0\0\0\0')], protocolError, 'stream-zero'],
  ['RST_STREAM on stream 0', [frame(FRAME.rstStream, 0, 0, '\0\0\0\0')], protocolError, 'stream-zero'],
  ['CONTINUATION on stream 0', [frame(FRAME.continuation, END, 0)], protocolError, 'stream-zero'],
  ['SETTINGS on a stream', [frame(FRAME.settings, 0, 1)], protocolError, 'stream-not-zero'],
  ['PING on a stream', [frame(FRAME.ping, 0, 1, big(8))], protocolError, 'stream-not-zero'],
  ['GOAWAY on a stream', [frame(FRAME.goaway, 0, 1, big(8))], protocolError, 'stream-not-zero'],
  [
    'PRIORITY_UPDATE on a stream',
    [frame(FRAME.priorityUpdate, 0, 1, '\0\0\0\x01u=1')],
    protocolError,
    'stream-not-zero',
  ],
  [
    'PRIORITY_UPDATE about stream 0',
    [frame(FRAME.priorityUpdate, 0, 0, '\0\0\0\0u=1')],
    protocolError,
    'stream-zero',
  ],
  ['HEADERS on an even stream', [frame(FRAME.headers, END, 2)], protocolError, 'stream-even'],
  ['DATA on an even stream', [frame(FRAME.data, 0, 2)], protocolError, 'stream-even'],
  [
    'WINDOW_UPDATE on an even stream',
    [frame(FRAME.windowUpdate, 0, 2, '\0\0\0\x01')],
    protocolError,
    'stream-even',
  ],

  ['RST_STREAM of 3 bytes', [frame(FRAME.rstStream, 0, 1, '\0\0\0')], frameSizeError, 'frame-size'],
  ['RST_STREAM of 5 bytes', [frame(FRAME.rstStream, 0, 1, big(5))], frameSizeError, 'frame-size'],
  ['PING of 7 bytes', [frame(FRAME.ping, 0, 0, big(7))], frameSizeError, 'frame-size'],
  ['PING of 9 bytes', [frame(FRAME.ping, FLAG.ack, 0, big(9))], frameSizeError, 'frame-size'],
  ['GOAWAY of 7 bytes', [frame(FRAME.goaway, 0, 0, big(7))], frameSizeError, 'frame-size'],
  ['WINDOW_UPDATE of 3 bytes', [frame(FRAME.windowUpdate, 0, 0, big(3))], frameSizeError, 'frame-size'],
  ['WINDOW_UPDATE of 5 bytes', [frame(FRAME.windowUpdate, 0, 1, big(5))], frameSizeError, 'frame-size'],
  ['SETTINGS of 5 bytes', [frame(FRAME.settings, 0, 0, big(5))], frameSizeError, 'frame-size'],
  ['SETTINGS of 7 bytes', [frame(FRAME.settings, 0, 0, big(7))], frameSizeError, 'frame-size'],
  [
    'an acknowledgement with settings',
    [frame(FRAME.settings, FLAG.ack, 0, big(6))],
    frameSizeError,
    'frame-size',
  ],
  ['PRIORITY_UPDATE of 3 bytes', [frame(FRAME.priorityUpdate, 0, 0, big(3))], frameSizeError, 'frame-size'],

  [
    'WINDOW_UPDATE of nothing for the connection',
    [frame(FRAME.windowUpdate, 0, 0, '\0\0\0\0')],
    protocolError,
    'window-update-of-zero',
  ],
  ['PUSH_PROMISE', [frame(FRAME.pushPromise, END, 1, '\0\0\0\x02')], protocolError, 'push-promise'],

  ['DATA that is padded and empty', [frame(FRAME.data, FLAG.padded, 1)], protocolError, 'padding-too-long'],
  [
    'DATA with more padding than bytes',
    [frame(FRAME.data, FLAG.padded, 1, '\x04abc')],
    protocolError,
    'padding-too-long',
  ],
  [
    'HEADERS that are padded and empty',
    [frame(FRAME.headers, END | FLAG.padded, 1)],
    protocolError,
    'padding-too-long',
  ],
  [
    'HEADERS with more padding than bytes',
    [frame(FRAME.headers, END | FLAG.padded, 1, '\x02a')],
    protocolError,
    'padding-too-long',
  ],
  [
    'HEADERS with padding into the priority',
    [frame(FRAME.headers, END | FLAG.padded | FLAG.priority, 1, '\x01\0\0\0\x03\x10')],
    frameSizeError,
    'frame-too-small',
  ],
  [
    'HEADERS without room for the priority',
    [frame(FRAME.headers, END | FLAG.priority, 1, '\0\0\0\0')],
    frameSizeError,
    'frame-too-small',
  ],

  [
    'CONTINUATION without HEADERS',
    [frame(FRAME.continuation, END, 1)],
    protocolError,
    'continuation-unexpected',
  ],
  [
    'CONTINUATION after the end of the block',
    [frame(FRAME.headers, END, 1, 'a'), frame(FRAME.continuation, END, 1, 'b')],
    protocolError,
    'continuation-unexpected',
  ],
  [
    'CONTINUATION of another stream',
    [frame(FRAME.headers, 0, 1), frame(FRAME.continuation, END, 3)],
    protocolError,
    'header-block-interrupted',
  ],
  [
    'DATA inside a header block',
    [frame(FRAME.headers, 0, 1), frame(FRAME.data, 0, 1)],
    protocolError,
    'header-block-interrupted',
  ],
  [
    'HEADERS inside a header block',
    [frame(FRAME.headers, 0, 1), frame(FRAME.headers, END, 1)],
    protocolError,
    'header-block-interrupted',
  ],
  [
    'PING inside a header block',
    [frame(FRAME.headers, 0, 1), frame(FRAME.ping, 0, 0, big(8))],
    protocolError,
    'header-block-interrupted',
  ],
  [
    'an unknown frame inside a header block',
    [frame(FRAME.headers, 0, 1), frame(0x99, 0, 0)],
    protocolError,
    'header-block-interrupted',
  ],
  [
    'nine CONTINUATION frames',
    [frame(FRAME.headers, 0, 1), ...Array.from({ length: 9 }, () => frame(FRAME.continuation, 0, 1))],
    enhanceYourCalm,
    'too-many-continuations',
  ],
  [
    'a header block of more than 32 KiB',
    [
      frame(FRAME.headers, 0, 1, big(16_384)),
      frame(FRAME.continuation, 0, 1, big(16_384)),
      frame(FRAME.continuation, 0, 1, 'x'),
    ],
    enhanceYourCalm,
    'header-block-too-large',
  ],

  [
    'HTTP/1 instead of the preface',
    [Buffer.from('PRI * HTTP/1.1\r\n\r\n')],
    protocolError,
    'preface-invalid',
  ],
  [
    'a preface with a fault at its end',
    [Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\r')],
    protocolError,
    'preface-invalid',
  ],
  [
    'PING before SETTINGS',
    [CLIENT_PREFACE, frame(FRAME.ping, 0, 0, big(8))],
    protocolError,
    'settings-missing',
  ],
  [
    'HEADERS before SETTINGS',
    [CLIENT_PREFACE, frame(FRAME.headers, END, 1)],
    protocolError,
    'settings-missing',
  ],
  [
    'an acknowledgement before SETTINGS',
    [CLIENT_PREFACE, frame(FRAME.settings, FLAG.ack, 0)],
    protocolError,
    'settings-missing',
  ],
];

/** Frames that are read, each after the client's preface and SETTINGS. */
export const READINGS: readonly {
  readonly name: string;
  readonly wire: readonly Buffer[];
  readonly seen: readonly Seen[];
}[] = [
  {
    name: 'DATA',
    wire: [frame(FRAME.data, 0, 1, 'abc'), frame(FRAME.data, FLAG.endStream, 3)],
    seen: [
      { reading: 'frame', type: FRAME.data, streamId: 1, payload: 'abc', endStream: false, flowBytes: 3 },
      { reading: 'frame', type: FRAME.data, streamId: 3, payload: '', endStream: true, flowBytes: 0 },
    ],
  },
  {
    name: 'padded DATA, which counts whole',
    wire: [frame(FRAME.data, FLAG.padded, 1, '\x02abc\0\0'), frame(FRAME.data, FLAG.padded, 1, '\x03\0\0\0')],
    seen: [
      { reading: 'frame', type: FRAME.data, streamId: 1, payload: 'abc', endStream: false, flowBytes: 6 },
      { reading: 'frame', type: FRAME.data, streamId: 1, payload: '', endStream: false, flowBytes: 4 },
    ],
  },
  {
    name: 'DATA as large as it may be',
    wire: [frame(FRAME.data, 0, 1, big(16_384))],
    seen: [
      {
        reading: 'frame',
        type: FRAME.data,
        streamId: 1,
        payload: 'x'.repeat(16_384),
        endStream: false,
        flowBytes: 16_384,
      },
    ],
  },
  {
    name: 'HEADERS',
    wire: [frame(FRAME.headers, END | FLAG.endStream, 1, 'abc')],
    seen: [{ reading: 'frame', type: FRAME.headers, streamId: 1, payload: 'abc', endStream: true }],
  },
  {
    name: 'HEADERS with padding and priority',
    wire: [frame(FRAME.headers, END | FLAG.padded | FLAG.priority, 3, '\x02\x80\0\0\x01\x10abc\0\0')],
    seen: [{ reading: 'frame', type: FRAME.headers, streamId: 3, payload: 'abc', endStream: false }],
  },
  {
    name: 'HEADERS in three frames',
    wire: [
      frame(FRAME.headers, FLAG.endStream | FLAG.padded | FLAG.priority, 3, '\x01\0\0\0\x01\x10ab\0'),
      frame(FRAME.continuation, 0, 3),
      frame(FRAME.continuation, END, 3, 'cd'),
      frame(FRAME.headers, END, 5, 'e'),
    ],
    seen: [
      {
        reading: 'frame',
        type: FRAME.headers,
        streamId: 3,
        payload: 'abcd',
        endStream: true,
        continuations: 2,
      },
      { reading: 'frame', type: FRAME.headers, streamId: 5, payload: 'e', endStream: false },
    ],
  },
  {
    name: 'eight CONTINUATION frames',
    wire: [
      frame(FRAME.headers, 0, 1, 'a'),
      ...Array.from({ length: 7 }, () => frame(FRAME.continuation, 0, 1, 'b')),
      frame(FRAME.continuation, END, 1, 'c'),
    ],
    seen: [
      {
        reading: 'frame',
        type: FRAME.headers,
        streamId: 1,
        payload: 'abbbbbbbc',
        endStream: false,
        continuations: 8,
      },
    ],
  },
  {
    name: 'HEADERS that depend on themselves: the block has to be decoded all the same',
    wire: [
      frame(FRAME.headers, END | FLAG.priority, 3, '\x80\0\0\x03\x10abc'),
      frame(FRAME.headers, FLAG.priority, 5, '\0\0\0\x05\x10a'),
      frame(FRAME.continuation, END, 5, 'b'),
    ],
    seen: [3, 5].map((streamId) => ({
      reading: 'stream-fault',
      type: FRAME.headers,
      streamId,
      payload: streamId === 3 ? 'abc' : 'ab',
      ...(streamId === 3 ? {} : { continuations: 1 }),
      endStream: false,
      fault: { scope: 'stream', error: protocolError, reason: 'depends-on-itself' },
    })),
  },
  {
    name: 'PRIORITY, also on streams that a client cannot open',
    wire: [frame(FRAME.priority, 0, 2, '\0\0\0\x03\x10')],
    seen: [{ reading: 'frame', type: FRAME.priority, streamId: 2, payload: '\0\0\0\x03\x10' }],
  },
  {
    name: 'PRIORITY with faults of one stream',
    wire: [
      frame(FRAME.priority, 0, 1, '\0\0\0\x01\x10'),
      frame(FRAME.priority, 0, 1, big(4)),
      frame(FRAME.ping, 0, 0, 'abcdefgh'),
    ],
    seen: [
      {
        reading: 'stream-fault',
        type: FRAME.priority,
        streamId: 1,
        payload: '\0\0\0\x01\x10',
        fault: { scope: 'stream', error: protocolError, reason: 'depends-on-itself' },
      },
      {
        reading: 'stream-fault',
        type: FRAME.priority,
        streamId: 1,
        payload: 'xxxx',
        fault: { scope: 'stream', error: frameSizeError, reason: 'frame-size' },
      },
      { reading: 'frame', type: FRAME.ping, streamId: 0, payload: 'abcdefgh', ack: false },
    ],
  },
  {
    name: 'RST_STREAM',
    wire: [frame(FRAME.rstStream, 0, 1, '\0\0\0\x08')],
    seen: [{ reading: 'frame', type: FRAME.rstStream, streamId: 1, payload: '\0\0\0\x08', value: 8 }],
  },
  {
    name: 'SETTINGS and acknowledgement',
    wire: [frame(FRAME.settings, 0, 0, '\0\x04\0\0\0\x01'), frame(FRAME.settings, FLAG.ack, 0)],
    seen: [
      { reading: 'frame', type: FRAME.settings, streamId: 0, payload: '\0\x04\0\0\0\x01', ack: false },
      { reading: 'frame', type: FRAME.settings, streamId: 0, payload: '', ack: true },
    ],
  },
  {
    name: 'GOAWAY with debug data',
    wire: [frame(FRAME.goaway, 0, 0, '\x80\0\0\x05\0\0\0\x0bcalm')],
    seen: [
      { reading: 'frame', type: FRAME.goaway, streamId: 0, payload: 'calm', value: 11, otherStreamId: 5 },
    ],
  },
  {
    name: 'WINDOW_UPDATE; reserved bits do not count',
    wire: [
      frame(FRAME.windowUpdate, 0, 0x8000_0000, '\x80\0\0\x01'),
      frame(FRAME.windowUpdate, 0, 1, '\x7f\xff\xff\xff'),
    ],
    seen: [
      { reading: 'frame', type: FRAME.windowUpdate, streamId: 0, payload: '\x80\0\0\x01', value: 1 },
      {
        reading: 'frame',
        type: FRAME.windowUpdate,
        streamId: 1,
        payload: '\x7f\xff\xff\xff',
        value: 2_147_483_647,
      },
    ],
  },
  {
    name: 'WINDOW_UPDATE of nothing for a stream',
    wire: [frame(FRAME.windowUpdate, 0, 1, '\x80\0\0\0')],
    seen: [
      {
        reading: 'stream-fault',
        type: FRAME.windowUpdate,
        streamId: 1,
        payload: '\x80\0\0\0',
        value: 0,
        fault: { scope: 'stream', error: protocolError, reason: 'window-update-of-zero' },
      },
    ],
  },
  {
    name: 'PRIORITY_UPDATE',
    wire: [frame(FRAME.priorityUpdate, 0, 0, '\x80\0\0\x05u=1, i')],
    seen: [
      { reading: 'frame', type: FRAME.priorityUpdate, streamId: 0, payload: 'u=1, i', otherStreamId: 5 },
    ],
  },
  {
    name: 'frames and flags that nobody knows',
    wire: [frame(0x99, 0xff, 7, 'abc'), frame(FRAME.ping, 0xfe, 0, 'abcdefgh')],
    seen: [
      { reading: 'frame', type: 0x99, streamId: 7, payload: 'abc' },
      { reading: 'frame', type: FRAME.ping, streamId: 0, payload: 'abcdefgh', ack: false },
    ],
  },
];

/** As it arrives: with the opening in front, unless the case has its own. */
export function wireOf(pieces: readonly Buffer[]): Buffer {
  const wire = Buffer.concat(pieces);
  return wire.subarray(0, 3).equals(CLIENT_PREFACE.subarray(0, 3)) ? wire : Buffer.concat([OPENING, wire]);
}
