import { CODE, CODE_LENGTH, END_OF_STRING } from './huffman-code.ts';

/** How many bytes `bytes[from, to)` takes when it is encoded. */
export function huffmanLength(bytes: Uint8Array, from: number, to: number): number {
  let bits = 0;
  for (let at = from; at < to; at += 1) bits += CODE_LENGTH[bytes[at] ?? 0] ?? 0;
  return (bits + 7) >>> 3;
}

/** Encodes `bytes[from, to)` into `target` at `at` and returns the offset after it. There must be room for it. */
export function huffmanEncode(
  bytes: Uint8Array,
  from: number,
  to: number,
  target: Uint8Array,
  at: number,
): number {
  let written = at;
  let bits = 0;
  let pending = 0;
  for (let index = from; index < to; index += 1) {
    const symbol = bytes[index] ?? 0;
    let code = CODE[symbol] ?? 0;
    let length = CODE_LENGTH[symbol] ?? 0;
    // Up to 7 bits wait, and 32 are all that there is room for.
    if (length > 24) {
      bits = (bits << (length - 16)) | (code >>> 16);
      pending += length - 16;
      for (; pending >= 8; pending -= 8) target[written++] = bits >>> (pending - 8);
      code &= 0xffff;
      length = 16;
    }
    bits = (bits << length) | code;
    pending += length;
    for (; pending >= 8; pending -= 8) target[written++] = bits >>> (pending - 8);
  }
  if (pending > 0) target[written++] = (bits << (8 - pending)) | (0xff >>> pending);
  return written;
}

/** How many bytes `length` encoded ones can become: the shortest code has 5 bits. */
export function longestDecoded(length: number): number {
  return Math.ceil((length * 8) / 5);
}

/**
 * Decodes `bytes[from, to)` into `target` at `at` and returns the offset after it, or -1 when it is no code: the end
 * symbol, or a padding that is longer than 7 bits or not all ones. There must be room for {@link longestDecoded}.
 */
export function huffmanDecode(
  bytes: Uint8Array,
  from: number,
  to: number,
  target: Uint8Array,
  at: number,
): number {
  let written = at;
  let state = ROOT;
  let accepted = true;
  for (let index = from; index < to; index += 1) {
    const byte = bytes[index] ?? 0;
    const high = STEPS[(state << 4) | (byte >>> 4)] ?? FAILS;
    if ((high & EMITS) !== 0) target[written++] = high & 0xff;
    const low = STEPS[((high >>> 8) & 0xff) * 16 + (byte & 15)] ?? FAILS;
    if (((high | low) & FAILS) !== 0) return -1;
    if ((low & EMITS) !== 0) target[written++] = low & 0xff;
    state = (low >>> 8) & 0xff;
    accepted = (low & ACCEPTS) !== 0;
  }
  return accepted ? written : -1;
}

const ROOT = 0;
const EMITS = 1 << 16;
const ACCEPTS = 1 << 17;
const FAILS = 1 << 18;

/**
 * Where four bits lead from each of the 256 inner nodes of the code tree: the next node in bits 8 to 15, the symbol
 * that was completed on the way in bits 0 to 7, and the flags. The shortest code has five bits, so that four complete
 * one symbol at most.
 */
const STEPS = steps();

interface Node {
  readonly number: number;
  /** The bits from the root were all ones, and fewer than eight: a string may be padded so (RFC 7541 5.2). */
  readonly padding: boolean;
  readonly depth: number;
  readonly children: [Node | number | null, Node | number | null];
}

function steps(): Uint32Array {
  const nodes: Node[] = [];
  const add = (depth: number, padding: boolean): Node => {
    const node: Node = { number: nodes.length, padding: padding && depth < 8, depth, children: [null, null] };
    nodes.push(node);
    return node;
  };
  const root = add(0, true);
  for (const [symbol, length] of CODE_LENGTH.entries()) {
    let node = root;
    for (let bit = length - 1; bit > 0; bit -= 1) {
      const side = ((CODE[symbol] ?? 0) >>> bit) & 1;
      const child = node.children[side];
      const next: Node =
        typeof child === 'object' && child !== null ? child : add(node.depth + 1, node.padding && side === 1);
      node.children[side] = next;
      node = next;
    }
    node.children[(CODE[symbol] ?? 0) & 1] = symbol;
  }
  const table = new Uint32Array(nodes.length * 16);
  for (const start of nodes) {
    for (let four = 0; four < 16; four += 1) table[start.number * 16 + four] = step(root, start, four);
  }
  return table;
}

function step(root: Node, start: Node, four: number): number {
  let node = start;
  let emitted = 0;
  for (let bit = 3; bit >= 0; bit -= 1) {
    const child = node.children[(four >>> bit) & 1] ?? END_OF_STRING;
    if (child === END_OF_STRING) return FAILS;
    if (typeof child === 'number') {
      emitted = EMITS | child;
      node = root;
    } else {
      node = child;
    }
  }
  return (node.number << 8) | emitted | (node.padding ? ACCEPTS : 0);
}
