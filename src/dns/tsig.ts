import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Instant } from '../platform/clock.ts';
import {
  CLASS,
  type DnsMessage,
  decodeMessage,
  encodeMessage,
  encodeName,
  Reader,
  type ResourceRecord,
  TYPE,
  uint16,
  uint32,
} from './message.ts';

/** Signatures of DNS messages with a shared secret (RFC 8945). */

/** Names of the algorithms, each with that of its hash. */
export const TSIG_ALGORITHMS: Readonly<Record<string, string>> = {
  'hmac-sha256': 'sha256',
  'hmac-sha384': 'sha384',
  'hmac-sha512': 'sha512',
};

export interface TsigKey {
  /** In lower case, without the final dot. */
  readonly name: string;
  readonly algorithm: string;
  readonly secret: Buffer;
}

/** How far the clocks of both sides may be apart, in seconds (RFC 8945 10: 300 is recommended). */
const FUDGE_S = 300;

/** TSIG error codes (RFC 8945 3). */
export const TSIG_ERROR = { BADSIG: 16, BADKEY: 17, BADTIME: 18, BADTRUNC: 22 } as const;

/** Signs a request. The MAC is needed to verify the answer. */
export function signRequest(
  message: DnsMessage,
  key: TsigKey,
  now: Instant,
): { readonly wire: Buffer; readonly mac: Buffer } {
  const fields = { time: Math.floor(now / 1000), fudge: FUDGE_S, error: 0, other: Buffer.alloc(0) };
  const mac = macOf(key, [encodeMessage(message), variables(key.name, key.algorithm, fields)]);
  const record: ResourceRecord = {
    name: key.name,
    type: TYPE.TSIG,
    class: CLASS.ANY,
    ttl: 0,
    data: Buffer.concat([
      encodeName(key.algorithm),
      uint48(fields.time),
      uint16(fields.fudge),
      uint16(mac.length),
      mac,
      uint16(message.id),
      uint16(fields.error),
      uint16(fields.other.length),
      fields.other,
    ]),
  };
  return { wire: encodeMessage({ ...message, additionals: [...message.additionals, record] }), mac };
}

/**
 * What an answer's signature is worth. `unsigned` carries the server's reason when it could not sign (BADKEY, BADSIG);
 * `bad-time` is signed, and says what time the server has.
 */
export type Verdict =
  | { readonly kind: 'valid' }
  | { readonly kind: 'unsigned'; readonly error: number | null }
  | { readonly kind: 'bad-time'; readonly serverTime: Instant }
  | { readonly kind: 'forged'; readonly problem: string };

/** @throws MalformedMessage */
export function verifyResponse(wire: Buffer, key: TsigKey, requestMac: Buffer, now: Instant): Verdict {
  const message = decodeMessage(wire);
  const record = message.additionals.at(-1);
  if (record?.type !== TYPE.TSIG || message.tsigOffset === null) return { kind: 'unsigned', error: null };
  const tsig = decodeTsig(record);
  if (tsig.mac.length === 0) return { kind: 'unsigned', error: tsig.error };
  if (record.name !== key.name || tsig.algorithm !== key.algorithm) {
    return { kind: 'forged', problem: `is signed with another key (${record.name}, ${tsig.algorithm})` };
  }
  // What was signed is the message before the TSIG record was added, with the id that the signer saw.
  const signed = Buffer.from(wire.subarray(0, message.tsigOffset));
  signed.writeUInt16BE(tsig.originalId, 0);
  signed.writeUInt16BE(message.additionals.length - 1, 10);
  const mac = macOf(key, [
    uint16(requestMac.length),
    requestMac,
    signed,
    variables(key.name, key.algorithm, tsig),
  ]);
  if (mac.length !== tsig.mac.length || !timingSafeEqual(mac, tsig.mac)) {
    return { kind: 'forged', problem: 'has a signature that does not fit' };
  }
  if (tsig.error === TSIG_ERROR.BADTIME) {
    const serverTime = tsig.other.length === 6 ? tsig.other.readUIntBE(0, 6) : tsig.time;
    return { kind: 'bad-time', serverTime: serverTime * 1000 };
  }
  if (Math.abs(now / 1000 - tsig.time) > tsig.fudge)
    return { kind: 'bad-time', serverTime: tsig.time * 1000 };
  return tsig.error === 0 ? { kind: 'valid' } : { kind: 'unsigned', error: tsig.error };
}

interface TsigFields {
  /** Seconds since 1970. */
  readonly time: number;
  readonly fudge: number;
  readonly error: number;
  readonly other: Buffer;
}

interface TsigData extends TsigFields {
  readonly algorithm: string;
  readonly mac: Buffer;
  readonly originalId: number;
}

function decodeTsig(record: ResourceRecord): TsigData {
  const reader = new Reader(record.data);
  return {
    algorithm: reader.name(),
    time: reader.bytes(6).readUIntBE(0, 6),
    fudge: reader.uint16(),
    mac: reader.bytes(reader.uint16()),
    originalId: reader.uint16(),
    error: reader.uint16(),
    other: reader.bytes(reader.uint16()),
  };
}

/** The fields of the record that the MAC covers (RFC 8945 4.3.3). */
function variables(keyName: string, algorithm: string, fields: TsigFields): Buffer {
  return Buffer.concat([
    encodeName(keyName),
    uint16(CLASS.ANY),
    uint32(0),
    encodeName(algorithm),
    uint48(fields.time),
    uint16(fields.fudge),
    uint16(fields.error),
    uint16(fields.other.length),
    fields.other,
  ]);
}

function macOf(key: TsigKey, parts: readonly Buffer[]): Buffer {
  const hmac = createHmac(TSIG_ALGORITHMS[key.algorithm] ?? 'sha256', key.secret);
  for (const part of parts) hmac.update(part);
  return hmac.digest();
}

function uint48(value: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUIntBE(value, 0, 6);
  return bytes;
}
