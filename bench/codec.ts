/**
 * How fast the codecs are, as CPU time and as a ratio to something of Node that does the same or a comparable thing in the
 * same run: machines and minutes differ, ratios hardly.
 *
 *     node bench/codec.ts
 *
 * Candidates of one group run in turns, each several times; the table has the medians.
 */
import { createRequire } from 'node:module';
import { FIELD } from '../src/proxy/codec/field-kind.ts';
import { ChunkedDecoder } from '../src/proxy/codec/http1/chunked-decoder.ts';
import { FORWARD_CUTS, writeRequest, writeResponse } from '../src/proxy/codec/http1/head-writer.ts';
import { RequestParser } from '../src/proxy/codec/http1/request-parser.ts';
import { ResponseParser } from '../src/proxy/codec/http1/response-parser.ts';
import { FrameReader } from '../src/proxy/codec/http2/frame-reader.ts';
import { FrameWriter } from '../src/proxy/codec/http2/frame-writer.ts';
import { encodeResponse } from '../src/proxy/codec/http2/from-http1.ts';
import { HpackDecoder } from '../src/proxy/codec/http2/hpack/decoder.ts';
import { HpackEncoder } from '../src/proxy/codec/http2/hpack/encoder.ts';
import { HeaderList } from '../src/proxy/codec/http2/hpack/header-list.ts';
import { RequestReader } from '../src/proxy/codec/http2/request-reader.ts';
import { TO_HTTP1_CUTS, writeAsHttp1 } from '../src/proxy/codec/http2/to-http1.ts';

interface Candidate {
  readonly name: string;
  /** Does it so many times. */
  readonly run: (times: number) => void;
}

interface Group {
  readonly title: string;
  /** What one time is, for the column of figures: `heads`, or bytes. */
  readonly unit: string;
  readonly unitsPerTime: number;
  /** The first is the baseline. */
  readonly candidates: readonly Candidate[];
}

const ADDED =
  'x-forwarded-for: 192.0.2.1\r\nx-forwarded-host: www.example.com\r\nx-forwarded-proto: https\r\n';

