import type { Instant } from '../platform/clock.ts';
import { TAG } from './der.ts';

/** One DER element (X.690 8.1) of a tag byte and the bytes of its contents, in order. */
export function encode(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(contents);
  return Buffer.concat([Uint8Array.of(tag, ...lengthOf(body.length)), body]);
}

export function sequence(...elements: readonly Uint8Array[]): Buffer {
  return encode(TAG.sequence, ...elements);
}

/** An OBJECT IDENTIFIER from its dotted form (X.690 8.19). */
export function encodeOid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return encode(TAG.oid, Uint8Array.from([first * 40 + second, ...rest].flatMap(base128)));
}

/** A GeneralizedTime in whole seconds, as RFC 5280 4.1.2.5.2 asks for. */
export function encodeTime(at: Instant): Buffer {
  const digits = new Date(at).toISOString().slice(0, 19).replaceAll(/[-T:]/g, '');
  return encode(GENERALIZED_TIME, Buffer.from(`${digits}Z`));
}

const GENERALIZED_TIME = 0x18;

/** A short length is one byte; a longer one follows the count of its own bytes. */
function lengthOf(length: number): number[] {
  if (length < 0x80) return [length];
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return [0x80 + bytes.length, ...bytes];
}

function base128(arc: number): number[] {
  const bytes = [arc % 128];
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) {
    bytes.unshift(0x80 + (rest % 128));
  }
  return bytes;
}
