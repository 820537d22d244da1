import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';

export interface Hello {
  /** Body of the extension `server_name`; null = no such extension. */
  readonly serverName?: Buffer | null;
  /** Protocols of ALPN; null = no such extension. */
  readonly protocols?: readonly string[] | null;
  /** Further extensions, as type and body. */
  readonly extensions?: readonly (readonly [type: number, body: Buffer])[];
  /** The newest version that is offered. Default TLS 1.3. */
  readonly version?: 0x0301 | 0x0302 | 0x0303 | 0x0304;
  readonly suites?: readonly number[];
}

const SUITES = [0x1301, 0x1302, 0x1303, 0xc02b, 0xc02c, 0xcca9];
const X25519 = 29;

/** A ClientHello (RFC 8446 4.1.2) as a handshake message, without its record. */
export function clientHello({
  serverName = null,
  protocols = null,
  extensions = [],
  version = 0x0304,
  suites = SUITES,
}: Hello = {}): Buffer {
  const all: (readonly [number, Buffer])[] = [
    ...(serverName === null ? [] : [[0, serverName] as const]),
    [10, vector(2, number(2, X25519), number(2, 23))],
    [11, vector(1, Buffer.from([0]))],
    [13, vector(2, ...[0x0403, 0x0503, 0x0804, 0x0401].map((scheme) => number(2, scheme)))],
    ...(protocols === null
      ? []
      : [[16, vector(2, ...protocols.map((name) => vector(1, Buffer.from(name))))] as const]),
    ...(version < 0x0304
      ? []
      : [
          [43, vector(1, number(2, 0x0304), number(2, 0x0303))] as const,
          [51, vector(2, number(2, X25519), vector(2, randomBytes(32)))] as const,
        ]),
    ...extensions,
  ];
  const body = Buffer.concat([
    number(2, Math.min(version, 0x0303)),
    randomBytes(32),
    vector(1, randomBytes(32)),
    vector(2, ...suites.map((suite) => number(2, suite))),
    vector(1, Buffer.from([0])),
    vector(2, ...all.map(([type, bytes]) => Buffer.concat([number(2, type), vector(2, bytes)]))),
  ]);
  return Buffer.concat([Buffer.from([1]), number(3, body.length), body]);
}

/** An entry of `server_name`: its type, of which 0 is a host name, and its bytes. */
export type ServerName = readonly [type: number, name: Buffer | string];

/** Body of `server_name` with these entries (RFC 6066 3). */
export function serverNames(...names: ServerName[]): Buffer {
  return vector(
    2,
    ...names.map(([type, name]) =>
      Buffer.concat([Buffer.from([type]), vector(2, typeof name === 'string' ? Buffer.from(name) : name)]),
    ),
  );
}

/** A handshake message in records of at most `size` bytes. */
export function records(message: Buffer, size = 16_384): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size);
    parts.push(Buffer.from([22, 3, 1]), number(2, part.length), part);
  }
  return Buffer.concat(parts);
}

/** What a server answers first: the number of an alert, that it goes on, or nothing. */
export type Verdict = { readonly alert: number } | 'hello' | 'closed' | 'other';

/** Sends bytes, and reads until the first record of the answer, or the end. */
export function provoke(port: number, bytes: Buffer, address = '127.0.0.1'): Promise<Verdict> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, address, () => socket.write(bytes));
    let got: Buffer = Buffer.alloc(0);
    const done = (verdict: Verdict) => {
      socket.destroy();
      resolve(verdict);
    };
    socket.on('data', (piece: Buffer) => {
      got = Buffer.concat([got, piece]);
      if (got.length < 7) return;
      if (got[0] === 21) done({ alert: got[6] ?? -1 });
      else done(got[0] === 22 && got[5] === 2 ? 'hello' : 'other');
    });
    socket.on('end', () => done('closed'));
    socket.on('error', (error) => (got.length === 0 ? done('closed') : reject(error)));
  });
}

export function number(size: 1 | 2 | 3, value: number): Buffer {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntBE(value, 0, size);
  return bytes;
}

/** Bytes with their length before them. A length that does not fit wraps, as an attacker would have it. */
export function vector(size: 1 | 2, ...parts: readonly Buffer[]): Buffer {
  const bytes = Buffer.concat(parts);
  return Buffer.concat([number(size, bytes.length % 256 ** size), bytes]);
}
