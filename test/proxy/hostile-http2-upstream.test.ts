import { describe, expect, it } from 'vitest';
import { FLAG, FRAME, SETTING } from '../../src/proxy/codec/http2/protocol.ts';
import { frame } from './codec/http2/frames.ts';
import { route, startProxy } from './fixture.ts';
import { h2Request } from './h2-client.ts';
import { connectTls } from './raw-client.ts';
import {
  block,
  headers,
  okResponse,
  rawHttp2Upstream,
  SETTINGS,
  settings,
  uint32,
} from './raw-http2-upstream.ts';

const END = FLAG.endHeaders | FLAG.endStream;
const OK = [':status', '200'] as const;
const head = (...fields: (readonly [string, string])[]) => headers(1, fields, FLAG.endHeaders);
const whole = (...fields: (readonly [string, string])[]) => headers(1, fields, END);
const data = (text: string, flags = 0) => frame(FRAME.data, flags, 1, text);
const many = (count: number, bytes: Buffer) => Buffer.concat(Array.from({ length: count }, () => bytes));

type Case = readonly [name: string, bytes: Buffer, kind?: string];

/** What an upstream sends when it is asked on stream 1, and what kind of failure that is. */
const ANSWERS: readonly Case[] = [
  ['no status', whole(['x', '1'])],
  ['two statuses', whole(OK, OK)],
  ['a status of two digits', whole([':status', '20'])],
  ['a status that is no number', whole([':status', '2x0'])],
  ['a status above 599', whole([':status', '600'])],
  ['101', whole([':status', '101'])],
  ['a pseudo-field of requests', whole(OK, [':path', '/'])],
  ['an unknown pseudo-field', whole(OK, [':x', '1'])],
  ['a status behind a field', whole(['x', '1'], OK)],
  ['a name with a capital', whole(OK, ['X', '1'])],
  ['a name with a space', whole(OK, ['x y', '1'])],
  ['an empty name', whole(OK, ['', '1'])],
  ['a value with a line', whole(OK, ['x', '1\r\nset-cookie: a=1'])],
  ['a value with a NUL', whole(OK, ['x', '1\0'])],
  ['connection', whole(OK, ['connection', 'close'])],
  ['transfer-encoding', whole(OK, ['transfer-encoding', 'chunked'])],
  ['upgrade', whole(OK, ['upgrade', 'x'])],
  ['a length and no body', whole(OK, ['content-length', '5'])],
  ['two lengths', whole(OK, ['content-length', '0'], ['content-length', '0'])],
  ['a length that is none', whole(OK, ['content-length', '+1'])],
  ['DATA before the head', data('x')],
  ['the end before the head', data('', FLAG.endStream)],
  ['an interim response that ends the stream', whole([':status', '103'])],
  ['interim responses without end', many(5_000, head([':status', '103']))],
  ['a head that is too large', head(OK, ...Array.from({ length: 300 }, (_, n) => [`x-${n}`, 'v'] as const))],
  [
    'a block that is too large',
    Buffer.concat([
      frame(FRAME.headers, 0, 1, block([OK, ['x', 'v'.repeat(16_000)]])),
      many(6, frame(FRAME.continuation, 0, 1, block([['x', 'v'.repeat(16_000)]]))),
    ]),
  ],
  [
    'CONTINUATION without end',
    Buffer.concat([frame(FRAME.headers, 0, 1, block([OK])), many(50, frame(FRAME.continuation, 0, 1))]),
  ],
  ['a broken block', frame(FRAME.headers, END, 1, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff]))],
  ['an index that does not exist', frame(FRAME.headers, END, 1, Buffer.from([0xfe]))],
  [
    'a table size that was not agreed on',
    frame(FRAME.headers, END, 1, Buffer.from([0x3f, 0xff, 0xff, 0x03])),
  ],
  ['PUSH_PROMISE', frame(FRAME.pushPromise, FLAG.endHeaders, 1, Buffer.concat([uint32(2), block([OK])]))],
  ['HEADERS on an idle stream', headers(3, [OK], END)],
  ['DATA on an idle stream', frame(FRAME.data, 0, 5, 'x')],
  ['RST_STREAM on an idle stream', frame(FRAME.rstStream, 0, 7, uint32(8))],
  ['WINDOW_UPDATE on an idle stream', frame(FRAME.windowUpdate, 0, 9, uint32(1))],
  ['HEADERS on an even stream', headers(2, [OK], END)],
  ['WINDOW_UPDATE of nothing', frame(FRAME.windowUpdate, 0, 1, uint32(0))],
  ['a window that is too large', many(2, frame(FRAME.windowUpdate, 0, 1, uint32(0x7fff_ffff)))],
  ['a connection window that is too large', many(2, frame(FRAME.windowUpdate, 0, 0, uint32(0x7fff_ffff)))],
  ['an initial window that is too large', settings([SETTING.initialWindowSize, 0x8000_0000])],
  ['a frame size that is too small', settings([SETTING.maxFrameSize, 1])],
  ['ENABLE_PUSH from a server', settings([SETTING.enablePush, 1])],
  ['a frame that is too large', frame(FRAME.data, 0, 1, Buffer.alloc(16_385))],
  [
    'a HEADERS frame that ends in its padding',
    frame(FRAME.headers, END | FLAG.padded, 1, Buffer.from([9, 0])),
  ],
  ['SETTINGS of five bytes', frame(FRAME.settings, 0, 0, Buffer.alloc(5))],
  ['a flood of PING', many(1_000, frame(FRAME.ping, 0, 0, Buffer.alloc(8)))],
  ['a flood of SETTINGS', many(1_000, SETTINGS)],
  ['a flood of PRIORITY', many(5_000, frame(FRAME.priority, 0, 1, Buffer.alloc(5)))],
  ['a flood of unknown frames', many(5_000, frame(0xfe, 0, 0, ''))],
  ['RST_STREAM', frame(FRAME.rstStream, 0, 1, uint32(2)), 'reset'],
  ['RST_STREAM without an error', frame(FRAME.rstStream, 0, 1, uint32(0)), 'reset'],
  ['HTTP/1.1', Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')],
];

