import { chalkStderr } from 'chalk';
import type { MigrationReport } from '../app/migrate-config.ts';

/** What to know and to do after a migration, for people. */
export function migrationNotes({ output, byHand, environment, commands }: MigrationReport): string[] {
  return [
    ...(output === null ? [] : [`${output} is written.`]),
    ...section(
      'Check by hand:',
      byHand.map(({ variable, what }) => `${variable}: ${what}`),
    ),
    ...section('Needed in the environment of rigil:', environment),
    ...section('Next:', commands),
  ];
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', chalkStderr.bold(title), ...lines.map((line) => `  ${line}`)];
}
