import { createServer } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CLASS,
  type DnsMessage,
  decodeMessage,
  encodeMessage,
  encodeName,
  MalformedMessage,
  OPCODE,
  TYPE,
} from '../../src/dns/message.ts';
import { signRequest, type TsigKey, verifyResponse } from '../../src/dns/tsig.ts';
import { UpdateClient } from '../../src/dns/update-client.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { runs } from '../fuzz-runs.ts';
import { never } from './records.ts';

const NOW = Date.parse('2026-11-24T09:00:00Z');
const KEY: TsigKey = { name: 'key.test', algorithm: 'hmac-sha256', secret: Buffer.alloc(32, 1) };
const QUESTION: DnsMessage = {
  id: 0xbeef,
  flags: OPCODE.UPDATE << 11,
  questions: [{ name: 'acme.test', type: TYPE.SOA, class: CLASS.IN }],
  answers: [],
  authorities: [],
  additionals: [],
};

describe('TSIG', () => {
  it('covers the message and the record as RFC 8945 5.1 lays them out', () => {
    const { wire, mac } = signRequest(QUESTION, KEY, NOW);
    const message = decodeMessage(wire);
    const [tsig] = message.additionals;
    expect(tsig).toMatchObject({ name: 'key.test', type: TYPE.TSIG, class: CLASS.ANY, ttl: 0 });
    expect(wire.subarray(0, 10)).toEqual(encodeMessage(QUESTION).subarray(0, 10));
    expect(message.additionals).toHaveLength(1);
    const data = tsig?.data ?? Buffer.alloc(0);
    const algorithm = encodeName('hmac-sha256');
    expect(data.subarray(0, algorithm.length)).toEqual(algorithm);
    expect(data.readUIntBE(algorithm.length, 6)).toBe(NOW / 1000);
    expect(data.readUInt16BE(algorithm.length + 6)).toBe(300);
    expect(data.subarray(algorithm.length + 10, algorithm.length + 10 + mac.length)).toEqual(mac);
    expect(mac).toHaveLength(32);
  });

  it('is not there: unsigned', () => {
    expect(verifyResponse(encodeMessage(QUESTION), KEY, Buffer.alloc(32), NOW)).toEqual({
      kind: 'unsigned',
      error: null,
    });
  });

  it('made for another request, with another secret, or over another message: forged', () => {
    // A signed request is not the answer to anything: its MAC does not cover that of a request.
    const { wire } = signRequest(QUESTION, KEY, NOW);
    expect(verifyResponse(wire, KEY, Buffer.alloc(32), NOW)).toMatchObject({ kind: 'forged' });
    expect(verifyResponse(wire, { ...KEY, name: 'other.test' }, Buffer.alloc(32), NOW)).toMatchObject({
      kind: 'forged',
    });
  });
});

describe('TSIG of an answer that somebody changed', () => {
  it('is never valid, and never breaks the reader', () => {
    const { wire } = signRequest(QUESTION, KEY, NOW);
    const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.array(change, { maxLength: 6 }), (changes) => {
        const answer = Buffer.from(wire);
        for (const [at, byte] of changes) answer[at % answer.length] = byte;
        try {
          expect(verifyResponse(answer, KEY, Buffer.alloc(32), NOW).kind).not.toBe('valid');
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedMessage);
        }
      }),
      { numRuns: runs(1000) },
    );
  });
});

describe('a server that does not know the secret', () => {
  /** Answers each request with what `answer` makes of it. */
  async function ask(answer: (request: Buffer) => Buffer): Promise<unknown> {
    const server = createServer((socket) => {
      socket.on('data', (chunk: Buffer) => {
        const body = answer(chunk.subarray(2));
        const length = Buffer.alloc(2);
        length.writeUInt16BE(body.length);
        // In two parts, as TCP may deliver it.
        socket.write(Buffer.concat([length, body.subarray(0, 5)]), () => socket.end(body.subarray(5)));
      });
      socket.on('error', () => {});
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const { id: _, ...question } = QUESTION;
    try {
      return await new UpdateClient({ host: '127.0.0.1', port }, KEY, systemClock)
        .ask(question, never)
        .catch((error: unknown) => error);
    } finally {
      server.close();
    }
  }
  const success = (request: Buffer): Buffer => {
    const { tsigOffset: _, additionals: __, ...message } = decodeMessage(request);
    return encodeMessage({ ...message, flags: message.flags | 0x8000, additionals: [] });
  };

  it('cannot pretend that an update worked', async () => {
    expect(await ask(success)).toMatchObject({
      code: 'dns-provider-failed',
      message: expect.stringContaining('sign'),
    });
  });

  it('cannot send back the signature of the request', async () => {
    const echo = (request: Buffer): Buffer => {
      const answer = Buffer.from(request);
      answer.writeUInt16BE(answer.readUInt16BE(2) | 0x8000, 2);
      return answer;
    };
    expect(await ask(echo)).toMatchObject({
      code: 'dns-provider-failed',
      message: expect.stringContaining('signature that does not fit'),
    });
  });

  it('is told from one that answers another question', async () => {
    const other = (request: Buffer): Buffer => {
      const answer = success(request);
      answer.writeUInt16BE((answer.readUInt16BE(0) + 1) & 0xffff, 0);
      return answer;
    };
    expect(await ask(other)).toMatchObject({
      code: 'dns-provider-failed',
      message: expect.stringContaining('another question'),
    });
  });

  it('is told from one that does not speak DNS', async () => {
    expect(await ask(() => Buffer.from('HTTP/1.1 400 Bad Request'))).toMatchObject({
      code: 'dns-provider-failed',
      message: expect.stringContaining('not DNS'),
    });
  });
});