describe('an upstream that breaks the rules of HTTP/2', () => {
  it.each(withKinds(ANSWERS))('%s: 502, and the next request is fine', async (_, bytes, kind) => {
    let asked = 0;
    const upstream = await rawHttp2Upstream(({ socket }, { type, streamId }) => {
      if (type !== FRAME.headers) return;
      asked += 1;
      socket.write(asked === 1 ? bytes : okResponse(streamId));
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    expect((await h2Request(proxy.port, {})).status).toBe(502);
    expect(proxy.counters.values().upstreamErrors).toEqual({ [`route="example.test",kind="${kind}"`]: 1 });
    expect((await h2Request(proxy.port, {})).status).toBe(200);
  });
});

/** The same behind the head of a response: it breaks off, so that nobody takes it for a whole one. */
const BODIES: readonly Case[] = [
  ['more than its length', Buffer.concat([head(OK, ['content-length', '2']), data('more')])],
  ['less than its length', Buffer.concat([head(OK, ['content-length', '9']), data('less', FLAG.endStream)])],
  ['a second head', Buffer.concat([head(OK), data('x'), head(OK)])],
  ['trailers that do not end it', Buffer.concat([head(OK), data('x'), head(['x', '1'])])],
  ['trailers with a pseudo-field', Buffer.concat([head(OK), data('x'), whole(OK)])],
  ['trailers with a length', Buffer.concat([head(OK), data('x'), whole(['content-length', '1'])])],
  [
    'more than the window',
    Buffer.concat([head(OK), many(1_000, frame(FRAME.data, 0, 1, Buffer.alloc(16_384)))]),
  ],
  ['a flood of empty DATA', Buffer.concat([head(OK), many(1_000, data(''))])],
  ['RST_STREAM', Buffer.concat([head(OK), data('x'), frame(FRAME.rstStream, 0, 1, uint32(0))]), 'reset'],
];

describe('a response that breaks the rules of HTTP/2', () => {
  it.each(withKinds(BODIES))('%s: it breaks off', async (_, bytes, kind) => {
    const upstream = await rawHttp2Upstream(({ socket }, { type }) => {
      if (type === FRAME.headers) socket.write(bytes);
    });
    const proxy = await startProxy({ routes: [route(upstream)] });
    const client = await connectTls(proxy.port);
    client.send('GET / HTTP/1.1\r\nHost: example.test\r\n\r\n');
    // Who does not read makes the window count.
    if (bytes.length > 100_000) client.socket.pause();
    setTimeout(() => client.socket.resume(), 200);
    const received = await client.readToEnd();
    expect(received).not.toMatch(/\r\n0\r\n(.|\r\n)*\r\n$/);
    expect(proxy.counters.values().upstreamErrors).toEqual({ [`route="example.test",kind="${kind}"`]: 1 });
  });
});

describe('an upstream that does not speak HTTP/2', () => {
  it.each([
    ['HTTP/1.1', 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n', 'protocol'],
    ['something else', '220 mail.example.test ESMTP\r\n', 'protocol'],
    ['a frame other than SETTINGS', frame(FRAME.ping, 0, 0, Buffer.alloc(8)), 'protocol'],
    ['an acknowledgement', frame(FRAME.settings, FLAG.ack, 0), 'protocol'],
  ])('%s: 502', async (_, opening, kind) => {
    const upstream = await rawHttp2Upstream(
      () => {},
      () => opening,
    );
    const proxy = await startProxy({ routes: [route(upstream)] });
    expect((await h2Request(proxy.port, {})).status).toBe(502);
    expect(proxy.counters.values().upstreamErrors).toEqual({ [`route="example.test",kind="${kind}"`]: 1 });
    expect(JSON.stringify(proxy.events)).toContain('does not speak HTTP/2');
  });
});

function withKinds(cases: readonly Case[]): (readonly [name: string, bytes: Buffer, kind: string])[] {
  return cases.map(([name, bytes, kind = 'protocol']) => [name, bytes, kind]);
}
