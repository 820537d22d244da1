import { describe, expect, it } from 'vitest';
import { clientAddress } from '../../src/proxy/access-log/client-address.ts';
import type { AccessEntry } from '../../src/proxy/access-log/entry.ts';
import { lineOf } from '../../src/proxy/access-log/format.ts';
import { AccessRecord } from '../../src/proxy/access-log/record.ts';
import type { RequestHead } from '../../src/proxy/exchange.ts';
import { emptySnapshot } from '../../src/snapshot/snapshot.ts';

const TIME = Date.UTC(2026, 10, 4, 5, 6, 7, 89);

const entry: AccessEntry = {
  time: TIME,
  remoteAddress: '203.0.113.9',
  peerAddress: '10.0.0.1',
  method: 'GET',
  scheme: 'https',
  host: 'example.test',
  target: '/a%20b?c=d&e',
  protocol: 'HTTP/2',
  status: 200,
  complete: true,
  bytesSent: 1234,
  bytesReceived: 5,
  durationMs: 1.234_567_8,
  route: 'example.test',
  upstream: 'http://127.0.0.1:8080',
  upstreamMs: 0.5,
  userAgent: 'curl/8.0',
  referer: null,
};

/** What a client can put into a text: every byte there is. */
const EVERY_BYTE = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join('');

describe('a line of json', () => {
  it('has every field, in one order', () => {
    expect(lineOf(entry, 'json')).toBe(
      '{"time":"2026-11-04T05:06:07.089Z","remoteAddress":"203.0.113.9","peerAddress":"10.0.0.1",' +
        '"method":"GET","scheme":"https","host":"example.test","target":"/a%20b?c=d&e","protocol":"HTTP/2",' +
        '"status":200,"complete":true,"bytesSent":1234,"bytesReceived":5,"durationMs":1.235,' +
        '"route":"example.test","upstream":"http://127.0.0.1:8080","upstreamMs":0.5,' +
        '"userAgent":"curl/8.0","referer":null}\n',
    );
  });

  it.each([
    'method',
    'host',
    'target',
    'userAgent',
    'referer',
    'route',
    'upstream',
    'remoteAddress',
  ] as const)('gives back every byte of %s, and is one line of ASCII', (field) => {
    const line = lineOf({ ...entry, [field]: EVERY_BYTE }, 'json');
    expect(line).toMatch(/^[ -~]+\n$/);
    expect(JSON.parse(line)).toEqual({
      ...entry,
      time: new Date(TIME).toISOString(),
      durationMs: 1.235,
      [field]: EVERY_BYTE,
    });
  });
});

describe('a line of common', () => {
  it.each<[string, Partial<AccessEntry>, string]>([
    [
      'is as NCSA had it',
      {},
      '203.0.113.9 - - [04/Nov/2026:05:06:07 +0000] "GET /a%20b?c=d&e HTTP/2" 200 1234',
    ],
    [
      'has dashes for what is not there',
      { remoteAddress: null, bytesSent: 0 },
      '- - - [04/Nov/2026:05:06:07 +0000] "GET /a%20b?c=d&e HTTP/2" 200 -',
    ],
    [
      'has a dash for what was no request',
      { method: null, target: null, protocol: null, status: 400 },
      '203.0.113.9 - - [04/Nov/2026:05:06:07 +0000] "-" 400 1234',
    ],
    [
      'keeps what is hostile inside its quotes',
      { method: 'G"T', target: '/\\" 200 1\r\n\x00\x1b[31m\x7f\xff' },
      '203.0.113.9 - - [04/Nov/2026:05:06:07 +0000] ' +
        '"G\\"T /\\\\\\" 200 1\\x0d\\x0a\\x00\\x1b[31m\\x7f\\xff HTTP/2" 200 1234',
    ],
  ])('%s', (_, change, line) => {
    expect(lineOf({ ...entry, ...change }, 'common')).toBe(`${line}\n`);
  });
});

const SETTINGS = { ...emptySnapshot.settings, trustedProxies: ['10.0.0.0/8', 'fd00::/8'] };

