import type { Position } from '../diagnostics.ts';
import type { Columns } from './columns.ts';
import { isSpace, skipSpace } from './white-space.ts';

/** One argument, or the directive itself, with the place where it begins. */
export interface Word extends Position {
  /** What it says: quotes taken off, variables replaced. */
  readonly text: string;
  /** As it is written. Messages quote this, so that no value of a variable ever shows up in one. */
  readonly source: string;
  /** A variable in it has no value: `text` is as written and must not be judged. */
  readonly unresolved: boolean;
  /** Where it begins and ends in the line, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
}

/** Reads the word that begins at `start`. */
export type WordReader = (
  line: string,
  start: number,
  columns: Columns,
) => Pick<Word, 'text' | 'unresolved' | 'end'>;

/** Takes a word as it stands; it ends at white space. */
export const readPlainWord: WordReader = (line, start) => {
  let end = start;
  while (end < line.length && !isSpace(line.charCodeAt(end))) end += 1;
  return { text: line.slice(start, end), unresolved: false, end };
};

/** Where a line is and how its words are read. */
export interface LinePlace {
  readonly number: number;
  readonly columns: Columns;
  readonly read: WordReader;
}

/** The word that begins at `start`. */
export function wordAt(line: string, start: number, place: LinePlace): Word {
  const column = place.columns.at(start);
  const { text, unresolved, end } = place.read(line, start, place.columns);
  return { text, source: line.slice(start, end), unresolved, line: place.number, column, start, end };
}

/** The words of `line` from `from` on, up to a `#` that begins a word. */
export function wordsFrom(line: string, from: number, place: LinePlace): readonly Word[] {
  const words: Word[] = [];
  let start = skipSpace(line, from, line.length);
  while (start < line.length && line[start] !== '#') {
    const word = wordAt(line, start, place);
    words.push(word);
    start = skipSpace(line, word.end, line.length);
  }
  return words;
}
