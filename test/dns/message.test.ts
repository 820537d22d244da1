import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CLASS,
  type DnsMessage,
  decodeMessage,
  encodeMessage,
  encodeName,
  encodeTxt,
  MalformedMessage,
  opcodeOf,
  rcodeOf,
  soaOwner,
  TYPE,
} from '../../src/dns/message.ts';
import { runs } from '../fuzz-runs.ts';

const label = fc.stringMatching(/^[a-z0-9_-]{1,20}$/);
const name = fc.array(label, { maxLength: 6 }).map((labels) => labels.join('.'));
const uint16 = fc.integer({ min: 0, max: 0xffff });
const record = fc.record({
  name,
  type: uint16.filter((type) => type !== TYPE.TSIG),
  class: uint16,
  ttl: fc.integer({ min: 0, max: 0xffffffff }),
  data: fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)),
});
const records = fc.array(record, { maxLength: 4 });
const message: fc.Arbitrary<DnsMessage> = fc.record({
  id: uint16,
  flags: uint16,
  questions: fc.array(fc.record({ name, type: uint16, class: uint16 }), { maxLength: 3 }),
  answers: records,
  authorities: records,
  additionals: records,
});

/** An answer to `SOA _acme-challenge.acme.test`, with compressed names, as a server sends it. */
const NEGATIVE_ANSWER = Buffer.from(
  [
    '1234 8403 0001 0000 0001 0000',
    '0f5f61636d652d6368616c6c656e6765 0461636d65 0474657374 00 0006 0001',
    'c01c 0006 0001 0000003c 0022 036e7331c01c 0a686f73746d6173746572c01c 00000001 00000e10 00000258 00015180 00000001',
  ]
    .join('')
    .replaceAll(' ', '')
    .replace('0022', '0027'),
  'hex',
);

describe('DNS messages', () => {
  it('come back as they were sent', () => {
    fc.assert(
      fc.property(message, (sent) => {
        const { tsigOffset, ...received } = decodeMessage(encodeMessage(sent));
        expect(received).toEqual(sent);
        expect(tsigOffset).toBeNull();
      }),
    );
  });

  it('that are noise are refused as malformed, and as nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        expectDecodedOrMalformed(Buffer.from(bytes));
      }),
      { numRuns: runs(2000) },
    );
  });

  it('that were damaged on the way are refused as malformed, and as nothing else', () => {
    fc.assert(
      fc.property(
        message,
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 8 }),
        fc.nat(),
        (sent, changes, cut) => {
          const wire = encodeMessage(sent);
          for (const [at, byte] of changes) wire[at % wire.length] = byte;
          expectDecodedOrMalformed(cut % 3 === 0 ? wire.subarray(0, cut % wire.length) : wire);
        },
      ),
      { numRuns: runs(2000) },
    );
  });

  it('may have compressed names', () => {
    const answer = decodeMessage(NEGATIVE_ANSWER);
    expect(rcodeOf(answer)).toBe(3);
    expect(opcodeOf(answer)).toBe(0);
    expect(answer.questions).toEqual([
      { name: '_acme-challenge.acme.test', type: TYPE.SOA, class: CLASS.IN },
    ]);
    expect(soaOwner(answer, '_acme-challenge.acme.test')).toBe('acme.test');
    expect(soaOwner(answer, 'example.test')).toBeNull();
  });

  it.each([
    ['to itself', 12],
    ['forwards', 14],
  ])('with a compression pointer %s are malformed', (_, target) => {
    const header = Buffer.from('000000000001000000000000', 'hex');
    const wire = Buffer.concat([header, Buffer.from([0xc0, target, 0, 1, 0, 1])]);
    expect(() => decodeMessage(wire)).toThrow(MalformedMessage);
  });

  it('with two pointers that point at each other are malformed', () => {
    const header = Buffer.from('000000000002000000000000', 'hex');
    const question = Buffer.from([1, 0x61, 0xc0, 12, 0, 1, 0, 1]);
    expect(() => decodeMessage(Buffer.concat([header, question, question]))).toThrow(MalformedMessage);
  });

  it('with a name of more than 255 bytes are malformed', () => {
    const header = Buffer.from('000000000001000000000000', 'hex');
    const long = Buffer.concat(
      Array.from({ length: 5 }, () => Buffer.concat([Buffer.from([60]), Buffer.alloc(60, 0x61)])),
    );
    const wire = Buffer.concat([header, long, Buffer.from([0, 0, 1, 0, 1])]);
    expect(() => decodeMessage(wire)).toThrow(MalformedMessage);
  });

  it('say strange bytes in names in a way that can be sent again', () => {
    const header = Buffer.from('000000000001000000000000', 'hex');
    const strange = Buffer.from([4, 0x61, 0x2e, 0x00, 0xff, 0]);
    const wire = Buffer.concat([header, strange, Buffer.from([0, 1, 0, 1])]);
    const [question] = decodeMessage(wire).questions;
    expect(question?.name).toBe('a\\046\\000\\255');
    expect(encodeName(question?.name ?? '')).toEqual(strange);
  });

  it.each(['a..b', `${'a'.repeat(64)}.test`, Array.from({ length: 64 }, () => 'abc').join('.')])(
    'cannot be made with the name %s',
    (bad) => {
      expect(() => encodeName(bad)).toThrow(RangeError);
    },
  );

  it('hold one TXT string of 255 bytes at most', () => {
    expect(encodeTxt('ab')).toEqual(Buffer.from([2, 0x61, 0x62]));
    expect(() => encodeTxt('a'.repeat(256))).toThrow(RangeError);
  });
});

function expectDecodedOrMalformed(wire: Buffer): void {
  try {
    decodeMessage(wire);
  } catch (error) {
    expect(error).toBeInstanceOf(MalformedMessage);
  }
}
