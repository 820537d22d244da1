import { CODES, type ProblemCode, type Severity } from './codes.ts';

/** One thing that is wrong, or doubtful, in a configuration: a value, never thrown. */
export interface Diagnostic {
  readonly file: string;
  /** From 1. 0 = the file as a whole. */
  readonly line: number;
  /** From 1, counted in Unicode code points. 0 = the line as a whole. */
  readonly column: number;
  readonly severity: Severity;
  /** Stable name such as `unknown-directive`: a key of {@link CODES}. */
  readonly code: ProblemCode;
  readonly message: string;
  /** The way out, or null. */
  readonly hint: string | null;
}

/** A place in the text: line and column as in a {@link Diagnostic}. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** The file as a whole. */
export const WHOLE_FILE: Position = { line: 0, column: 0 };

/** Diagnostics of one file that are kept. */
const MOST_PROBLEMS = 10_000;

/** What to do about a problem; a function where finding it out costs something. */
export type Hint = string | null | (() => string | null);

/** Collects the problems of one file. */
export class Problems {
  readonly #file: string;
  readonly #found: Diagnostic[] = [];
  #isFull = false;
  #hasErrors = false;

  constructor(file: string) {
    this.#file = file;
  }

  /** Notes a problem. `severity` is given only for the few codes that weigh differently from case to case. */
  report(
    code: ProblemCode,
    at: Position,
    message: string,
    hint: Hint = null,
    severity: Severity = CODES[code].severity,
  ): void {
    if (severity === 'error') this.#hasErrors = true;
    if (this.#found.length >= MOST_PROBLEMS) {
      this.#isFull = true;
      return;
    }
    const { line, column } = at;
    const advice = typeof hint === 'function' ? hint() : hint;
    this.#found.push({ file: this.#file, line, column, severity, code, message, hint: advice });
  }

  get hasErrors(): boolean {
    return this.#hasErrors;
  }

  /** The text is wrong, and more problems would not be shown: nothing is gained by reading on. */
  get isHopeless(): boolean {
    return this.#isFull && this.#hasErrors;
  }

  /** In the order of the text, what concerns the file as a whole first. */
  sorted(): readonly Diagnostic[] {
    const sorted = this.#found.toSorted((a, b) => a.line - b.line || a.column - b.column);
    if (!this.#isFull) return sorted;
    const severity = this.#hasErrors ? 'error' : 'warning';
    const message = `there are more problems than these ${MOST_PROBLEMS}`;
    const hint = 'see to the first ones, then check again; is this a rigil configuration at all?';
    return [
      { file: this.#file, ...WHOLE_FILE, severity, code: 'too-many-problems', message, hint },
      ...sorted,
    ];
  }
}
