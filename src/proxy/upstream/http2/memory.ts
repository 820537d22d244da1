/**
 * Memory for bytes that wait for a moment, used again and again: large Buffers come and go with every read, and each that is
 * left to the garbage collector brings its next long run nearer.
 */
export function takeMemory(bytes: number): Buffer {
  return bytes <= PIECE_BYTES
    ? (spares.pop() ?? Buffer.allocUnsafeSlow(PIECE_BYTES))
    : Buffer.allocUnsafe(bytes);
}

/** Nobody looks at it any more. */
export function giveBack(memory: Buffer): void {
  if (memory.length === PIECE_BYTES && spares.length < MOST_SPARES) spares.push(memory);
}

/** More than a read and the frame that began before it. */
const PIECE_BYTES = 98_304;
const MOST_SPARES = 64;
const spares: Buffer[] = [];
