import chalk from 'chalk';
import type { ImportReport } from '../app/import-certificates.ts';
import { table } from './table.ts';

/** What was taken over, for people. */
export function importLines(
  { imported, skipped, failed, accounts }: ImportReport,
  dryRun: boolean,
): string[] {
  const taken = imported.map(({ id, issuer, notAfter, place }) => [
    `${chalk.green('✔')} ${id}`,
    `for ${issuer}, valid until ${notAfter.slice(0, 10)}`,
    chalk.dim(place),
  ]);
  return [
    ...table(taken),
    ...accounts.map(({ issuer, url }) => `${chalk.green('✔')} account at ${issuer}: ${url}`),
    ...skipped.flatMap(({ place, names, reason }) => [
      `${chalk.dim('-')} ${names.join(', ') || place}: ${reason}`,
      ...(names.length === 0 ? [] : [`  ${chalk.dim(place)}`]),
    ]),
    ...failed.map(({ place, message }) => `${chalk.red('✘')} ${place}: ${message}`),
    `${dryRun ? 'would take' : 'took'} ${imported.length}, skipped ${skipped.length}, failed ${failed.length}`,
  ];
}

/** 3 when something cannot be used, 1 when nothing can. */
export function importExitCode({ imported, skipped, failed, accounts }: ImportReport): number {
  if (failed.length === 0) return 0;
  return imported.length + skipped.length + accounts.length === 0 ? 1 : 3;
}
