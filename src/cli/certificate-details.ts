import chalk from 'chalk';
import type { CertificateDetails } from '../app/show-certificate.ts';
import { errorLines, statusText } from './certificate-table.ts';
import { fromNow } from './duration.ts';
import { fields, several } from './fields.ts';
import { table } from './table.ts';
import { minute, timeline } from './timeline.ts';

/** One certificate for people, as lines of about `width` characters. */
export function certificateDetailLines(details: CertificateDetails, now: number, width: number): string[] {
  const { id, status, lastError, hint } = details;
  return [
    `${chalk.bold(id)}  ${statusText(status)}`,
    ...validityLines(details, now, width),
    ...fields([
      ...several('names', details.names, 'none'),
      ['issuer', issuerText(details)],
      ...renewalRows(details, now),
      ...leafRows(details, now),
      ...several(
        'chain',
        details.chain.slice(1).map(({ subject, notAfter }) => `${subject}, until ${notAfter.slice(0, 10)}`),
        details.chain.length === 1 ? 'the certificate alone' : 'none',
      ),
      ...(details.directory === null ? [] : [['files', details.directory] as const]),
    ]),
    ...errorLines(lastError, now),
    ...(lastError === null || hint === null ? [] : [`  ${chalk.cyan('hint:')} ${hint}`]),
    ...historyLines(details),
  ];
}

function validityLines({ notBefore, notAfter }: CertificateDetails, now: number, width: number): string[] {
  if (notBefore === null || notAfter === null) return [];
  return timeline(Date.parse(notBefore), Date.parse(notAfter), now, width - 2).map((line) => `  ${line}`);
}

function issuerText({ issuer, wantedIssuers }: CertificateDetails): string {
  const others = wantedIssuers.filter((name) => name !== issuer);
  if (wantedIssuers.length === 0) return `${issuer} (no route wants this certificate)`;
  return others.length === 0 ? issuer : `${issuer} (also wanted: ${others.join(', ')})`;
}

function renewalRows(
  { renewAt, renewReason, ari }: CertificateDetails,
  now: number,
): (readonly [string, string])[] {
  const renewal =
    renewAt === null ? (renewReason ?? 'none') : `${moment(renewAt, now)}: ${renewReason ?? ''}`;
  if (ari === null) return [['renewal', renewal]];
  const window = `${minute(Date.parse(ari.start))} to ${minute(Date.parse(ari.end))}`;
  return [
    ['renewal', renewal],
    ['advice (ARI)', `${window}, drawn: ${minute(Date.parse(ari.selected))}`],
    ...(ari.explanationUrl === null ? [] : [['', `why: ${ari.explanationUrl}`] as const]),
  ];
}

function leafRows(details: CertificateDetails, now: number): (readonly [string, string])[] {
  const { serial, keyType, fingerprint, obtainedAt, source } = details;
  if (serial === null || fingerprint === null || obtainedAt === null) return [];
  return [
    ['key', keyType ?? 'other'],
    ['serial', serial],
    ['sha256', fingerprint],
    ['obtained', `${moment(obtainedAt, now)} by ${source ?? 'rigil'}`],
    ['ocsp', ocspText(details, now)],
  ];
}

function ocspText({ ocsp, responderUrl, mustStaple }: CertificateDetails, now: number): string {
  const must = mustStaple === true ? ' (must-staple)' : '';
  if (responderUrl === null) return `the certificate names no responder${must}`;
  if (ocsp === null) return `no answer of ${responderUrl} is kept yet${must}`;
  const end = ocsp.nextUpdate === null ? 'with no end' : `until ${moment(ocsp.nextUpdate, now)}`;
  const colour = ocsp.status === 'good' ? chalk.green : chalk.red;
  return `${colour(ocsp.status)} ${end}${must}, by ${responderUrl}`;
}

function historyLines({ history }: CertificateDetails): string[] {
  if (history.length === 0) return [];
  const rows = history.map(({ generation, inForce, notAfter, obtainedAt, source, serial }) => [
    `  ${generation}${inForce ? '*' : ''}`,
    `obtained ${minute(Date.parse(obtainedAt))} by ${source}`,
    `until ${notAfter.slice(0, 10)}`,
    chalk.dim(serial),
  ]);
  return ['', chalk.bold('History'), ...table(rows)];
}

function moment(iso: string, now: number): string {
  const at = Date.parse(iso);
  return `${minute(at)} (${fromNow(at, now)})`;
}
