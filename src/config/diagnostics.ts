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

/** Diagnostics of one file that are kept; what comes after is only counted. */
const MOST_PROBLEMS = 10_000;

/** Collects the problems of one file. */
export class Problems {
  readonly #file: string;
  readonly #found: Diagnostic[] = [];
  #dropped = 0;
  #errors = 0;

  constructor(file: string) {
    this.#file = file;
  }

  /** Notes a problem. `severity` is given only for the few codes that weigh differently from case to case. */
  report(
    code: ProblemCode,
    at: Position,
    message: string,
    hint: string | null = null,
    severity: Severity = CODES[code].severity,
  ): void {
    if (severity === 'error') this.#errors += 1;
    if (this.#found.length >= MOST_PROBLEMS) {
      this.#dropped += 1;
      return;
    }
    const { line, column } = at;
    this.#found.push({ file: this.#file, line, column, severity, code, message, hint });
  }

  get hasErrors(): boolean {
    return this.#errors > 0;
  }

  /** In the order of the text, what concerns the file as a whole first. */
  sorted(): readonly Diagnostic[] {
    const sorted = this.#found.toSorted((a, b) => a.line - b.line || a.column - b.column);
    if (this.#dropped === 0) return sorted;
    const severity = this.hasErrors ? 'error' : 'warning';
    const message = `${this.#dropped} more problems are not shown`;
    const hint = 'see to the first ones, then check again; is this a rigil configuration at all?';
    return [
      ...sorted,
      { file: this.#file, ...WHOLE_FILE, severity, code: 'too-many-problems', message, hint },
    ];
  }
}
