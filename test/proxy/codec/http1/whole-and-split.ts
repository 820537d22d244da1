import type { HeadParser } from '../../../../src/proxy/codec/http1/head-collector.ts';
import { HeadCollector } from '../../../../src/proxy/codec/http1/head-collector.ts';

/** The ways in which the same bytes can arrive: in one piece, in two cut at each place, byte by byte. */
export function* arrivals(bytes: Buffer): Generator<readonly Buffer[]> {
  yield [bytes];
  for (const cut of cuts(bytes.length)) yield [bytes.subarray(0, cut), bytes.subarray(cut)];
  yield Array.from(bytes, (_, index) => bytes.subarray(index, index + 1));
}

/** Every place; of long messages those near the ends and every 97th between them. */
function* cuts(length: number): Generator<number> {
  for (let cut = 1; cut < length; cut += 1) {
    if (length < 1_500 || cut < 200 || length - cut < 200 || cut % 97 === 0) yield cut;
  }
}

/** Gives pieces to a collector until it has made up its mind; says what it says and how many bytes the head has. */
export function collect(
  parser: HeadParser,
  limitBytes: number,
  pieces: readonly Buffer[],
): { verdict: string; consumed: number } {
  const collector = new HeadCollector(parser, limitBytes);
  collector.reset();
  let before = 0;
  for (const piece of pieces) {
    // Nothing around the piece may matter, and what is read must be copied before the next piece comes.
    const surrounded = Buffer.concat([Buffer.from('#\r\n:'), piece, Buffer.from('\r\n\r\n')]);
    const verdict = collector.push(surrounded, 4, 4 + piece.length);
    if (verdict !== 'more') return { verdict, consumed: before + collector.end - 4 };
    before += piece.length;
    surrounded.fill(0);
  }
  return { verdict: 'more', consumed: before };
}
