/** One thing that is wrong, or doubtful, in a configuration: a value, never thrown. */
export interface Diagnostic {
  readonly file: string;
  /** From 1. 0 = the file as a whole. */
  readonly line: number;
  /** From 1, counted in Unicode code points. 0 = the line as a whole. */
  readonly column: number;
  readonly severity: 'error' | 'warning';
  /** Stable name such as `unknown-directive`. */
  readonly code: string;
  readonly message: string;
  /** The way out, or null. */
  readonly hint: string | null;
}
