import type { Diagnostic } from '../diagnostics.ts';

/** A workflow command of GitHub Actions, which shows the problem at its line of a pull request. */
export function formatGithub({ file, line, column, severity, code, message, hint }: Diagnostic): string {
  const properties = [
    ['file', file],
    ...(line > 0 ? [['line', String(line)]] : []),
    ...(column > 0 ? [['col', String(column)]] : []),
    ['title', code],
  ].map(([key, value]) => `${key}=${escapeProperty(value ?? '')}`);
  const text = hint === null ? message : `${message}\nhint: ${hint}`;
  return `::${severity} ${properties.join(',')}::${escapeData(text)}`;
}

function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
