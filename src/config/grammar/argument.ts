import type { ProblemCode, Severity } from '../codes.ts';
import type { Hint, Position, Problems } from '../diagnostics.ts';
import { Fault } from '../fault.ts';
import type { ReadFile } from '../read-file.ts';
import { quote } from '../text/quote.ts';
import type { Environment, Mode } from '../text/settings-word.ts';
import type { Word } from '../text/words.ts';

/** What reading an argument may need to know besides the argument. */
export interface ArgumentContext {
  /** Relative paths begin here. Absolute. */
  readonly baseDir: string;
  readonly env: Environment;
  readonly mode: Mode;
  /** For what is in a file that the text names. Null: nothing is looked at. */
  readonly readFile: ReadFile | null;
}

/** A kind of argument: how the documentation calls it, and how a word becomes a value. */
export interface ArgumentType<T> {
  /** As in a synopsis: `ADDR`, or the words that are allowed: `json|common`. */
  readonly placeholder: string;
  /** What may be written for it, in one sentence; null where the placeholder says all. */
  readonly description: string | null;
  /** A value that may be shown to nobody, not even in an error message. */
  readonly secret?: boolean;
  readonly parse: (text: string, context: ArgumentContext) => T | Fault;
}

/** One place of a directive's arguments. */
export interface Argument<T> {
  /** As in a synopsis: `ADDR`, `[json|common]`, `CIDR…`. */
  readonly synopsis: string;
  readonly types: readonly ArgumentType<unknown>[];
  /** Takes its words off `input`; {@link NONE} when there is no value, and the reason is then reported. */
  read(input: ArgumentReader): T | typeof NONE;
}

/** No value could be read: it is wrong and reported, or holds a variable that is not set. */
export const NONE: unique symbol = Symbol('none');

/** A value and where it stands. */
export interface Placed<T> {
  readonly value: T;
  readonly at: Position;
}

/** How the line of a directive is written. */
interface LineForm {
  readonly name: string;
  readonly synopses: readonly string[];
}

/** The words behind a directive, taken one after the other, and where to say what is wrong with them. */
export class ArgumentReader {
  readonly #words: readonly [Word, ...Word[]];
  readonly #problems: Problems;
  readonly context: ArgumentContext;
  readonly #form: LineForm;
  #next = 1;

  /**
   * @param words the directive, then its arguments
   * @param form how the line is to be written, for hints
   */
  constructor(
    words: readonly [Word, ...Word[]],
    problems: Problems,
    context: ArgumentContext,
    form: LineForm,
  ) {
    this.#words = words;
    this.#problems = problems;
    this.context = context;
    this.#form = form;
  }

  /** A hint that shows how the line is to be written. */
  get usage(): string {
    const { name, synopses } = this.#form;
    return `write it like: ${synopses.map((synopsis) => `${name} ${synopsis}`.trimEnd()).join(', or ')}`;
  }

  /** The directive as written. */
  get directive(): Word {
    return this.#words[0];
  }

  peek(): Word | undefined {
    return this.#words[this.#next];
  }

  take(): Word | undefined {
    const word = this.#words[this.#next];
    if (word !== undefined) this.#next += 1;
    return word;
  }

  /** The value of `word`, or {@link NONE} after saying what is wrong with it. */
  valueOf<T>(word: Word, type: ArgumentType<T>): T | typeof NONE {
    return this.parse(word, word.text, type);
  }

  /** Like {@link valueOf}, for a part of a word. */
  parse<T>(word: Word, text: string, type: ArgumentType<T>): T | typeof NONE {
    if (word.unresolved) return NONE;
    const value = type.parse(text, this.context);
    if (!(value instanceof Fault)) return value;
    const subject = type.secret === true ? `the ${type.placeholder}` : quote(word.source);
    this.report(word, value.code, `${subject} ${value.message}`, value.hint);
    return NONE;
  }

  report(at: Position, code: ProblemCode, message: string, hint: Hint = null, severity?: Severity): void {
    this.#problems.report(code, at, message, hint, severity);
  }
}
