import type { ProblemCode } from './codes.ts';

/** Why a text is no value of the kind that was wanted. The reader of the line adds where it stands. */
export class Fault {
  readonly code: ProblemCode;
  /** Completes a sentence that begins with the text: `is not an address`. */
  readonly message: string;
  readonly hint: string | null;

  constructor(code: ProblemCode, message: string, hint: string | null = null) {
    this.code = code;
    this.message = message;
    this.hint = hint;
  }
}
