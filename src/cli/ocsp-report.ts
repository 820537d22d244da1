import chalk from 'chalk';
import type { AnswerReport, OcspReport, Problem } from '../app/inspect-ocsp.ts';
import { fromNow } from './duration.ts';
import { fields, several } from './fields.ts';
import { minute, timeline } from './timeline.ts';

/** The report for people, as lines of about `width` characters. */
export function ocspReportLines(report: OcspReport, width: number): string[] {
  const { staple, query } = report;
  const view = { now: Date.parse(report.checkedAt), width };
  return [
    chalk.bold(report.target),
    '',
    ...certificateLines(report),
    '',
    ...(staple.present ? answerLines('Staple', staple, view) : absenceLines(report)),
    ...(query === null ? [] : ['', ...answerLines(`Answer of ${query.url ?? 'the responder'}`, query, view)]),
  ];
}

interface View {
  readonly now: number;
  readonly width: number;
}

function certificateLines({ certificate, chain, checkedAt }: OcspReport): string[] {
  const { names, responderUrls } = certificate;
  const more = chain.certificates.map(({ subject, notAfter }) => `${subject}, until ${day(notAfter)}`);
  return fields([
    ['subject', certificate.subject || '(empty)'],
    ['names', listed(names)],
    ['serial', certificate.serial],
    ['issuer', certificate.issuer],
    ['valid', validity(certificate, Date.parse(checkedAt))],
    ['must-staple', certificate.mustStaple ? 'yes' : 'no'],
    ...several('responder', responderUrls, 'none'),
    ...several('chain', more, 'the certificate alone'),
    ...(chain.trusted === null ? [] : [['trusted', trust(chain.distrust)] as const]),
  ]);
}

function validity({ notBefore, notAfter }: OcspReport['certificate'], now: number): string {
  const end = Date.parse(notAfter);
  const left = `${end < now ? 'expired' : 'ends'} ${fromNow(end, now)}`;
  return `${day(notBefore)} to ${day(notAfter)}, ${end < now ? chalk.red(left) : left}`;
}

function trust(distrust: string | null): string {
  if (distrust === null) return 'yes';
  return chalk.yellow(`no: ${DISTRUST[distrust] ?? distrust.toLowerCase().replaceAll('_', ' ')}`);
}

const DISTRUST: Readonly<Record<string, string>> = {
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate is for other names',
  CERT_HAS_EXPIRED: 'a certificate of the chain has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'the root of the chain is not known; name it with --ca',
  UNABLE_TO_GET_ISSUER_CERT: 'the chain is not complete',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the issuer is not known; name its root with --ca',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the chain is not complete, or its root is not known',
};

/** Why there is no staple, which is normal more often than not. */
function absenceLines({ source, certificate, staple, query }: OcspReport): string[] {
  const title = chalk.bold('Staple: ');
  const { crlUrls, responderUrl } = certificate;
  if (responderUrl === null) {
    return [
      `${title}none, and none is due: the certificate names no OCSP responder.`,
      ...(crlUrls.length === 0
        ? ['It names no revocation list (CRL) either.']
        : ['Its CA publishes revocation lists (CRLs) only:', ...crlUrls.map((url) => `  ${url}`)]),
      ...problemLines(staple.problems),
    ];
  }
  const ask = query === null ? [`Ask the responder with ${chalk.cyan('--query')}.`] : [];
  return [`${title}${ABSENCE[source]}`, ...problemLines(staple.problems), ...ask];
}

const ABSENCE: Readonly<Record<OcspReport['source'], string>> = {
  server: 'none, the server sends no OCSP answer.',
  file: 'none, a file has only certificates.',
  stored: 'none is kept in the store.',
};

function answerLines(title: string, answer: AnswerReport, { now, width }: View): string[] {
  const { thisUpdate, nextUpdate, producedAt, signer } = answer;
  const by = signer?.kind === 'issuer' ? 'the issuer itself' : 'appointed by the issuer';
  return [
    `${chalk.bold(`${title}:`)} ${verdict(answer)}`,
    ...span(thisUpdate, nextUpdate, now, width - 2).map((line) => `  ${line}`),
    ...fields([
      ...(producedAt === null ? [] : [['produced', minute(Date.parse(producedAt))] as const]),
      ...(signer === null
        ? []
        : [
            ['signer', answer.verified ? `${answer.responder} (${by})` : String(answer.responder)] as const,
            ['key', signer.keyId] as const,
          ]),
    ]),
    ...problemLines(answer.problems),
  ];
}

function verdict({ status, verified, present }: AnswerReport): string {
  if (!present) return chalk.red('none');
  if (!verified) return chalk.red(status === null ? 'not usable' : `${status}, but not verified`);
  const colour = status === 'good' ? chalk.green : status === 'revoked' ? chalk.red : chalk.yellow;
  return `${colour(status)}, verified`;
}

function span(from: string | null, to: string | null, now: number, width: number): string[] {
  if (from === null) return [];
  if (to === null) return [`made ${minute(Date.parse(from))}, with no end`];
  return timeline(Date.parse(from), Date.parse(to), now, width);
}

function problemLines(problems: readonly Problem[]): string[] {
  return problems.flatMap(({ severity, message, hint }) => {
    const colour = severity === 'error' ? chalk.red : chalk.yellow;
    return [`  ${colour(`${severity}:`)} ${message}`, `  ${chalk.cyan('hint:')} ${hint}`];
  });
}

/** A certificate may have hundreds of names; --json has them all. */
function listed(names: readonly string[]): string {
  if (names.length === 0) return 'none';
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : '';
  return names.slice(0, MOST_NAMES).join(', ') + more;
}

const MOST_NAMES = 12;

function day(iso: string): string {
  return iso.slice(0, 10);
}
