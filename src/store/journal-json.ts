import type { CertificateId } from '../certs/certificate.ts';
import type { Failure, JournalEntry, KnownRenewalInfo, RenewalWindow } from '../certs/journal.ts';
import { parseObject } from './meta-json.ts';

/** What is remembered of one certificate, as JSON. Times are milliseconds since 1970. */
export function journalToJson(id: CertificateId, { failure, ari }: JournalEntry): string {
  return `${JSON.stringify({ id, failure, ari }, null, 2)}\n`;
}

/** What {@link journalToJson} wrote, or null when the text is damaged: then nothing is remembered. */
export function journalFromJson(text: string): { id: CertificateId; entry: JournalEntry } | null {
  const value = parseObject(text);
  if (value === null || typeof value['id'] !== 'string') return null;
  const { id, failure = null, ari = null } = value;
  if (failure !== null && !isFailure(failure)) return null;
  if (ari !== null && !isRenewalInfo(ari)) return null;
  return { id, entry: { failure, ari } };
}

function isFailure(value: unknown): value is Failure {
  return hasShape(value, {
    attempts: isNumber,
    code: isString,
    message: isString,
    hint: isNullOr(isString),
    issuer: isString,
    at: isNumber,
    retryAt: isNullOr(isNumber),
    nextIssuer: isString,
    resting: (resting) => isObject(resting) && Object.values(resting).every(isNullOr(isNumber)),
  });
}

function isRenewalInfo(value: unknown): value is KnownRenewalInfo {
  return hasShape(value, {
    ariId: isString,
    window: isNullOr(isWindow),
    nextFetchAt: isNumber,
    failures: isNumber,
  });
}

function isWindow(value: unknown): value is RenewalWindow {
  return hasShape(value, {
    start: isNumber,
    end: isNumber,
    selected: isNumber,
    explanationUrl: isNullOr(isString),
  });
}

type Check = (value: unknown) => boolean;

function hasShape(value: unknown, shape: Readonly<Record<string, Check>>): boolean {
  return isObject(value) && Object.entries(shape).every(([name, check]) => check(value[name]));
}

function isNullOr(check: Check): Check {
  return (value) => value === null || check(value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

/** Not what JSON calls a number and nobody can count: `1e999` would be a time that never comes. */
function isNumber(value: unknown): value is number {
  return Number.isFinite(value);
}
