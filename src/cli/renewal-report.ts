import chalk from 'chalk';
import type { PlannedRenewals, RunResult } from '../app/renew-certificates.ts';
import { duration, fromNow } from './duration.ts';
import { table } from './table.ts';

/** Most skipped certificates that are shown one by one. */
const MOST_SKIPPED = 5;

/** The result of a run for people; with `quiet` only what has changed or failed. */
export function renewalLines({ renewed, failed, skipped }: RunResult, quiet: boolean, now: number): string[] {
  const done = renewed.map(({ id, notAfter, durationMs }) => [
    `${chalk.green('✔')} ${id}`,
    `valid until ${notAfter.slice(0, 10)}, obtained in ${duration(durationMs)}`,
  ]);
  const left = skipped.map(({ id, reason }) => [`${chalk.dim('-')} ${id}`, reason]);
  return [
    ...table([...done, ...(quiet || skipped.length > MOST_SKIPPED ? [] : left)]),
    ...(quiet || skipped.length <= MOST_SKIPPED
      ? []
      : [`${chalk.dim('-')} nothing to do for ${skipped.length} certificates`]),
    ...failed.flatMap(({ id, code, message, hint, retryAt }) => [
      `${chalk.red('✘')} ${id}  ${chalk.red(`${code}:`)} ${message}`,
      ...(hint === null ? [] : [`  ${chalk.cyan('hint:')} ${hint}`]),
      `  ${chalk.dim(retryText(retryAt, now))}`,
    ]),
  ];
}

/**
 * 3 when some failed, 1 when nothing at all went well; with `detailed` 10 when something was renewed.
 */
export function renewalExitCode({ renewed, failed, skipped }: RunResult, detailed: boolean): number {
  if (failed.length > 0) return renewed.length + skipped.length === 0 ? 1 : 3;
  return detailed && renewed.length > 0 ? 10 : 0;
}

/** A plan for people. */
export function planLines({ plan: { planned }, next }: PlannedRenewals, now: number): string[] {
  if (planned.length > 0) {
    return table(planned.map(({ id, action, reason }) => [`would ${action}`, id, reason]));
  }
  const later =
    next === null ? '' : `; next is ${next.id} ${fromNow(Date.parse(next.at), now)}: ${next.reason}`;
  return [`nothing is due${later}`];
}

function retryText(retryAt: string | null, now: number): string {
  if (retryAt === null)
    return 'not tried again before the configuration changes, or somebody asks for it by name';
  const moment = Date.parse(retryAt);
  return moment <= now ? 'will be tried again at once' : `will be tried again ${fromNow(moment, now)}`;
}
