import chalk, { type ChalkInstance, chalkStderr } from 'chalk';
import { type CheckReport, formatGithub, formatText, type Paint, sarifOf } from '../app/check-config.ts';

export const CHECK_FORMATS = ['text', 'json', 'sarif', 'github'] as const;
export type CheckFormat = (typeof CHECK_FORMATS)[number];

/** The problems of a configuration for people, coloured as suits the stream that they go to. */
export function problemLines(
  diagnostics: CheckReport['diagnostics'],
  stream: 'stdout' | 'stderr',
): readonly string[] {
  const paint = paintWith(stream === 'stdout' ? chalk : chalkStderr);
  return diagnostics.flatMap((diagnostic) => formatText(diagnostic, paint));
}

/** The lines of a report in `format`; what is `json` is printed by the base command. */
export function checkReportLines(report: CheckReport, format: CheckFormat): readonly string[] {
  switch (format) {
    case 'text':
      return problemLines(report.diagnostics, 'stdout');
    case 'github':
      return report.diagnostics.map(formatGithub);
    case 'sarif':
      return [JSON.stringify(sarifOf(report), null, 2)];
    case 'json':
      return [];
    default:
      return format satisfies never;
  }
}

/** One line: `rigil.conf is valid: 12 routes, 1 warning`. */
export function checkSummary({ valid, files, routes, diagnostics }: CheckReport): string {
  const errors = diagnostics.filter(({ severity }) => severity === 'error').length;
  const warnings = diagnostics.length - errors;
  const counts = [
    ...(valid ? [counted(routes, 'route')] : [counted(errors, 'error')]),
    ...(warnings > 0 ? [counted(warnings, 'warning')] : []),
  ];
  return `${files.join(', ')} is ${valid ? 'valid' : 'invalid'}: ${counts.join(', ')}`;
}

function paintWith(colours: ChalkInstance): Paint {
  return {
    place: (text) => colours.bold(text),
    error: (text) => colours.red(text),
    warning: (text) => colours.yellow(text),
    code: (text) => colours.dim(text),
    hint: (text) => colours.cyan(text),
  };
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
