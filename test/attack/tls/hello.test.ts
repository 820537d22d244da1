import { readFileSync } from 'node:fs';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Daemon, eventually, runProgram, startDaemon } from '../../e2e/daemon.ts';
import { startUpstream, type Upstream } from '../../e2e/upstream.ts';
import { has } from '../../peers.ts';
import {
  clientHello,
  number,
  provoke,
  records,
  type ServerName,
  serverNames,
  type Verdict,
  vector,
} from './hello.ts';

// Whole programs on a machine that may be busy with others.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const DECODE_ERROR = { alert: 50 };
const UNRECOGNIZED_NAME = { alert: 112 };
const NO_APPLICATION_PROTOCOL = { alert: 120 };

const SITE = serverNames([0, 'site.localhost']);
const withName = (...names: ServerName[]) => clientHello({ serverName: serverNames(...names) });

/** Each with the only answers that are right. */
const CASES: Readonly<Record<string, readonly (readonly [name: string, bytes: Buffer, right: Verdict])[]>> = {
  'a server name': [
    ['that is served', records(clientHello({ serverName: SITE })), 'hello'],
    ['in upper case', records(withName([0, 'SITE.LocalHost'])), 'hello'],
    ['with the dot of the root', records(withName([0, 'site.localhost.'])), 'hello'],
    ['that is absent', records(clientHello()), UNRECOGNIZED_NAME],
    ['that is unknown', records(withName([0, 'other.example'])), UNRECOGNIZED_NAME],
    ['that is an IPv4 address', records(withName([0, '127.0.0.1'])), UNRECOGNIZED_NAME],
    ['that is an IPv6 address', records(withName([0, '::1'])), UNRECOGNIZED_NAME],
    ['that is an IPv6 address in brackets', records(withName([0, '[::1]'])), UNRECOGNIZED_NAME],
    ['that is a single dot', records(withName([0, '.'])), UNRECOGNIZED_NAME],
    [
      'with a NUL behind the known one',
      records(withName([0, 'site.localhost\0.evil.example'])),
      UNRECOGNIZED_NAME,
    ],
    [
      'with a NUL before the known one',
      records(withName([0, 'evil.example\0site.localhost'])),
      UNRECOGNIZED_NAME,
    ],
    ['with two dots at its end', records(withName([0, 'site.localhost..'])), UNRECOGNIZED_NAME],
    ['with a space before it', records(withName([0, ' site.localhost'])), UNRECOGNIZED_NAME],
    ['with a port', records(withName([0, 'site.localhost:443'])), UNRECOGNIZED_NAME],
    ['that is a wildcard', records(withName([0, '*.localhost'])), UNRECOGNIZED_NAME],
    ['in bytes that are no text', records(withName([0, Buffer.from([0xff, 0xfe, 0x80])])), UNRECOGNIZED_NAME],
    ['called like a property of objects', records(withName([0, '__proto__'])), UNRECOGNIZED_NAME],
    ['of 255 bytes', records(withName([0, 'a'.repeat(255)])), UNRECOGNIZED_NAME],
    ['of 256 bytes', records(withName([0, 'a'.repeat(256)])), DECODE_ERROR],
    ['that is empty', records(withName([0, ''])), DECODE_ERROR],
    ['of another type', records(withName([1, 'site.localhost'])), DECODE_ERROR],
    ['of two', records(withName([0, 'site.localhost'], [0, 'other.example'])), DECODE_ERROR],
    ['of two types', records(withName([0, 'site.localhost'], [1, 'x'])), DECODE_ERROR],
    ['in an empty list', records(clientHello({ serverName: serverNames() })), DECODE_ERROR],
    ['in an empty extension', records(clientHello({ serverName: Buffer.alloc(0) })), DECODE_ERROR],
    [
      'with a byte behind the list',
      records(clientHello({ serverName: Buffer.concat([SITE, number(1, 0)]) })),
      DECODE_ERROR,
    ],
    [
      'given twice',
      records(clientHello({ serverName: SITE, extensions: [[0, serverNames([0, 'other.example'])]] })),
      DECODE_ERROR,
    ],
    [
      'in a list of 64 KiB',
      records(
        clientHello({
          serverName: serverNames(...Array.from({ length: 3_400 }, () => [0, 'site.localhost'] as const)),
        }),
      ),
      DECODE_ERROR,
    ],
    ['of 60 000 bytes', records(withName([0, 'a'.repeat(60_000)])), DECODE_ERROR],
  ],
  'the protocols of ALPN': [
    ['that are ours', records(clientHello({ serverName: SITE, protocols: ['h2', 'http/1.1'] })), 'hello'],
    ['that are absent', records(clientHello({ serverName: SITE })), 'hello'],
    [
      'among which is one of ours',
      records(clientHello({ serverName: SITE, protocols: ['ftp', 'http/1.1'] })),
      'hello',
    ],
    // ALPACA: a client of another protocol must not take this server for its own.
    ...['ftp', 'smtp', 'imap', 'pop3', 'http/1.0', 'h3', 'H2', 'http/1.1\0', 'acme-tls/1'].map(
      (protocol) =>
        [
          `of which ${JSON.stringify(protocol)} is the only one`,
          records(clientHello({ serverName: SITE, protocols: [protocol] })),
          NO_APPLICATION_PROTOCOL,
        ] as const,
    ),
    ['that are none', records(clientHello({ serverName: SITE, protocols: [] })), DECODE_ERROR],
    ['with an empty one', records(clientHello({ serverName: SITE, protocols: ['h2', ''] })), DECODE_ERROR],
    [
      'given twice',
      records(
        clientHello({
          serverName: SITE,
          protocols: ['h2'],
          extensions: [[16, vector(2, vector(1, Buffer.from('ftp')))]],
        }),
      ),
      DECODE_ERROR,
    ],
    [
      'for an unknown name: nothing is told of it',
      records(clientHello({ protocols: ['ftp'] })),
      UNRECOGNIZED_NAME,
    ],
  ],
  'a hello': [
    ['in records of 512 bytes', records(clientHello({ serverName: SITE }), 512), 'hello'],
    ['in records of one byte', records(clientHello({ serverName: SITE }), 1), DECODE_ERROR],
    [
      'of SSL 2',
      Buffer.from('802e0100020015000000100100800200800300800400800500800600400700c0', 'hex'),
      DECODE_ERROR,
    ],
    [
      'of SSL 3 alone',
      records(clientHello({ serverName: SITE, version: 0x0301 }))
        .fill(0, 9, 11)
        .fill(3, 9, 10),
      { alert: 40 },
    ],
    ['of TLS 1.0 alone', records(clientHello({ serverName: SITE, version: 0x0301 })), { alert: 70 }],
    ['of TLS 1.1 alone', records(clientHello({ serverName: SITE, version: 0x0302 })), { alert: 70 }],
    ['of TLS 1.2', records(clientHello({ serverName: SITE, version: 0x0303 })), 'hello'],
    [
      'without forward secrecy',
      records(clientHello({ serverName: SITE, version: 0x0303, suites: [0x009c, 0x009d, 0x002f] })),
      { alert: 40 },
    ],
    [
      'with CBC and RC4',
      records(clientHello({ serverName: SITE, version: 0x0303, suites: [0xc009, 0xc00a, 0xc007] })),
      { alert: 40 },
    ],
    [
      'without encryption',
      records(clientHello({ serverName: SITE, version: 0x0303, suites: [0x0000, 0x0001, 0xc006] })),
      { alert: 40 },
    ],
    // TLS_FALLBACK_SCSV (RFC 7507): there is a newer version, so somebody has led the client down.
    [
      'that was led down to TLS 1.2',
      records(clientHello({ serverName: SITE, version: 0x0303, suites: [0xc02b, 0x5600] })),
      { alert: 86 },
    ],
    [
      'that claims 16 MiB',
      Buffer.concat([
        Buffer.from([22, 3, 1, 0x40, 0]),
        Buffer.from([1, 0xff, 0xff, 0xff]),
        Buffer.alloc(16_380),
      ]),
      DECODE_ERROR,
    ],
    ['in an empty record', Buffer.from([22, 3, 1, 0, 0]), DECODE_ERROR],
    ['that is another message', records(Buffer.from([2, 0, 0, 1, 0])), DECODE_ERROR],
    ['that is an alert', Buffer.from([21, 3, 1, 0, 2, 1, 0]), DECODE_ERROR],
    ['that is application data', Buffer.from([23, 3, 3, 0, 2, 0, 0]), DECODE_ERROR],
    ['that is a heartbeat', Buffer.from([24, 3, 2, 0, 3, 1, 0x40, 0]), DECODE_ERROR],
    [
      'with extensions that go beyond its end',
      records(clientHello({ serverName: SITE, extensions: [[0xfafa, Buffer.alloc(70_000)]] })),
      DECODE_ERROR,
    ],
  ],
};