const BROWSER: readonly (readonly [string, string])[] = [
  ['Connection', 'keep-alive'],
  ['sec-ch-ua', '"Chromium";v="142", "Not_A Brand";v="99"'],
  ['sec-ch-ua-mobile', '?0'],
  [
    'User-Agent',
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  ],
  ['Accept', 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8'],
  ['Sec-Fetch-Site', 'same-origin'],
  ['Sec-Fetch-Mode', 'navigate'],
  ['Sec-Fetch-Dest', 'document'],
  ['Referer', 'https://www.example.com/'],
  ['Accept-Encoding', 'gzip, deflate, br, zstd'],
  ['Accept-Language', 'en-GB,en;q=0.9,de;q=0.8'],
  ['Cookie', 'session=8f14e45fceea167a5a36dedd4bea2543; theme=dark'],
];

const lines = (fields: readonly (readonly [string, string])[]) =>
  fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');

const REQUEST = Buffer.from(
  `GET /assets/app-3f2a.js?v=2 HTTP/1.1\r\nHost: www.example.com\r\n${lines(BROWSER)}\r\n`,
);
const SMALL_REQUEST = Buffer.from('GET / HTTP/1.1\r\nHost: www.example.com\r\n\r\n');
const RESPONSE = Buffer.from(
  `HTTP/1.1 200 OK\r\n${lines([
    ['Server', 'nginx/1.22.1'],
    ['Date', 'Mon, 21 Oct 2013 20:13:21 GMT'],
    ['Content-Type', 'text/html; charset=utf-8'],
    ['Content-Length', '10240'],
    ['Last-Modified', 'Mon, 21 Oct 2013 20:13:21 GMT'],
    ['Connection', 'keep-alive'],
    ['ETag', '"5265-2800"'],
    ['Accept-Ranges', 'bytes'],
  ])}\r\n`,
);
const BODY_BYTES = 65_536;
const CHUNKED = Buffer.concat([
  ...Array.from({ length: BODY_BYTES / 4_096 }, () =>
    Buffer.concat([Buffer.from('1000\r\n'), Buffer.alloc(4_096, 'x'), Buffer.from('\r\n')]),
  ),
  Buffer.from('0\r\n\r\n'),
]);
const TINY_CHUNKED = Buffer.concat([
  Buffer.from('10\r\n0123456789abcdef\r\n'.repeat(1_024)),
  Buffer.from('0\r\n\r\n'),
]);

const GROUPS: readonly Group[] = [
  heads('request heads, 13 fields of a browser', REQUEST),
  heads('request heads, Host only', SMALL_REQUEST),
  {
    title: 'response heads, 8 fields',
    unit: 'heads',
    unitsPerTime: 1,
    candidates: [nodeHeads('response', RESPONSE), ...ownResponses()],
  },
  chunks('chunked bodies, chunks of 4 KiB', CHUNKED, BODY_BYTES),
  chunks('chunked bodies, chunks of 16 bytes', TINY_CHUNKED, 16_384),
  {
    title: 'HPACK, encoding 8 fields of a response',
    unit: 'blocks',
    unitsPerTime: 1,
    candidates: encoders(),
  },
  {
    title: 'HPACK, decoding 15 fields of a browser',
    unit: 'blocks',
    unitsPerTime: 1,
    candidates: decoders(),
  },
];

for (const group of GROUPS) print(group);

function heads(title: string, wire: Buffer): Group {
  const parser = new RequestParser();
  const parse = () => {
    parser.reset();
    if (parser.parse(wire, 0, wire.length) !== 'done') throw new Error(parser.fault);
  };
  return {
    title,
    unit: 'heads',
    unitsPerTime: 1,
    candidates: [
      nodeHeads('request', wire),
      { name: 'parsed', run: (times) => repeat(times, parse) },
      {
        name: 'parsed, host read, written for the upstream',
        run: (times) =>
          repeat(times, () => {
            parse();
            if (parser.host() === null) throw new Error('no host');
            writeRequest(parser, FORWARD_CUTS, ADDED);
          }),
      },
    ],
  };
}

function ownResponses(): Candidate[] {
  const parser = new ResponseParser();
  const parse = () => {
    parser.reset();
    if (parser.parse(RESPONSE, 0, RESPONSE.length) !== 'done') throw new Error(parser.fault);
  };
  return [
    { name: 'parsed', run: (times) => repeat(times, parse) },
    {
      name: 'parsed, written for the client',
      run: (times) =>
        repeat(times, () => {
          parse();
          writeResponse(parser, FORWARD_CUTS, '');
        }),
    },
  ];
}

function chunks(title: string, wire: Buffer, bodyBytes: number): Group {
  const decoder = new ChunkedDecoder();
  let seen = 0;
  const sink = (_: Buffer, from: number, to: number) => {
    seen += to - from;
  };
  const read = (given: typeof sink | null) => () => {
    decoder.reset();
    if (decoder.read(wire, 0, wire.length, given) !== 'done') throw new Error(decoder.fault);
    if (given !== null && seen % bodyBytes !== 0) throw new Error(`${seen} bytes seen`);
  };
  const head = Buffer.from('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
  return {
    title,
    unit: 'MB',
    unitsPerTime: bodyBytes / 1e6,
    candidates: [
      nodeHeads('response', Buffer.concat([head, wire])),
      { name: 'decoded', run: (times) => repeat(times, read(sink)) },
      { name: 'passed over', run: (times) => repeat(times, read(null)) },
    ],
  };
}

function encoders(): Candidate[] {
  const parser = new ResponseParser();
  parser.reset();
  parser.parse(RESPONSE, 0, RESPONSE.length);
  const fields = Object.fromEntries(pairs(parser.fields.toRawHeaders(FORWARD_CUTS)));
  const encoder = new HpackEncoder();
  const writer = new FrameWriter();
  return [
    {
      name: 'JSON.stringify of the same, as a yardstick',
      run: (times) => repeat(times, () => JSON.stringify(fields)),
    },
    {
      name: 'encoded from a parsed head',
      run: (times) =>
        repeat(times, () => {
          encoder.begin();
          encodeResponse(encoder, parser, FORWARD_CUTS);
        }),
    },
    {
      name: 'encoded, written as a frame',
      run: (times) =>
        repeat(times, () => {
          encoder.begin();
          encodeResponse(encoder, parser, FORWARD_CUTS);
          writer.headers(1, encoder.block(), false);
          writer.take();
        }),
    },
  ];
}

function decoders(): Candidate[] {
  const fields: (readonly [string, string])[] = [
    [':method', 'GET'],
    [':scheme', 'https'],
    [':authority', 'www.example.com'],
    [':path', '/assets/app-3f2a.js?v=2'],
    ...BROWSER.slice(1).map(([name, value]) => [name.toLowerCase(), value] as const),
  ];
  const encoder = new HpackEncoder();
  const encode = () => {
    encoder.begin();
    for (const [name, value] of fields) encoder.text(name, value);
    return Buffer.from(encoder.block());
  };
  const first = encode();
  const next = encode();
  const list = new HeaderList();
  const decode = (decoder: HpackDecoder, block: Buffer, from: number, to: number) => {
    const fault = decoder.decode(block, from, to, list);
    if (fault !== null) throw new Error(fault);
  };
  const decoder = new HpackDecoder();
  decode(decoder, first, 0, first.length);
  const request = new RequestReader(list);
  const opening = new FrameWriter();
  opening.preface();
  opening.settings([]);
  const openingBytes = opening.take();
  const writer = new FrameWriter();
  writer.headers(1, next, true);
  const frame = writer.take();
  const reader = new FrameReader('server');
  reader.push(openingBytes, 0, openingBytes.length);
  while (reader.next() !== 'more');
  const json = JSON.stringify(Object.fromEntries(fields));
  return [
    { name: 'JSON.parse of the same, as a yardstick', run: (times) => repeat(times, () => JSON.parse(json)) },
    {
      name: 'decoded, all fields new',
      run: (times) => repeat(times, () => decode(new HpackDecoder(), first, 0, first.length)),
    },
    {
      name: 'decoded, most fields known',
      run: (times) => repeat(times, () => decode(decoder, next, 0, next.length)),
    },
    {
      name: 'frame read, decoded, checked, written as HTTP/1.1',
      run: (times) =>
        repeat(times, () => {
          reader.push(frame, 0, frame.length);
          if (reader.next() !== 'frame') throw new Error(reader.fault.reason);
          decode(decoder, reader.bytes, reader.from, reader.to);
          const fault = request.read(list, reader.endStream);
          if (fault !== null || list.fields.find(FIELD.cookie) < 0) throw new Error(fault ?? 'no cookie');
          request.host();
          writeAsHttp1(request, TO_HTTP1_CUTS, ADDED);
          if (reader.next() !== 'more') throw new Error('more than one frame');
        }),
    },
  ];
}

/** The parser of Node, as its HTTP modules use it. It is not public, which is why it is looked for by name. */
function nodeHeads(kind: 'request' | 'response', wire: Buffer): Candidate {
  const { HTTPParser } = createRequire(import.meta.url)('node:_http_common');
  const parser = new HTTPParser();
  parser.initialize(kind === 'request' ? HTTPParser.REQUEST : HTTPParser.RESPONSE, {});
  let messages = 0;
  parser[HTTPParser.kOnHeadersComplete | 0] = () => 0;
  parser[HTTPParser.kOnBody | 0] = () => {};
  parser[HTTPParser.kOnMessageComplete | 0] = () => {
    messages += 1;
  };
  const bodiless = kind === 'response' && !wire.includes('chunked');
  if (bodiless) parser[HTTPParser.kOnHeadersComplete | 0] = () => 1;
  return {
    name: "Node's parser (llhttp)",
    run: (times) => {
      const before = messages;
      repeat(times, () => {
        const result = parser.execute(wire);
        if (typeof result !== 'number') throw result;
      });
      if (messages - before !== times) throw new Error(`${messages - before} messages of ${times}`);
    },
  };
}

function print({ title, unit, unitsPerTime, candidates }: Group): void {
  const seconds = measure(candidates);
  console.log(`\n${title}`);
  const [baseline = 0] = seconds;
  for (const [index, { name }] of candidates.entries()) {
    const each = seconds[index] ?? 0;
    const rate = Math.round(unitsPerTime / each).toLocaleString('en');
    const ratio = (baseline / each).toFixed(2);
    console.log(`  ${name.padEnd(52)}${rate.padStart(12)} ${unit}/s${ratio.padStart(8)}`);
  }
}

/** CPU seconds for one time, by candidate. */
function measure(candidates: readonly Candidate[]): number[] {
  const times = candidates.map(({ run }) => timesFor(run, 0.1));
  const taken = candidates.map(() => [] as number[]);
  for (let round = 0; round < 7; round += 1) {
    for (const [index, { run }] of candidates.entries()) {
      taken[index]?.push(cpuSeconds(() => run(times[index] ?? 1)) / (times[index] ?? 1));
    }
  }
  return taken.map((values) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0);
}

function timesFor(run: (times: number) => void, seconds: number): number {
  let times = 100;
  for (;;) {
    if (cpuSeconds(() => run(times)) >= seconds) return times;
    times *= 2;
  }
}

function cpuSeconds(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

function repeat(times: number, work: () => void): void {
  for (let index = 0; index < times; index += 1) work();
}

function pairs(raw: readonly string[]): (readonly [string, string])[] {
  return Array.from({ length: raw.length / 2 }, (_, index) => [
    raw[2 * index] ?? '',
    raw[2 * index + 1] ?? '',
  ]);
}
