import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Opening, readOpening } from '../../../src/proxy/tls/client-hello.ts';
import { clientHello } from './door.ts';

let hello: Buffer;
beforeAll(async () => {
  hello = await clientHello({ servername: 'Example.TEST', ALPNProtocols: ['h2', 'http/1.1'] });
});

const WANTED: Opening = { kind: 'hello', serverName: 'example.test', protocols: ['h2', 'http/1.1'] };

describe('readOpening', () => {
  it('reads the name and the protocols of a real client', () => {
    // With X25519MLKEM768 it does not fit into one segment.
    expect(hello.length).toBeGreaterThan(1_500);
    expect(readOpening(hello)).toEqual(WANTED);
  });

  it('reads a hello without extensions', () => {
    expect(readOpening(record(message(Buffer.concat([HEAD, Buffer.from([0, 0])]))))).toEqual({
      kind: 'hello',
      serverName: null,
      protocols: [],
    });
    expect(readOpening(record(message(HEAD)))).toMatchObject({ kind: 'hello', serverName: null });
  });

  it('is unmoved by what follows the hello', () => {
    expect(readOpening(Buffer.concat([hello, Buffer.from('early data')]))).toEqual(WANTED);
  });

  it('asks for more, never for too much, wherever the hello is cut', () => {
    for (let length = 0; length < hello.length; length++) {
      const opening = readOpening(hello.subarray(0, length));
      expect(opening.kind).toBe('incomplete');
      const need = opening.kind === 'incomplete' ? opening.need : 0;
      expect(need).toBeGreaterThan(length);
      expect(need).toBeLessThanOrEqual(hello.length);
    }
  });

  it('puts a hello in several records together', () => {
    const body = hello.subarray(5);
    for (const first of [1, 3, 4, 5, 100, body.length - 1]) {
      const split = Buffer.concat([record(body.subarray(0, first)), record(body.subarray(first))]);
      expect(readOpening(split)).toEqual(WANTED);
    }
  });

  it('refuses a hello in hundreds of records', () => {
    const crumbs = [...hello.subarray(5)].map((byte) => record(Buffer.from([byte])));
    expect(readOpening(Buffer.concat(crumbs))).toEqual({ kind: 'malformed' });
  });

  it('refuses a hello of more than 64 KiB as soon as it says so', () => {
    expect(readOpening(Buffer.from('16030140000101000000', 'hex'))).toMatchObject({ kind: 'incomplete' });
    const large = record(Buffer.concat([Buffer.from([1, 1, 0, 0]), Buffer.alloc(16_000)]));
    expect(readOpening(large)).toEqual({ kind: 'malformed' });
  });

  it('knows a request in clear text', () => {
    expect(readOpening(Buffer.from('GET / HTTP/1.1\r\n'))).toEqual({ kind: 'http' });
    expect(readOpening(Buffer.from('PRI * HTTP/2.0\r\n'))).toEqual({ kind: 'http' });
  });

  it.each([
    ['another protocol', Buffer.from('\0\0\0\0')],
    ['a hello of SSL 2', Buffer.from('802e0100020015', 'hex')],
    ['an alert', Buffer.from('15030100020228', 'hex')],
    ['another handshake message', record(Buffer.from([2, 0, 0, 0]))],
    ['an empty record', Buffer.from('1603010000', 'hex')],
    ['a record that is too long', Buffer.from('160301ffff', 'hex')],
    ['a record of another version', Buffer.from('160201000a', 'hex')],
    ['the same extension twice', withExtensions(name('a.test'), name('b.test'))],
    ['two names', withExtensions(extension(0, vector16(Buffer.concat([host('a'), host('b')]))))],
    ['an empty name', withExtensions(name(''))],
    ['a name of 256 bytes', withExtensions(name('a'.repeat(256)))],
    ['a name of an unknown type', withExtensions(extension(0, vector16(Buffer.from([9, 0, 1, 97]))))],
    [
      'bytes behind the name',
      withExtensions(extension(0, Buffer.concat([vector16(host('a')), Buffer.from([0])]))),
    ],
    ['an empty list of protocols', withExtensions(extension(16, Buffer.from([0, 0])))],
    ['an empty protocol', withExtensions(extension(16, Buffer.from([0, 1, 0])))],
    ['an extension that is cut short', withExtensions(Buffer.from([0, 0, 0, 9, 0]))],
    [
      'bytes behind the extensions',
      record(message(Buffer.concat([HEAD, vector16(name('a')), Buffer.from([0])]))),
    ],
    ['a hello that is cut short', record(message(HEAD.subarray(0, 20)))],
  ])('refuses %s', (_what, bytes) => {
    expect(readOpening(bytes)).toEqual({ kind: 'malformed' });
  });

  it('never throws, and never says more than one of its four answers', () => {
    const kinds = ['hello', 'incomplete', 'http', 'malformed'];
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(kinds).toContain(readOpening(Buffer.from(bytes)).kind);
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 }), (changes) => {
        const mutant = Buffer.from(hello);
        for (const [at, byte] of changes) mutant[at % mutant.length] = byte;
        expect(kinds).toContain(readOpening(mutant).kind);
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(kinds).toContain(readOpening(withExtensions(Buffer.from(bytes))).kind);
      }),
    );
  });
});

/** Version, random, session id, one cipher suite, one compression method. */
const HEAD = Buffer.concat([Buffer.from([3, 3]), Buffer.alloc(32), Buffer.from([0, 0, 2, 0x13, 1, 1, 0])]);

function record(body: Buffer): Buffer {
  const head = Buffer.from([22, 3, 1, 0, 0]);
  head.writeUInt16BE(body.length, 3);
  return Buffer.concat([head, body]);
}

function message(body: Buffer): Buffer {
  const head = Buffer.from([1, 0, 0, 0]);
  head.writeUIntBE(body.length, 1, 3);
  return Buffer.concat([head, body]);
}

function withExtensions(...extensions: readonly Buffer[]): Buffer {
  return record(message(Buffer.concat([HEAD, vector16(Buffer.concat(extensions))])));
}

function extension(type: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0, type]), vector16(body)]);
}

function name(text: string): Buffer {
  return extension(0, vector16(host(text)));
}

function host(text: string): Buffer {
  return Buffer.concat([Buffer.from([0]), vector16(Buffer.from(text))]);
}

function vector16(body: Buffer): Buffer {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(body.length);
  return Buffer.concat([head, body]);
}