describe('the client behind trusted proxies', () => {
  it.each<[string, string | null, string[], string | null]>([
    ['a stranger is not believed', '192.0.2.1', ['203.0.113.9'], '192.0.2.1'],
    ['a trusted one is', '10.0.0.1', ['203.0.113.9'], '203.0.113.9'],
    ['the last stranger counts', '10.0.0.1', ['1.1.1.1, 203.0.113.9, 10.2.2.2'], '203.0.113.9'],
    ['over all lines', '10.0.0.1', ['1.1.1.1', '203.0.113.9', '10.2.2.2'], '203.0.113.9'],
    ['all trusted: the first', '10.0.0.1', ['10.9.9.9, 10.2.2.2'], '10.9.9.9'],
    ['says nothing', '10.0.0.1', [], '10.0.0.1'],
    ['says nonsense', '10.0.0.1', ['203.0.113.9, "><script>'], '10.0.0.1'],
    ['nonsense further back', '10.0.0.1', ['unknown, 10.2.2.2'], '10.2.2.2'],
    ['with a port', '10.0.0.1', ['203.0.113.9:4711'], '203.0.113.9'],
    ['IPv6', 'fd00::1', ['2001:db8::9'], '2001:db8::9'],
    ['IPv6 with a port', 'fd00::1', ['[2001:db8::9]:4711'], '2001:db8::9'],
    ['mapped', '10.0.0.1', ['::ffff:203.0.113.9'], '203.0.113.9'],
    ['a Unix socket', null, ['203.0.113.9'], null],
  ])('%s', (_, peer, lines, client) => {
    const headers = lines.flatMap((line) => ['X-Forwarded-For', line]);
    expect(clientAddress(peer, headers, SETTINGS)).toBe(client);
  });
});

describe('what is read of a request', () => {
  const request: RequestHead = {
    method: 'GET',
    scheme: 'https',
    protocol: 'HTTP/1.1',
    target: '/',
    authority: null,
    headers: [],
    upgrade: null,
    remoteAddress: '::ffff:192.0.2.1',
  };
  const read = (change: Partial<RequestHead>) =>
    new AccessRecord({ ...request, ...change }, SETTINGS, TIME).entry(200, 'none', true);

  it('is never a secret of its head', () => {
    const headers = [
      'Authorization',
      'Basic c2VjcmV0',
      'Cookie',
      'secret=1',
      'Proxy-Authorization',
      'secret',
    ];
    const seen = read({ headers: ['Host', 'example.test', ...headers] });
    expect(JSON.stringify(seen)).not.toMatch(/secret|c2Vj/);
    expect(seen).toMatchObject({
      host: 'example.test',
      route: null,
      upstream: null,
      peerAddress: '192.0.2.1',
    });
  });

  it.each<[string, Partial<RequestHead>, Partial<AccessEntry>]>([
    ['target', { target: 'http://user:pass@example.test/x@y' }, { target: 'http://example.test/x@y' }],
    ['target of CONNECT', { target: 'user:pass@example.test:443' }, { target: 'example.test:443' }],
    ['path that only looks like one', { target: '//a@b/@' }, { target: '//a@b/@' }],
    ['host', { headers: ['Host', 'user:pass@example.test'] }, { host: 'example.test' }],
    ['authority', { authority: 'user:pa@ss@example.test' }, { host: 'example.test' }],
    [
      'referer',
      { headers: ['Referer', 'https://user:pass@a.test/?q=@'] },
      { referer: 'https://a.test/?q=@' },
    ],
    ['referer without scheme', { headers: ['Referer', '//user:pass@a.test/'] }, { referer: '//a.test/' }],
  ])('has no user name in its %s', (_, change, expected) => {
    expect(read(change)).toMatchObject(expected);
  });

  it('has a bound', () => {
    const long = 'x'.repeat(100_000);
    const headers = ['Host', long, 'User-Agent', long, 'Referer', long];
    const seen = read({ method: long, target: `/${long}`, headers });
    expect(JSON.stringify(seen).length).toBeLessThan(8_192);
    expect(seen.target).toBe(`/${long}`.slice(0, 4_096));
  });
});
