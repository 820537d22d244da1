import chalk from 'chalk';
import type { CopyReport } from '../app/copy-store.ts';

/** What was copied, for people. */
export function copyLines({ from, to, copied, kept, failed }: CopyReport, dryRun: boolean): string[] {
  const counts = (of: CopyReport['copied']): string =>
    `${of.certificates} certificates, ${of.documents} documents, ${of.journal} entries of the journal`;
  return [
    `${from} → ${to}`,
    `${chalk.green('✔')} ${dryRun ? 'would copy' : 'copied and read back'} ${counts(copied)}`,
    `${chalk.dim('-')} there already: ${counts(kept)}`,
    ...failed.map(({ what, message }) => `${chalk.red('✘')} ${what}: ${message}`),
  ];
}

/** 3 when something could not be copied, 1 when nothing could. */
export function copyExitCode({ copied, kept, failed }: CopyReport): number {
  if (failed.length === 0) return 0;
  const good = [copied, kept].flatMap((each) => Object.values(each)).some((count) => count > 0);
  return good ? 3 : 1;
}
