import type { Diagnostic } from '../diagnostics.ts';

/** Gives the parts of a line their colours. Without it they stay as they are. */
export interface Paint {
  readonly place: (text: string) => string;
  readonly error: (text: string) => string;
  readonly warning: (text: string) => string;
  readonly code: (text: string) => string;
  readonly hint: (text: string) => string;
}

const plain: Paint = {
  place: (text) => text,
  error: (text) => text,
  warning: (text) => text,
  code: (text) => text,
  hint: (text) => text,
};

/** `path:line:column: severity: message [code]`, and `hint: …` in a line of its own where there is one. */
export function formatText(diagnostic: Diagnostic, paint: Paint = plain): readonly string[] {
  const { severity, message, code, hint } = diagnostic;
  const place = paint.place(`${placeOf(diagnostic)}:`);
  const line = `${place} ${paint[severity](`${severity}:`)} ${message} ${paint.code(`[${code}]`)}`;
  return hint === null ? [line] : [line, `  ${paint.hint('hint:')} ${hint}`];
}

/** All of it in one line without colours, for logs. */
export function plainText(diagnostic: Diagnostic): string {
  const { hint, message, severity } = diagnostic;
  const line = `${placeOf(diagnostic)}: ${severity}: ${message}`;
  return hint === null ? line : `${line} (${hint})`;
}

/** `path:line:column`, as editors understand it; without what is 0. */
export function placeOf({ file, line, column }: Pick<Diagnostic, 'file' | 'line' | 'column'>): string {
  return [file, ...(line > 0 ? [line] : []), ...(column > 0 ? [column] : [])].join(':');
}
