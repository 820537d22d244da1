import { CR, LF } from '../octets.ts';

/** Writes `bytes[from, to)`, which must not be empty, as one chunk (RFC 9112 7.1). */
export function writeChunk(bytes: Buffer, from: number, to: number): Buffer {
  const size = (to - from).toString(16);
  const target = Buffer.allocUnsafe(size.length + 2 + to - from + 2);
  let at = endLine(target, target.write(size, 'latin1'));
  at += bytes.copy(target, at, from, to);
  endLine(target, at);
  return target;
}

/** The chunk that ends a body without trailers. */
export const LAST_CHUNK: Buffer = Buffer.from('0\r\n\r\n');

/** The chunk that ends a body with `trailers`: whole lines, as `fieldLine` makes them. */
export function writeLastChunk(trailers: string): Buffer {
  return trailers === '' ? LAST_CHUNK : Buffer.from(`0\r\n${trailers}\r\n`, 'latin1');
}

function endLine(target: Buffer, at: number): number {
  target[at] = CR;
  target[at + 1] = LF;
  return at + 2;
}
