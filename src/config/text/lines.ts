import { skipSpace, trimEnd } from './white-space.ts';

/** A line with something on it that is no comment. */
export interface Line {
  /** From 1. */
  readonly number: number;
  /** Without its end and without white space there; white space at the start is kept, for the columns. */
  readonly text: string;
  /** Where its first word begins, in UTF-16 units. */
  readonly start: number;
  /** How long it is with all white space, in UTF-16 units, without the line feed. */
  readonly length: number;
}

/** The lines of a text that say something, one after the other. Lines end with LF; a CR before it is white space. */
export function* linesOf(text: string): Generator<Line> {
  let begin = 0;
  for (let number = 1; begin < text.length; number += 1) {
    const feed = text.indexOf('\n', begin);
    const end = feed < 0 ? text.length : feed;
    const from = skipSpace(text, begin, end);
    if (from < end && text[from] !== '#') {
      const line = text.slice(begin, trimEnd(text, from, end));
      yield { number, text: line, start: from - begin, length: end - begin };
    }
    begin = end + 1;
  }
}