let daemon: Daemon;
let upstream: Upstream;
beforeAll(async () => {
  upstream = await startUpstream('app');
  daemon = await startDaemon(`route site.localhost\n  upstream ${upstream.address}\n`, { workers: 1 });
});
afterAll(async () => {
  await daemon?.[Symbol.asyncDispose]();
  await upstream?.[Symbol.asyncDispose]();
});

describe.each(Object.entries(CASES))('%s', (_, cases) => {
  it.each(cases)('%s', async (_name, bytes, right) => {
    expect(await provoke(daemon.ports.https, bytes)).toEqual(right);
  });
});

it('and afterwards the same worker serves on, and has not said a word of trouble', async () => {
  const { workers } = await daemon.status();
  expect(workers).toHaveLength(1);
  expect(daemon.events().filter(({ event }) => event === 'worker.exited' || event === 'fault')).toEqual([]);
  const socket = connectTls({
    port: daemon.ports.https,
    host: '127.0.0.1',
    servername: 'site.localhost',
    ca: readFileSync(daemon.root),
  });
  await new Promise((done, failed) => {
    socket.once('secureConnect', done);
    socket.once('error', failed);
  });
  socket.destroy();
  await eventually('no connection is left', async () =>
    (await daemon.status()).workers.every(({ connections }) => connections === 0) ? true : undefined,
  );
});

describe.skipIf(!has('openssl'))('a client of OpenSSL', () => {
  const client = (input: string, ...args: string[]) =>
    runProgram(
      'openssl',
      ['s_client', '-connect', `127.0.0.1:${daemon.ports.https}`, '-servername', 'site.localhost', ...args],
      { input },
    );

  it('that asks for a renegotiation is refused one', async () => {
    const { stdout, stderr } = await client('R\n', '-tls1_2');
    expect(stdout).toContain('Secure Renegotiation IS supported');
    expect(`${stdout}${stderr}`).toMatch(/no renegotiation/i);
  });

  it('gets tickets that promise no early data', async () => {
    const request = 'GET / HTTP/1.1\r\nHost: site.localhost\r\nConnection: close\r\n\r\n';
    const { stdout } = await client(request, '-tls1_3', '-ign_eof');
    expect(stdout).toContain('Cipher is TLS_AES_128_GCM_SHA256');
    expect(stdout).toContain('Max Early Data: 0');
  });

  it('gets no compression', async () => {
    const { stdout } = await client('Q\n', '-tls1_2', '-comp');
    expect(stdout).toContain('Compression: NONE');
  });
});
