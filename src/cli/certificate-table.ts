import chalk from 'chalk';
import type { CertificateView } from '../app/list-certificates.ts';
import { bar } from './bar.ts';
import { duration, fromNow } from './duration.ts';
import { table } from './table.ts';

/** Characters of the bar of time left. */
const BAR = 10;

/** Certificates for people: a row for each, what failed below its row. */
export function certificateLines(certificates: readonly CertificateView[], now: number): string[] {
  if (certificates.length === 0) return ['no certificate is wanted, and the store holds none'];
  const head = ['NAME', 'ISSUER', 'STATUS', 'TIME LEFT', 'RENEWAL'].map((title) => chalk.bold(title));
  const rows = certificates.map((view) => [
    nameOf(view),
    view.issuer,
    statusText(view.status),
    timeLeft(view, now),
    renewal(view, now),
  ]);
  const [first = '', ...lines] = table([head, ...rows]);
  return [
    first,
    ...certificates.flatMap((view, index) => [lines[index] ?? '', ...errorLines(view.lastError, now)]),
  ];
}

/** A status in its colour. */
export function statusText(status: CertificateView['status']): string {
  switch (status) {
    case 'valid':
      return chalk.green(status);
    case 'expiring':
      return chalk.yellow(status);
    case 'expired':
    case 'missing':
    case 'blocked':
      return chalk.red(status);
    default:
      return status satisfies never;
  }
}

/** The last failure, indented: what, how often, and when it is tried again. */
export function errorLines(error: CertificateView['lastError'], now: number): string[] {
  if (error === null) return [];
  const often = error.attempts === 1 ? '' : `, ${error.attempts} times in a row`;
  const next =
    error.retryAt === null
      ? 'not tried again before the configuration changes or `rigil certs obtain` asks for it'
      : `tried again ${whenOf(error.retryAt, now)}`;
  return [
    `  ${chalk.red(`${error.code}:`)} ${error.message}`,
    `  ${chalk.dim(`${fromNow(Date.parse(error.at), now)}${often}; ${next}`)}`,
  ];
}

function nameOf({ id, names }: CertificateView): string {
  return names.length > 1 ? `${id} ${chalk.dim(`+${names.length - 1}`)}` : id;
}

function timeLeft({ notBefore, notAfter }: CertificateView, now: number): string {
  if (notBefore === null || notAfter === null) return '';
  const [begin, end] = [Date.parse(notBefore), Date.parse(notAfter)];
  if (end <= now) return `${bar(0, BAR)} ended ${fromNow(end, now)}`;
  return `${bar((end - now) / (end - begin), BAR)} ${duration(end - now)}`;
}

function renewal({ renewAt, renewReason }: CertificateView, now: number): string {
  if (renewAt === null) return renewReason ?? 'none';
  return `${whenOf(renewAt, now)}: ${renewReason ?? ''}`;
}

function whenOf(iso: string, now: number): string {
  const moment = Date.parse(iso);
  return moment <= now ? 'now' : fromNow(moment, now);
}
